# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own KVM is loaded first and owns the extension: keel.ko refuses and
# says what to do, and the kernel's own runs guests as before.

. "$KEEL_TESTS/lib.sh"

load_in_tree
small_guest
# The one of the list that has found its CPU, where there is one for each vendor.
module=$(ls /sys/module/kvm/holders)
module=${module:-kvm}
words="rmmod $module"
# Where it is built in there is no rmmod: what helps then is this argument.
[ ! -e /sys/module/kvm/parameters/enable_virt_at_load ] ||
	words="$words.*built in.*kvm.enable_virt_at_load=0"
refused "$words"
refused "$words" node=keel
small_guest
unload_in_tree
load_keel
small_guest
unload_keel
load_in_tree
small_guest
unload_in_tree
pass
