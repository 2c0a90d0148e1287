# SPDX-License-Identifier: GPL-2.0-only
#
# restart.sh reboot|kexec|panic: the host goes down while a VM runs, by a reboot,
# into another kernel, or in a panic with a crash kernel.  What comes up next finds
# CPUs on which the extension is off, so the module loads and runs guests.  This
# script runs once before and once after.

. "$KEEL_TESTS/lib.sh"

how=$1
if [ -e "$KEEL_OUT/went-down" ]; then
	say "up again: $(cat /proc/cmdline)"
	case $how in
	reboot) ;;
	*) grep -q keel.second /proc/cmdline || fail "the firmware came, not the other kernel" ;;
	esac
	load_keel
	small_guest
	unload_keel
	load_in_tree
	small_guest
	unload_in_tree
	pass
fi

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
	"$KEEL_TESTS/kexec" /exchange/host/vmlinuz /exchange/host/initrd "$append"
	rm "$KEEL_OUT/went-down"
	;;
panic)
	# The crash kernel's share of memory is small, one CPU is enough for it.
	append="$(echo "$append" | sed 's/crashkernel=[^ ]*//') nr_cpus=1 reset_devices"
	"$KEEL_TESTS/kexec" /exchange/host/vmlinuz /exchange/host/initrd "$append" panic ||
		fail "cannot load the crash kernel"
	[ "$(cat /sys/kernel/kexec_crash_loaded)" = 1 ] || fail "no crash kernel is loaded"
	touch "$KEEL_OUT/went-down"
	sync
	echo c >/proc/sysrq-trigger
	;;
esac
sleep 20
fail "the host did not go down"
