# SPDX-License-Identifier: GPL-2.0-only
#
# node=: another name for the device, and names that are none.

. "$KEEL_TESTS/lib.sh"

for name in "" / ../kvm a/b KVM a.b ".." "abcdefghijklmnopqrstuvwxyz-0123456789"; do
	refused "node=" "node=$name"
done
for name in keel kvm2 a-b_c; do
	load_keel "node=$name"
	[ -c "/dev/$name" ] || fail "there is no /dev/$name"
	! [ -e /dev/kvm ] || fail "there is a /dev/kvm nobody asked for"
	small_guest "$name"
	unload_keel
	! [ -e "/dev/$name" ] || fail "/dev/$name is still there"
done

load_keel node=keel
guest_log=/tmp/guest.log
guest_files
GUEST_NODE=/dev/keel boot_guest "${LANE_GUEST_MACHINES%% *}" 2 "keel.end=poweroff" \
	</dev/null >$guest_log 2>&1
tr -d '\r' <$guest_log >/tmp/guest.txt
guest_log=/tmp/guest.txt
check_guest 2 1
unload_keel
pass
