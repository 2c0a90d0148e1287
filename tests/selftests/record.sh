# SPDX-License-Identifier: GPL-2.0-only
#
# record.sh
#
# For ci/host, with --hypervisor in-tree and --tests DIR of ci/selftests: run what
# in_tree.tbl has for this architecture, each for 100 s at most, and print how it ended.
# The first guest of a CPU is another matter in some emulators, and is had before.

. /exchange/ci/lib.sh

# outcome STATUS
outcome() {
	case $1 in
	0) ! grep -q '# SKIP' /tmp/record.out || { echo skip; return; }
		echo pass ;;
	4) echo skip ;;
	137) echo "fail (not over after 100 s)" ;;
	*) echo "fail (status $1)" ;;
	esac
}

echo 1 >/proc/sys/vm/overcommit_memory
load_hypervisor
for cpu in 0 1; do
	timeout -s KILL 100 taskset -c $cpu "$KEEL_TESTS/programs/guest_print_test" >/dev/null 2>&1
done
sleep 1
unload_in_tree
while read -r _ program arguments; do
	load_hypervisor
	# shellcheck disable=SC2086	# a list of words
	timeout -s KILL 100 "$KEEL_TESTS/programs/$program" $arguments >/tmp/record.out 2>&1
	echo "RECORD $program $arguments: $(outcome $?)"
	grep -vE '^(ok |1[.][.]|TAP |Random seed|$)' /tmp/record.out | tail -n 6
	sleep 1
	unload_in_tree
done <"$KEEL_TESTS/recorded"
