# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own KVM, which is built in, was not told to stay away (the row's
# --beside): keel.ko refuses and says what to do, and the kernel's own runs guests as
# before.

. "$KEEL_TESTS/lib.sh"

small_guest
refused "kvm-arm.mode=none"
refused "kvm-arm.mode=none" node=keel
small_guest
pass
