# SPDX-License-Identifier: GPL-2.0-only
#
# killed.sh N: the VMM is killed at N moments that nobody chose, from before its
# first ioctl until Debian runs.  Each time the module unloads; nothing leaks.

. "$KEEL_TESTS/lib.sh"

mark=$(log_mark_quiet)
machine=${LANE_GUEST_MACHINES%% *}
kill=0
while [ $kill -lt "$1" ]; do
	load_keel
	start_guest "$machine" 2
	# Squared: early moments are more interesting.
	number=$(($(od -An -N2 -tu2 /dev/urandom) % 100))
	sleep "$(awk -v n=$number 'BEGIN { print 0.2 + n * n / 1000 }')"
	end_guests
	eventually 10 rmmod keel 2>/dev/null || fail "cannot be unloaded after kill $kill"
	kill=$((kill + 1))
	[ $kill != 4 ] || before=$(memory_now)
done
same_memory "$before" "$(memory_now)"
check_log "$mark"
pass
