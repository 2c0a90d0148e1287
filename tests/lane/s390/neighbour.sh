# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own KVM and keel have VMs at the same time: SIE belongs to nobody.  Only
# /dev/kvm does, so without another name keel.ko refuses.

. "$KEEL_TESTS/lib.sh"

# hold NODE: a VM exists there until it is let go.
hold() {
	KVM_NODE=/dev/$1 "$KEEL_TESTS/api" --hold >/tmp/hold.log 2>&1 &
	holder=$!
	eventually 20 held "$1" || fail "no VM on /dev/$1: $(cat /tmp/hold.log)"
}

held() {
	[ "$(in_use "$1")" != 0 ]
}

let_go() {
	kill $holder
	wait $holder
}

mark=$(log_mark)
load_in_tree
say "both want /dev/kvm"
refused "/dev/kvm is taken by the kernel's own KVM.*node="
in_tree_guest kvm
load_keel node=keel

say "the kernel's own has a VM"
hold kvm
small_guest keel
GUEST_NODE=/dev/keel ticking_guest "${LANE_GUEST_MACHINES%% *}" 2
goes_on

say "its guest runs beside keel's"
in_tree_guest kvm
goes_on

say "it goes, and comes back"
let_go
unload_in_tree
goes_on
load_in_tree
in_tree_guest kvm
goes_on
end_guests
eventually 10 rmmod keel || fail "cannot be unloaded"
in_tree_guest kvm
unload_in_tree
! log_since "$mark" | grep -E "$KEEL_COMPLAINTS" || fail "the kernel complained"
pass
