# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own KVM is loaded but does not own the extension
# (enable_virt_at_load=0): both can be there, and one at a time runs guests.  The
# other is told EBUSY, and whoever runs goes on.  /dev/kvm is the kernel's own then:
# without another name keel.ko refuses.

. "$KEEL_TESTS/lib.sh"

load_idle_in_tree() {
	while read -r module; do
		case $module in
		kvm.ko) insmod "$KEEL_IN_TREE/$module" enable_virt_at_load=0 ||
			skip "this kernel's KVM owns the extension only while it has VMs" ;;
		*) insmod "$KEEL_IN_TREE/$module" || fail "cannot load in-tree $module" ;;
		esac
	done <"$KEEL_IN_TREE/order"
}

# told NODE: a VM cannot be made there now, and the errno is the clear one.
told() {
	KVM_NODE=/dev/$1 "$KEEL_TESTS/api" mmio >/tmp/told.log 2>&1
	grep -q "Device or resource busy" /tmp/told.log || {
		cat /tmp/told.log
		fail "making a VM on /dev/$1 should have failed with EBUSY"
	}
}

# hold NODE: a VM exists there until it is let go.
hold() {
	before=$(in_use "$2")
	KVM_NODE=/dev/$1 "$KEEL_TESTS/api" --hold >/tmp/hold.log 2>&1 &
	holder=$!
	eventually 20 [ "$(in_use "$2")" != "$before" ]
	sleep 1
}

let_go() {
	kill $holder
	wait $holder
}

in_tree=$(tail -n 1 "$KEEL_IN_TREE/order" | sed 's/[.]ko$//; s/-/_/g')
mark=$(log_mark)
load_idle_in_tree
say "both want /dev/kvm"
refused "/dev/kvm is taken by the kernel's own KVM.*node="
small_guest kvm
load_keel node=keel

say "one after the other"
small_guest keel
small_guest kvm
small_guest keel

! log_since "$mark" | grep -E "$KEEL_COMPLAINTS" || fail "the kernel complained"

say "the kernel's own has a VM"
hold kvm "$in_tree"
told keel
log_since "$mark" | grep -qE "keel: .*own KVM runs guests" || fail "no sentence in the log"
[ "$(grep -c . /tmp/told.log)" -lt 50 ] || fail "the VMM's complaint has no end"
let_go
small_guest keel
! log_since "$mark" | grep -E "$KEEL_COMPLAINTS" || fail "the kernel complained"

say "keel has a VM, Debian runs in it"
GUEST_NODE=/dev/keel ticking_guest "${LANE_GUEST_MACHINES%% *}" 2
told kvm
goes_on
end_guests
small_guest kvm

say "the kernel's own is loaded under a VM of keel's"
unload_in_tree
hold keel keel
load_idle_in_tree
told kvm
unload_in_tree
let_go
unload_keel
# The kernel's own registers for a crash of the host before it looks if it can have
# the extension, and complains (once) that somebody else has; nothing can be done
# about that from outside.
log_since "$mark" | grep -E "$KEEL_COMPLAINTS" |
	grep -v 'cpu_emergency_\(un\)\?register_virt_callback' && fail "the kernel complained"
pass
