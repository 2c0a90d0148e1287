#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# kunit SUITE
# kunit rows
#
# In the lane's host: what became of one suite, for tests/run.  Loading the module
# runs them all, and succeeds even if a test failed or none ran, so the results
# are counted: as many as planned, and one at least that passed.  "rows": there is
# a row in tests.tbl for every suite that the module has.

. /exchange/ci/lib.sh
results=/sys/kernel/debug/kunit

verdict() {
	echo "RESULT: $*"
	exit
}

# of_module FILE: is it a suite of ours?
of_module() {
	grep -q '^ *# module: keel$' "$1"
}

rows() {
	missing=0
	for file in "$results"/*/results; do
		[ -e "$file" ] && of_module "$file" || continue
		suite=${file%/results}
		suite=${suite##*/}
		if grep -qx "$suite" "${0%/*}/suites"; then
			echo "ok $suite"
		else
			echo "not ok $suite has no row in tests.tbl"
			missing=1
		fi
	done
	[ $missing = 0 ] && verdict PASS
	verdict FAIL
}

# count PATTERN: of the results of cases, which are indented once.
count() {
	grep -cE "^    $1" "$file"
}

grep -q '^keel ' /proc/modules || load_keel
[ "$1" != rows ] || rows
file=$results/$1/results
[ -e "$file" ] || {
	echo "there is no suite $1: is KUnit there and switched on?"
	verdict FAIL
}
sed 's/^ *//' "$file"
planned=$(sed -n 's/^    1\.\.\([0-9]*\)$/\1/p' "$file")
passed=$(count 'ok [0-9]+ ')
skipped=$(count 'ok [0-9]+ .*# SKIP')
failed=$(grep -cE '^ *not ok ' "$file")
echo "# ${planned:-no} planned, $passed passed or skipped, $skipped of them skipped, $failed failed"
[ "$failed" = 0 ] && [ -n "$planned" ] && [ "$passed" = "$planned" ] || verdict FAIL
[ "$passed" -gt "$skipped" ] || verdict FAIL
[ "$skipped" = 0 ] || grep -E '# SKIP' "$file"
verdict PASS
