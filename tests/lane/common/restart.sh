# SPDX-License-Identifier: GPL-2.0-only
#
# restart.sh reboot|kexec|panic [OPTION]: the host goes down while a VM runs, by a reboot,
# into another kernel, or in a panic with a crash kernel.  What comes up next finds
# CPUs on which the extension is off, so the module loads and runs guests.  This
# script runs once before and once after.  OPTION is one of kexec-tools
# without its dashes, for a kernel that wants its segments made ready by somebody else.

. "$KEEL_TESTS/lib.sh"

how=$1 option=${2:+--$2}
if [ -e "$KEEL_OUT/went-down" ]; then
	say "up again: $(cat /proc/cmdline)"
	case $how in
	reboot) ;;
	*) grep -q keel.second /proc/cmdline || fail "the firmware came, not the other kernel" ;;
	esac
	load_keel
	small_guest
	unload_keel
	# One that is built in was told to stay away.
	if [ -s "$KEEL_IN_TREE/order" ]; then
		load_in_tree
		in_tree_guest
		unload_in_tree
	fi
	pass
fi

# second_kernel: load it, and start it at once if it is not for a panic.
second_kernel() {
	mode=-l status=0
	[ $how != panic ] || mode=-p
	"$KEEL_TESTS/kexec" /exchange/host/vmlinuz /exchange/host/initrd "$append" $how ||
		status=$?
	[ $status = 77 ] || return $status
	[ -x "$KEEL_ROOT/sbin/kexec" ] || return 77
	chroot "$KEEL_ROOT" /sbin/kexec $mode $option /exchange/host/vmlinuz \
		--initrd=/exchange/host/initrd "--command-line=$append" || return 1
	[ $how = panic ] || chroot "$KEEL_ROOT" /sbin/kexec -e
}

load_keel
ticking_guest "${LANE_GUEST_MACHINES%% *}" 2
append="$(cat /proc/cmdline) keel.second"
case $how in
kexec | panic) [ -e /sys/kernel/kexec_loaded ] || skip "this kernel has no kexec" ;;
esac
dmesg -n 7
case $how in
reboot)
	touch "$KEEL_OUT/went-down"
	sync
	reboot -f
	;;
kexec)
	touch "$KEEL_OUT/went-down"
	status=0
	second_kernel || status=$?
	rm "$KEEL_OUT/went-down"
	[ $status != 77 ] || skip "this kernel has no kexec_file_load, the root tree no kexec-tools"
	;;
panic)
	# The crash kernel's share of memory is small, one CPU is enough for it.
	append="$(echo "$append" | sed 's/crashkernel=[^ ]*//') nr_cpus=1 reset_devices"
	second_kernel || fail "cannot load the crash kernel"
	[ "$(cat /sys/kernel/kexec_crash_loaded)" = 1 ] || fail "no crash kernel is loaded"
	touch "$KEEL_OUT/went-down"
	sync
	echo c >/proc/sysrq-trigger
	;;
esac
sleep 20
fail "the host did not go down"
