# SPDX-License-Identifier: GPL-2.0-only
#
# CPU hotplug: without a VM, with one that was off when the module was loaded,
# under a VM pinned to the CPU that goes, and with VMs made while it is off.

. "$KEEL_TESTS/lib.sh"

cpu=/sys/devices/system/cpu/cpu1/online
[ -e $cpu ] || skip "the host cannot take a CPU off"
set_cpu() {
	echo "$1" >$cpu || fail "cpu 1 does not go to $1"
}
# pin_vcpus ARG...: which CPUs, as taskset wants to be told.
pin_vcpus() {
	for task in /proc/[0-9]*/task/*/comm; do
		case $(cat "$task" 2>/dev/null) in
		CPU*KVM)
			task=${task%/comm}
			taskset -p "$@" "${task##*/}" >/dev/null || fail "cannot pin a vCPU"
			;;
		esac
	done
}

mark=$(log_mark)
say "without a VM"
load_keel
set_cpu 0
small_guest
set_cpu 1
small_guest
unload_keel

say "off when the module was loaded"
set_cpu 0
load_keel
ticking_guest "${LANE_GUEST_MACHINES%% *}" 2
set_cpu 1
goes_on
# All of it on the CPU that was not there.
pin_vcpus 2
goes_on

say "goes while vCPUs are pinned to it"
set_cpu 0
# They go anywhere now, see on_guest_cpus.
[ -z "$on_guest_cpus" ] || pin_vcpus -c "$LANE_CPUS"
goes_on
small_guest
set_cpu 1
goes_on
end_guests
eventually 10 rmmod keel || fail "cannot be unloaded"

say "unloaded while it is off"
load_keel
set_cpu 0
unload_keel
set_cpu 1
load_keel
small_guest
unload_keel
! log_since "$mark" | grep -E "$KEEL_COMPLAINTS|keel:.*cannot" || fail "the kernel complained"
pass
