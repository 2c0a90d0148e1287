# SPDX-License-Identifier: GPL-2.0-only
#
# For tests/run: what the host does around the rows of this suite.
#
# One VM stays open all the time.  Otherwise every test would turn static keys of
# the host's scheduler on and off (preempt notifiers), and the emulator now and
# then trips over the patching of running code.  Rows of the group "alone" do
# without it.

suite_begin() {
	"$KEEL_TESTS/api" --hold &
	holder=$!
}

suite_alone() {
	[ -z "$holder" ] || { kill $holder; wait $holder; } 2>/dev/null
	holder=
}
