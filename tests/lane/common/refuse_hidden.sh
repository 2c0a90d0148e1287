# SPDX-License-Identifier: GPL-2.0-only
#
# The CPU has no extension, or hides it: keel.ko refuses and says so.

. "$KEEL_TESTS/lib.sh"

refused "no virtualization extension"
refused "no virtualization extension" node=keel
pass
