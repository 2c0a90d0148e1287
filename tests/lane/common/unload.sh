# SPDX-License-Identifier: GPL-2.0-only
#
# The module cannot be unloaded while a VM exists, and the VM does not notice the
# attempt; afterwards it can.

. "$KEEL_TESTS/lib.sh"

mark=$(log_mark_quiet)
load_keel
ticking_guest "${LANE_GUEST_MACHINES%% *}" 2
[ "$(in_use keel)" -gt 0 ] || fail "a VM exists, and nobody uses the module"
for attempt in 1 2 3 4 5; do
	! rmmod keel 2>/tmp/rmmod.log || fail "unloaded under a VM"
	loaded keel || fail "unloading failed, but the module is gone"
done
cat /tmp/rmmod.log
goes_on
end_guests
eventually 10 rmmod keel || fail "cannot be unloaded after the VM's end"
check_log "$mark"
pass
