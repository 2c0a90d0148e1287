# SPDX-License-Identifier: GPL-2.0-only
#
# For tests/run: after each row, also one whose time was up, the host is as before.

suite_between() {
	for exe in /proc/[0-9]*/exe; do
		case $(readlink "$exe" 2>/dev/null) in
		"$KEEL_TESTS"/programs/*)
			exe=${exe#/proc/}
			kill -9 "${exe%/exe}"
			sleep 1
			;;
		esac
	done
	! grep -q '^keel ' /proc/modules || rmmod keel
	unload_in_tree
	rm -f /tmp/selftest.out
}
