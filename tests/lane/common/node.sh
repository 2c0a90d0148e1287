# SPDX-License-Identifier: GPL-2.0-only
#
# node=: another name for the device, and names that are none.

. "$KEEL_TESTS/lib.sh"

for name in "" / ../kvm a/b KVM a.b ".." "abcdefghijklmnopqrstuvwxyz-0123456789"; do
	refused "node=" "node=$name"
done
# Names that are taken, in /dev or among the devices of the same kind, where the
# kernel would complain of a second one.
for path in /dev/null /dev/zero /dev/fuse /sys/class/misc/*; do
	name=${path##*/}
	case $name in kvm | *[!a-z0-9_-]*) continue ;; esac
	[ -e "$path" ] || continue
	mark=$(log_mark)
	refused "/$name exists already" "node=$name"
	! log_since "$mark" | grep -q "duplicate filename" || fail "sysfs was asked for $name"
	[ -e "$path" ] || fail "$path is gone"
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
