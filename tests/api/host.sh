# SPDX-License-Identifier: GPL-2.0-only
#
# For tests/run: what the host does around the rows of this suite.
#
# One VM stays open all the time.  Otherwise every test would turn static keys of
# the host's scheduler on and off (preempt notifiers), and the emulator now and
# then trips over the patching of running code.  Rows of the group "alone" do
# without it.
#
# There is a little swap space, on compressed memory: guest memory is swapped out
# where a test asks for it (memory_swap), and by nobody else.

suite_begin() {
	swap_begin
	"$KEEL_TESTS/api" --hold &
	holder=$!
}

suite_alone() {
	[ -z "$holder" ] || { kill $holder; wait $holder; } 2>/dev/null
	holder=
}

suite_end() {
	suite_alone
	[ -z "$swap" ] || swapoff "$swap" || fail "cannot end swapping"
}

# Not every kernel has it; the test says so then.
swap_begin() {
	swap=
	grep -qx zram.ko "$KEEL_MODULES/order" || return 0
	load_module zram
	swap=/dev/zram0
	echo 64M >/sys/block/zram0/disksize && mkswap $swap >/dev/null && swapon $swap ||
		fail "cannot swap to $swap"
}
