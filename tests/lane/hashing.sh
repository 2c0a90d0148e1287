# SPDX-License-Identifier: GPL-2.0-only
#
# A guest that hashes known data in two jobs and says every sum, in VMMs that are
# told what to do through their monitors.  Sourced after lib.sh.

# hash_data MEGABYTES: sets data to the text of "data JOB": so many times the same
# megabyte, each with a line of its own before it, so that no two pages of the data are
# the same.  Guest and host run the same text.
hash_data() {
	data='
seq 1000001 1131072 >/tmp/base
data() {
	block=0
	while [ $block -lt '$1' ]; do
		echo "job $1 block $block"
		cat /tmp/base
		block=$((block + 1))
	done
}
'
}

# host_sums JOB...: sets sum_JOB to the right sum of each.
host_sums() {
	eval "$data"
	for job in "$@"; do
		eval "sum_$job=$(data "$job" | sha256sum | cut -c1-64)"
	done
}

# --- the guest --------------------------------------------------------------------------

# What the guest runs: it waits for words on its console.  "work" starts the jobs, which
# write memory all the time; "rest" ends them and takes all CPUs but the first off, so
# that the guest is idle on one; "end" ends the jobs and the guest.  Where the VMM saves
# neither a CPU's privilege mode nor whether it runs (QEMU 10.0 does not everywhere) the
# guest has to rest before it is saved; tests/api moves VMs that do not.
hash_work='
hash() {
	taskset -p $1 $(exec sh -c "echo \$PPID") >/dev/null || see "no CPU for $1"
	while [ ! -e /tmp/rest ]; do
		cp /tmp/data$1 /tmp/copy$1
		sum=$(sha256sum </tmp/copy$1 | cut -c1-64)
		see "sum $1 $sum."
	done
}
noise() {
	while [ ! -e /tmp/rest ]; do
		cat /tmp/data1 /tmp/data2 /tmp/data1 /tmp/data2 1<>/tmp/noise
	done
}
cpus() {
	for file in /sys/devices/system/cpu/cpu[1-9]*/online; do
		echo $1 >$file || see "no CPU $1"
	done
}
stty -echo
for job in 1 2; do
	data $job >/tmp/data$job
done
see "ready"
while read -r word; do
	case $word in
	work)
		rm -f /tmp/rest
		cpus 1
		for job in 1 2; do
			hash $job &
		done
		noise &
		;;
	rest)
		touch /tmp/rest
		wait
		cpus 0
		see "rests"
		;;
	time) see "time $(cut -d" " -f1 /proc/uptime)." ;;
	end) break ;;
	esac
done
touch /tmp/rest
wait
dmesg | grep -E "$complaints" | grep -vE "$ignore" | while read -r line; do
	see "complaint $line"
done
'

# Less memory to look through.
GUEST_MEM=192

