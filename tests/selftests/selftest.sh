# SPDX-License-Identifier: GPL-2.0-only
#
# selftest.sh PROGRAM [ARGUMENT...]
#
# Run one of the kernel's own tests on the hypervisor, freshly loaded, and judge it
# by its exit status (0 passed, 4 skipped).  What a table asks for can be run: a
# skip is a failure, also when it is only printed.  Nothing of the test may keep the
# module from being unloaded.

. /exchange/ci/lib.sh

program=$1
shift
printed=/tmp/selftest.out

result() {
	echo "RESULT: $*"
	exit 0
}

# The tests map more memory than there is, and touch little of it.
echo 1 >/proc/sys/vm/overcommit_memory
load_hypervisor
[ -e /tmp/selftest.pipe ] || mkfifo /tmp/selftest.pipe
tee $printed </tmp/selftest.pipe &
reader=$!
"$KEEL_TESTS/programs/$program" "$@" >/tmp/selftest.pipe 2>&1
status=$?
wait $reader
# The last line may be without an end.
echo
case $KEEL_HYPERVISOR in
in-tree) unload_in_tree ;;
*) unload_keel ;;
esac
if [ $status = 4 ] || grep -q ', skipping test$' $printed; then
	echo "$program skipped itself, or a part of itself"
	result FAIL
elif [ $status != 0 ]; then
	echo "$program ended with status $status"
	result FAIL
fi
result PASS
