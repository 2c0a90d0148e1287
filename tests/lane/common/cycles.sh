# SPDX-License-Identifier: GPL-2.0-only
#
# cycles.sh N: load, run a small guest, unload, N times.  Nothing is left behind:
# free memory and slab after cycle 10 and after the last are the same within 1 %,
# and the kernel has nothing to say but that the module is not its own.

. "$KEEL_TESTS/lib.sh"

mark=$(log_mark_quiet)
cycle=0
while [ $cycle -lt "$1" ]; do
	load_keel
	small_guest
	unload_keel
	cycle=$((cycle + 1))
	[ $cycle != 10 ] || before=$(memory_now)
	[ $((cycle % 25)) != 0 ] || say "$cycle cycles"
done
after=$(memory_now)
same_memory "$before" "$after"
! grep keel /proc/slabinfo || fail "a slab cache is left"
! grep keel /proc/vmallocinfo || fail "a mapping is left"
! grep -q '\[keel\]' /proc/kallsyms || fail "symbols are left"
check_log "$mark"
pass
