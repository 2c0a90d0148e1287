# SPDX-License-Identifier: GPL-2.0-only
#
# For tests/run: after each script, whatever became of it, the host is as before.

suite_between() {
	kill_vmm
	killall -q -KILL api
	for file in /sys/devices/system/cpu/cpu[1-9]*/online; do
		[ ! -e "$file" ] || [ "$(cat "$file")" = 1 ] || echo 1 >"$file"
	done
	sleep 1
	! grep -q '^keel ' /proc/modules || rmmod keel
	unload_in_tree
	rm -rf /tmp/work /tmp/*.log "${KEEL_ROOT:?}"/tmp/*
}
