# SPDX-License-Identifier: GPL-2.0-only
#
# rows.sh
#
# Every test that the kernel's sources have for this architecture is in the table, and
# what passes with the kernel's own hypervisor has to pass.

cd "$KEEL_TESTS/programs" || exit
result=PASS
for program in $(find . -type f | sed 's|^\./||'); do
	grep -qxF "$program" "$KEEL_TESTS/rows" || {
		echo "$program has no row in tests/selftests/tests.tbl"
		result=FAIL
	}
done
while read -r recorded program _; do
	[ "$recorded" != pass ] || grep -qxF "$program" "$KEEL_TESTS/wanted" || {
		echo "$program passes with the kernel's own hypervisor and is left out"
		result=FAIL
	}
done <"$KEEL_TESTS/recorded"
echo "RESULT: $result"
