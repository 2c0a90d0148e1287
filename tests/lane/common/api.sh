# SPDX-License-Identifier: GPL-2.0-only
#
# api.sh [PARAMETER=VALUE] TEST[:ARGUMENT...]...: tests of tests/api on a host that
# differs from the lane's usual one by options of its row (--cpu=, --machine=), or with
# another parameter of keel.ko.

. "$KEEL_TESTS/lib.sh"

mark=$(log_mark)
parameter=
case $1 in
*=*)
	parameter=$1
	shift
	;;
esac
if [ -n "$parameter" ]; then
	load_keel "$parameter"
else
	load_hypervisor
fi
for what in "$@"; do
	say "$what"
	# shellcheck disable=SC2086,SC2046	# a list of words
	timeout -s KILL 100 "$KEEL_TESTS/api" $(echo "$what" | tr : " ") >/tmp/api.log 2>&1
	last=$(tail -n 1 /tmp/api.log)
	[ "$last" = "RESULT: PASS" ] || {
		grep -v "^ok" /tmp/api.log | tail -n 20
		fail "$what: $last"
	}
done
[ "$KEEL_HYPERVISOR" = in-tree ] || unload_keel
! log_since "$mark" | grep -E "$KEEL_COMPLAINTS" || fail "the kernel complained"
pass
