# SPDX-License-Identifier: GPL-2.0-only
#
# snapshot.sh MACHINE [rest]: savevm, and loadvm after the guest has run on, three times.
# The guest goes on from where it was, with right sums and the time of then.  With
# "rest" it rests at both moments.

. "$KEEL_TESTS/lib.sh"
. "$KEEL_TESTS/hashing.sh"

rests=${2:-}

# The guest stands still; guest_clock is the time when it does.
stop() {
	[ -z "$rests" ] || rest
	clocks
	monitor_quiet stop
}

go_on() {
	monitor_quiet cont
	clocks
	[ -z "$rests" ] || tell work
}

mark=$(log_mark)
load_hypervisor
hashing_guest one "$1"
# The VM's state wants a disk that can hold it: the old one with a new layer.
monitor snapshot_blkdev disk /tmp/layer qcow2
tell work
more_sums 4
for round in 1 2 3; do
	stop
	saved=$guest_clock
	monitor_quiet savevm state
	go_on
	sleep 5
	more_sums 1

	stop
	before=$guest_clock
	# What the guest says next begins in the middle of a line.
	echo "HOST: loads" >>$guest_log
	monitor_quiet loadvm state
	go_on
	say "saved at $saved cs, loaded at $before cs, then it was $guest_clock cs"
	[ "$guest_clock" -ge "$saved" ] && [ "$guest_clock" -lt $(((saved + before) / 2)) ] ||
		fail "the guest's clock is not that of the saved state"
	sleep 5
	same_pace
	more_sums 1
done
end_hashing 3
[ "$KEEL_HYPERVISOR" != keel ] || eventually 10 rmmod keel || fail "cannot be unloaded"
! log_since "$mark" | grep -E "$KEEL_COMPLAINTS" || fail "the kernel complained"
pass
