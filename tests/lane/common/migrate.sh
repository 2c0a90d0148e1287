# SPDX-License-Identifier: GPL-2.0-only
#
# migrate.sh MACHINE [rest] [rate=BYTES]: a guest that writes memory all the time moves from
# one VMM to another and on to a third.  Its memory is copied several times over while it
# runs, and what it says goes on without a gap.  With "rest" it rests at the moment that it
# moves.  So many bytes a second are copied until then (8M): fewer than the guest writes,
# because otherwise less is left with each pass, until nothing is and it has moved.  On a
# busy machine the guest may be slower than that: without "rest" it may move so, if there
# were passes enough.

. "$KEEL_TESTS/lib.sh"
. "$KEEL_TESTS/hashing.sh"

machine=$1 rests='' rate=8M
shift
for word in "$@"; do
	case $word in
	rest) rests=yes ;;
	rate=*) rate=${word#rate=} ;;
	esac
done

# status FIELD: of the last "info migrate".
status() {
	echo "$answer" | sed -n "s/^$1: *//p"
}

# look: sets answer to how far it is.
look() {
	monitor info migrate
	[ "$(status "Migration status" | cut -d' ' -f1)" != failed ] || {
		echo "$answer"
		cat /tmp/guest.errors
		fail "migrating fails"
	}
}

completed() {
	[ "$(status "Migration status")" = completed ]
}

# passes COUNT: memory has been looked through so often for what was written.
passes() {
	look
	passes=$(status "dirty sync count")
	[ "${passes:-0}" -ge "$1" ] || {
		! completed || fail "it moved before there was a pass $1: $answer"
		return 1
	}
}

# stall: a page now and then, with many to go: no end for minutes, whatever the guest does.
stall() {
	monitor_quiet migrate_set_parameter max-bandwidth 10K
	look
	! completed || fail "it moved before it was to rest: $answer"
	remaining=$(status "remaining ram")
	[ "${remaining% kbytes}" -ge 1000 ] || {
		monitor_quiet migrate_set_parameter max-bandwidth "$rate"
		return 1
	}
}

moved() {
	look
	completed
}

# move FROM TO
move() {
	say "from $1 to $2"
	monitored_guest "$2" "$machine" -incoming "unix:/tmp/$2.socket"
	eventually 60 [ -S "$KEEL_ROOT/tmp/$2.socket" ] || fail "$2 does not listen"
	vmm=$1
	# A byte at most may be left, and a pass takes longer than it takes the guest to
	# write again what is copied: no end as long as it does.
	monitor_quiet migrate_set_parameter downtime-limit 1
	monitor_quiet migrate_set_parameter avail-switchover-bandwidth 1000B
	monitor_quiet migrate_set_parameter max-bandwidth "$rate"
	monitor_quiet migrate -d "unix:/tmp/$2.socket"
	eventually 200 passes 4 || fail "too few passes over memory: $answer"
	[ -z "$rests" ] || {
		eventually 200 stall || fail "too little is left: $answer"
		rest
	}
	monitor_quiet migrate_set_parameter downtime-limit 10000
	monitor_quiet migrate_set_parameter avail-switchover-bandwidth 0
	monitor_quiet migrate_set_parameter max-bandwidth 64M
	eventually 200 moved || fail "no end: $answer"
	say "$(status "dirty sync count") passes, $(status "transferred ram") in $(status "total time"), downtime $(status downtime)"
	echo quit >"$KEEL_ROOT/tmp/$1.in"
	eventually 30 ended "$1" || fail "$1 did not quit"
	vmm=$2
}

mark=$(log_mark)
load_hypervisor
hashing_guest one "$machine"
tell work
more_sums 4
from=one
for to in two three; do
	clocks
	move $from $to
	[ -z "$rests" ] || tell work
	more_sums 1
	same_pace
	from=$to
done
end_hashing 0
[ "$KEEL_HYPERVISOR" != keel ] || eventually 10 rmmod keel || fail "cannot be unloaded"
! log_since "$mark" | grep -E "$KEEL_COMPLAINTS" || fail "the kernel complained"
pass
