# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own KVM is loaded first and owns the extension: keel.ko refuses and
# says what to do, and the kernel's own runs guests as before.

. "$KEEL_TESTS/lib.sh"

load_in_tree
small_guest
module=$(tail -n 1 "$KEEL_IN_TREE/order" | sed 's/[.]ko$//; s/-/_/g')
refused "rmmod $module"
refused "rmmod $module" node=keel
small_guest
unload_in_tree
load_keel
small_guest
unload_keel
load_in_tree
small_guest
unload_in_tree
pass
