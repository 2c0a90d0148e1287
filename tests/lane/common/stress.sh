# SPDX-License-Identifier: GPL-2.0-only
#
# stress.sh SECONDS: a guest with four CPUs hashes known data in four jobs for so
# long, while the host takes one of its CPUs off and on and has too little memory
# for the VMM.  The sums are right.

. "$KEEL_TESTS/lib.sh"

seconds=$1
megabytes=16

# Sixteen times the same megabyte, each with a line of its own before it, so that
# no two pages of the data are the same.  Guest and host run the same text.
data='
seq 1000001 1131072 >/tmp/base
data() {
	block=0
	while [ $block -lt '$megabytes' ]; do
		echo "job $1 block $block"
		cat /tmp/base
		block=$((block + 1))
	done
}
'

work="$data"'
for job in 1 2 3 4; do
	data $job >/tmp/data$job
done
see "hashing"
end=$(($(cut -d. -f1 /proc/uptime) + '$seconds'))
for job in 1 2 3 4; do
	(
		rounds=0 first=
		while [ $(cut -d. -f1 /proc/uptime) -lt $end ]; do
			sum=$(sha256sum </tmp/data$job | cut -c1-64)
			[ -n "$first" ] || first=$sum
			[ $first = $sum ] || see "wrong $job $sum in round $rounds"
			rounds=$((rounds + 1))
		done
		see "hash $job $first $rounds"
	) &
done
wait
see "hashed"
'

# Swap on compressed memory.
swap_on() {
	load_module zram
	echo 512M >/sys/block/zram0/disksize
	mkswap /dev/zram0 >/dev/null
	swapon /dev/zram0 || fail "no swap"
}

# A group that may hold less than its guest uses.
group=/sys/fs/cgroup/vmm
group_make() {
	grep -q ' /sys/fs/cgroup ' /proc/mounts || mount -t cgroup2 cgroup /sys/fs/cgroup
	echo +memory >/sys/fs/cgroup/cgroup.subtree_control
	mkdir -p $group
	echo 0 >$group/cgroup.procs
}

pages_back() {
	awk '/pswpin/ { print $2 }' /proc/vmstat
}

# The CPU goes off and on, the caches go, memory is compacted, and the VMM's
# limit moves.  What the guest needs at one time differs: the limit sinks until
# pages that went to swap are wanted back.
trouble() {
	round=0 limit=140
	while [ ! -e /tmp/trouble-ends ]; do
		echo 0 >/sys/devices/system/cpu/cpu1/online || echo "no offline" >>/tmp/trouble.log
		echo $(((limit + round % 3 * 30) * 1048576)) >$group/memory.high
		sleep 1
		echo 1 >/sys/devices/system/cpu/cpu1/online || echo "no online" >>/tmp/trouble.log
		echo 1 >/proc/sys/vm/compact_memory
		echo 3 >/proc/sys/vm/drop_caches
		sleep 1
		[ $limit -le 60 ] || [ "$(pages_back)" -gt 2000 ] || limit=$((limit - 10))
		round=$((round + 1))
	done
	echo $round >/tmp/trouble-rounds
}

! [ -e /sys/devices/system/cpu/cpu1/online ] && skip "the host cannot take a CPU off"
mark=$(log_mark)
swap_on
eval "$data"
for job in 1 2 3 4; do
	data $job | sha256sum | cut -c1-64 >/tmp/sum$job
done
load_hypervisor
work_guest "$work"
rm -f /tmp/trouble*
guest_log=/tmp/guest.log
: >$guest_log
(
	group_make
	start_guest "${LANE_GUEST_MACHINES##* }" 4
	wait
) &
vmm_pid=$!
eventually 150 said hashing || {
	tail -n 20 $guest_log
	fail "the guest did not come up"
}
say "the guest hashes"
trouble &
trouble_pid=$!
eventually $((seconds * 5)) said hashed || {
	tail -n 20 $guest_log
	fail "the guest did not finish"
}
touch /tmp/trouble-ends
wait $trouble_pid
say "$(cat /tmp/trouble-rounds) times a CPU went off and on"
say "$(awk '/pswpin|pswpout/ { print $1, $2 }' /proc/vmstat | tr '\n' ' ')"
grep -E '^GUEST: (hash|wrong)' $guest_log
! [ -e /tmp/trouble.log ] || fail "hotplug: $(sort /tmp/trouble.log | uniq -c)"
[ "$(pages_back)" -gt 1000 ] || fail "memory was never short enough to swap"
[ "$(cat /tmp/trouble-rounds)" -ge 5 ] || fail "too few rounds of hotplug"
! said wrong || fail "a wrong sum"
for job in 1 2 3 4; do
	said "hash $job $(cat /tmp/sum$job) [0-9]" || fail "job $job has a wrong sum"
done
eventually 60 said "done" || fail "the guest did not end"
wait $vmm_pid
swapoff /dev/zram0 || fail "cannot end swapping"
[ "$KEEL_HYPERVISOR" != keel ] || eventually 10 rmmod keel || fail "cannot be unloaded"
! log_since "$mark" | grep -E "$KEEL_COMPLAINTS" || fail "the kernel complained"
pass