# hashing_guest VMM MACHINE: boot it with two CPUs until it waits for words.
hashing_guest() {
	guest_log=/tmp/guest.log
	: >$guest_log
	rm -f /tmp/guest.errors /tmp/*.console /tmp/*.ended
	hash_data 1
	host_sums 1 2
	work_guest "complaints='$KEEL_COMPLAINTS' ignore='${LANE_LOG_IGNORE:-^\$}'$data$hash_work"
	guest_files
	monitored_guest "$@"
	wait_guest 240 ready
}

# wait_guest SECONDS PATTERN: it says that.
wait_guest() {
	eventually "$1" said "$2" || {
		tail -n 20 $guest_log
		cat /tmp/guest.errors
		fail "the guest did not say '$2' within $1 s"
	}
}

# tell WORD: on the console of $vmm.
tell() {
	echo "$1" >"/tmp/$vmm.console"
}

# rest: the guest is idle.
rest() {
	want_rests=$(($(count_said rests) + 1))
	tell rest
	eventually 120 enough_rests || {
		tail -n 20 $guest_log
		fail "the guest does not rest"
	}
}

enough_rests() {
	[ "$(count_said rests)" -ge $want_rests ]
}

# sums: all that were said, "JOB SUM" each.
sums() {
	tr -d '\r' <$guest_log | sed -nE 's/^GUEST: sum ([12] [0-9a-f]{64})[.]$/\1/p'
}

# count_sums [JOB]
count_sums() {
	sums | grep -c "^$1"
}

# more_sums COUNT: each job says so many more.
more_sums() {
	want_1=$(($(count_sums 1) + $1))
	want_2=$(($(count_sums 2) + $1))
	eventually 120 enough_sums || {
		tail -n 20 $guest_log
		fail "the guest stands still"
	}
}

enough_sums() {
	[ "$(count_sums 1)" -ge $want_1 ] && [ "$(count_sums 2)" -ge $want_2 ]
}

# uptime: of the host, in centiseconds.
uptime() {
	cut -d' ' -f1 /proc/uptime | tr -d .
}

# clocks: sets guest_clock to its uptime in centiseconds, and host_asked and host_heard to the
# host's before and after: on a busy machine seconds go by until the guest looks, and again
# until what it says is seen.
clocks() {
	want_times=$(($(count_said time) + 1))
	host_asked=$(uptime)
	tell time
	eventually 120 enough_times || {
		tail -n 20 $guest_log
		fail "the guest does not say the time"
	}
	guest_clock=$(tr -d '\r' <$guest_log | sed -nE 's/^GUEST: time ([0-9]+)[.]([0-9]+)[.]$/\1\2/p' | tail -n 1)
	host_heard=$(uptime)
}

enough_times() {
	[ "$(count_said time)" -ge $want_times ]
}

# same_pace: since the last clocks, the guest's went as the host's did, give or take a
# fourth and a second.  The host's is known to lie between two.
same_pace() {
	guest_before=$guest_clock asked_before=$host_asked heard_before=$host_heard
	clocks
	guest_went=$((guest_clock - guest_before))
	least=$((host_asked - heard_before)) most=$((host_heard - asked_before))
	say "the guest's clock went $guest_went cs, the host's $least to $most"
	[ $guest_went -ge $((least * 3 / 4 - 100)) ] && [ $guest_went -le $((most * 5 / 4 + 100)) ] ||
		fail "the guest's clock went $guest_went cs while the host's went $least to $most"
}

# end_hashing CUTS: the guest ends by itself; all it said is right.  A line may have been
# lost at each of so many cuts in what it said.
end_hashing() {
	tell end
	wait_guest 120 "done"
	eventually 60 ended "$vmm" || fail "the VMM did not end"
	for job in 1 2; do
		eval "sum=\$sum_$job"
		say "job $job: $(sums | grep -c "^$job $sum$") right sums"
		sums | grep -q "^$job $sum$" || fail "job $job said nothing"
		! sums | grep "^$job " | grep -v "^$job $sum$" || fail "job $job has a wrong sum"
	done
	torn=$(($(grep -c "GUEST: sum" $guest_log) - $(count_sums)))
	[ $torn -le "$1" ] || fail "$torn lines of the guest are torn"
	! grep -E "GUEST: (complaint|no CPU)|$KEEL_COMPLAINTS" $guest_log || fail "the guest's kernel complained"
}

# --- the VMM ------------------------------------------------------------------------------

# monitored_guest VMM MACHINE [VMM-ARG...]: boot a guest, or wait for one, in a VMM of that
# name, which is then $vmm.  Its console goes to $guest_log like that of the others.
monitored_guest() {
	vmm=$1
	machine=$2
	shift 2
	mkfifo "/tmp/$vmm.console" "$KEEL_ROOT/tmp/$vmm.in"
	(
		# The VMM holds a writer of its own input, which then has no end.
		exec 3<>"$KEEL_ROOT/tmp/$vmm.in"
		boot_guest "$machine" 2 keel.end=poweroff \
			-chardev "file,id=monitor,path=/tmp/$vmm.monitor,input-path=/tmp/$vmm.in" \
			-mon chardev=monitor,mode=readline "$@" \
			<>"/tmp/$vmm.console" >>$guest_log 2>>/tmp/guest.errors
		touch "/tmp/$vmm.ended"
	) &
	eventually 60 prompts_of "$vmm" 1 || {
		cat /tmp/guest.errors
		fail "the monitor of $vmm says nothing"
	}
}

ended() {
	[ -e "/tmp/$1.ended" ]
}

prompts() {
	grep -o '(qemu) ' "$KEEL_ROOT/tmp/$1.monitor" 2>/dev/null | wc -l
}

prompts_of() {
	[ "$(prompts "$1")" -ge "$2" ]
}

# monitor COMMAND...: tell it to $vmm and wait until it is done; sets answer.
monitor() {
	monitor_prompts=$(prompts "$vmm")
	monitor_size=$(wc -c <"$KEEL_ROOT/tmp/$vmm.monitor")
	echo "$*" >"$KEEL_ROOT/tmp/$vmm.in"
	eventually 120 prompts_of "$vmm" $((monitor_prompts + 1)) || fail "no end of '$*' in $vmm"
	# Its first line is the command.
	answer=$(tail -c +$((monitor_size + 1)) "$KEEL_ROOT/tmp/$vmm.monitor" | tr -d '\r' |
		sed '1d; /^(qemu) /d')
}

# monitor_quiet COMMAND...: the same, and it has nothing to say.
monitor_quiet() {
	monitor "$@"
	[ -z "$answer" ] || fail "$vmm says to '$*': $answer"
}
