# SPDX-License-Identifier: GPL-2.0-only
#
# refuse_hidden.sh [WORDS]: the CPU has no extension, or hides it: keel.ko refuses and
# says so, in these words.

. "$KEEL_TESTS/lib.sh"

words=${1:-no virtualization extension}
refused "$words"
refused "$words" node=keel
pass
