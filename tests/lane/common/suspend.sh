# SPDX-License-Identifier: GPL-2.0-only
#
# suspend.sh LEVEL...: the host suspends while a VM exists, and the VM goes on.
# LEVEL is one of /sys/power/pm_test (how far a mock suspend goes) or "mem": the
# machine sleeps, and its clock wakes it.

# It must not hold the shared folder it came from.
if [ "$0" != /tmp/suspend.sh ]; then
	cp "$0" /tmp/suspend.sh
	exec sh /tmp/suspend.sh "$@"
fi

. "$KEEL_TESTS/lib.sh"

[ -e /sys/power/state ] || skip "the host's kernel cannot suspend"
# Without, it suspends to idle, which turns no CPU off.
case $* in
*mem* | *processors* | *core*)
	grep -q deep /sys/power/mem_sleep || skip "the host's firmware cannot suspend to memory"
	;;
esac

# The shared folders' device does not survive a suspend; everything that is used
# while they are gone is in memory.  What it would hold back is copied here.
detach() {
	cp "$KEEL_TESTS/api" "$KEEL_TESTS/lib.sh" "$KEEL_KO" /tmp/ || fail "no room"
	# Drives do.
	grep ' 9p ' /proc/mounts | sort -u -k2,2 >/tmp/shares
	[ -s /tmp/shares ] || return 0
	awk '{ print $2 }' /proc/mounts | grep -E '^(/root|/exchange)' | sort -r |
	while read -r folder; do
		umount "$folder" || fail "cannot unmount $folder"
	done
	! grep ' 9p ' /proc/mounts || fail "a shared folder is still in use"
	sed '1!G;h;$!d' /modules/order | while read -r module; do
		rmmod "$(echo "${module%.ko}" | tr - _)" 2>/dev/null
	done
	! loaded 9pnet_virtio || fail "cannot put the shared folders' driver away"
}

attach() {
	[ -s /tmp/shares ] || return 0
	while read -r module; do
		loaded "$(echo "${module%.ko}" | tr - _)" || insmod "/modules/$module"
	done </modules/order
	# Bind mounts share their file system: one mount for each tag.
	sort -u -k1,1 /tmp/shares | while read -r tag folder type options _; do
		mount -t 9p -o "$options" "$tag" "$folder" || fail "cannot mount $folder again"
	done
}

suspend_to() {
	case $1 in
	mem)
		echo none >/sys/power/pm_test
		# The emulator's machine does not turn off any more after it has slept.
		touch /tmp/end-by-reboot
		echo +5 >/sys/class/rtc/rtc0/wakealarm || fail "the clock cannot wake the machine"
		echo mem >/sys/power/state || fail "the machine does not sleep"
		;;
	*)
		echo "$1" >/sys/power/pm_test || fail "no level $1"
		echo mem >/sys/power/state || fail "suspend to the level $1 failed"
		echo none >/sys/power/pm_test
		;;
	esac
}

running() {
	[ "$(wc -l </tmp/beats)" -gt "$1" ]
}

load_keel
cp "$KEEL_TESTS/api" /tmp/api
detach
# A vCPU that runs all the time, and one VM with nothing in it.
/tmp/api --hold >/tmp/hold.log 2>&1 &
holder=$!
: >/tmp/beats
/tmp/api beat >>/tmp/beats 2>/tmp/beat.log &
beater=$!
eventually 20 running 3 || fail "the guest does not run: $(cat /tmp/beat.log)"
for level in "$@"; do
	say "suspend: $level"
	suspend_to "$level"
	say "awake again"
	lines=$(wc -l </tmp/beats)
	eventually 30 running $((lines + 3)) || fail "the guest stands still after $level"
	KEEL_TESTS=/tmp
	small_guest
done
kill $holder $beater
wait
attach
KEEL_TESTS=/exchange/tests
eventually 10 rmmod keel || fail "cannot be unloaded"
pass
