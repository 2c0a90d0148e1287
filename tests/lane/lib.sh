# SPDX-License-Identifier: GPL-2.0-only
#
# What the scripts of this suite share.  Sourced in the host.  A script ends with
# pass, skip or fail; tests/run judges by what they print.

. /exchange/ci/lib.sh

pass() {
	echo "RESULT: PASS"
	exit 0
}

skip() {
	echo "RESULT: SKIP $*"
	exit 0
}

# The process of the script, in subshells too: fail anywhere ends all.
script_pid=$$
trap 'echo "RESULT: FAIL"; exit 1' TERM

fail() {
	echo "# FAIL: $*"
	dmesg | tail -n 8
	echo "RESULT: FAIL"
	[ "$(exec sh -c 'echo $PPID')" = $script_pid ] || kill $script_pid
	exit 1
}

say() {
	echo "# $(cut -d. -f1 /proc/uptime) s: $*"
}

# eventually SECONDS COMMAND...: try until it works, as time goes in this lane.
eventually() {
	left=$(($1 * 5 * ${LANE_SLOWNESS:-1}))
	shift
	until "$@"; do
		left=$((left - 1))
		[ $left -gt 0 ] || return 1
		sleep 0.2
	done
}

# --- the module -------------------------------------------------------------------

loaded() {
	grep -q "^$1 " /proc/modules
}

# in_use MODULE: how many hold it.
in_use() {
	awk -v name="$1" '$1 == name { print $3 }' /proc/modules
}

# Where does the kernel's log end now?
log_mark() {
	dmesg | wc -l
}

# The same when the kernel has nothing more to say of its own start.
log_mark_quiet() {
	lines=0
	until [ $lines = "$(log_mark)" ]; do
		lines=$(log_mark)
		sleep 2
	done
	echo $lines
}

# log_since MARK
log_since() {
	dmesg | tail -n +$(($1 + 1))
}

# check_log MARK: nothing since then but what the loader says of every module
# that is not the kernel's own, what memory_now() causes, and what the kernel says
# of a machine that stood still for a while, as an emulated one does.
check_log() {
	loader='keel: (loading out-of-tree module taints kernel|module verification failed)'
	slow='hrtimer: interrupt took|perf: interrupt took too long|hogged CPU for|crng init done|clocksource: .*(skew|unstable|watchdog)'
	news=$(log_since "$1" | grep -vE "$loader|drop_caches: 4|$slow")
	[ -z "$news" ] || {
		echo "$news" | head -n 20
		fail "the kernel's log has new messages"
	}
}

# refused WORDS [PARAMETER=VALUE...]: loading fails, and the log says why in words.
refused() {
	words=$1
	shift
	refused_mark=$(log_mark)
	# shellcheck disable=SC2086	# a list of words
	! insmod "$KEEL_KO" ${LANE_MODULE_ARGS:-} "$@" 2>/dev/null || fail "keel.ko was loaded, it should not be"
	! loaded keel || fail "loading failed, but the module is there"
	log_since "$refused_mark" | grep keel:
	log_since "$refused_mark" | grep -qE "keel: .*($words)" || fail "no sentence with '$words'"
	! log_since "$refused_mark" | grep -qE "$KEEL_COMPLAINTS" || fail "and the kernel complained"
}

# --- guests --------------------------------------------------------------------------

# small_guest [NODE]: guest code runs on the node, from a test that takes no time.
small_guest() {
	small_test "${1:-kvm}" slots_region2
}

# in_tree_guest [NODE]: the same on the kernel's own, which may need an easier one, all of
# whose memory is there.  In such a lane what goes wrong with the first guest of a CPU is
# the emulator's.
in_tree_guest() {
	if [ -n "${LANE_IN_TREE_TEST:-}" ]; then
		export KVM_POPULATE=1
		for cpu in 0 1; do
			KVM_NODE=/dev/${1:-kvm} taskset -c $cpu "$KEEL_TESTS/api" "$LANE_IN_TREE_TEST" >/tmp/first.log 2>&1
		done
	fi
	small_test "${1:-kvm}" "${LANE_IN_TREE_TEST:-slots_region2}"
	unset KVM_POPULATE
}

# small_test NODE TEST
small_test() {
	KVM_NODE=/dev/$1 $on_guest_cpus "$KEEL_TESTS/api" "$2" >/tmp/small.log 2>&1
	[ "$(tail -n 1 /tmp/small.log)" = "RESULT: PASS" ] || {
		tail -n 20 /tmp/small.log
		fail "guest code on /dev/$1 did not do what it should"
	}
}

# The VMM with firmware and nothing to boot, until it is killed.
firmware_guest() {
	vmm -m 64 "$@" </dev/null >/tmp/firmware.log 2>&1 &
	firmware_pid=$!
}

# work_guest TEXT: an initramfs whose init runs TEXT, for boot_guest.
work_guest() {
	mkdir -p /tmp/work
	echo "$1" >/tmp/work/work
	(cd /tmp/work && echo work | cpio -o -H newc 2>/dev/null) >/tmp/work.cpio
	cat /exchange/guest/initrd /tmp/work.cpio >"$KEEL_ROOT/tmp/initrd"
	GUEST_INITRD=/tmp/initrd
}

# start_guest MACHINE VCPUS [VMM-ARG...]: boot Debian in the background; its
# console is in $guest_log.
start_guest() {
	guest_log=/tmp/guest.log
	: >$guest_log
	machine=$1 vcpus=$2
	shift 2
	guest_files
	boot_guest "$machine" "$vcpus" keel.end=poweroff "$@" </dev/null >$guest_log 2>&1 &
	guest_pid=$!
}

# said PATTERN: the guest printed it.
said() {
	tr -d '\r' <$guest_log | grep -qE "^GUEST: $1"
}

count_said() {
	tr -d '\r' <$guest_log | grep -cE "^GUEST: $1"
}

# ticking_guest MACHINE VCPUS: a guest that says "tick" for ever; ends up ticking.
ticking_guest() {
	work_guest 'while :; do see "tick $(cut -d" " -f1 /proc/uptime)"; sleep 1; done'
	start_guest "$@"
	eventually 120 said tick || {
		tail -n 20 $guest_log
		fail "the guest did not come up"
	}
}

# goes_on [SECONDS]: the guest ticks on.
goes_on() {
	ticks=$(count_said tick)
	eventually "${1:-60}" more_ticks $((ticks + 3)) || {
		tail -n 20 $guest_log
		fail "the guest stands still"
	}
}

more_ticks() {
	[ "$(count_said tick)" -ge "$1" ]
}

end_guests() {
	kill_vmm
	wait
}

# --- leaks ------------------------------------------------------------------------------

# slab_use: sets slab to the kB in use in objects.  Not what /proc/meminfo says, which
# is whole slabs: how full those are is chance.  No command is started between the
# caches' shrinking and the count, because a new process would fill slabs again.
slab_use() {
	for cache in /sys/kernel/slab/*/shrink; do
		echo 1 >"$cache"
	done
	slab=0
	while read -r _ active _ size _; do
		case $active in
		[0-9]*) slab=$((slab + active * size)) ;;
		esac
	done </proc/slabinfo
	slab=$((slab / 1024))
}

# memory_once: free memory and slab in kB, when all that can go at once has gone.  A
# CPU keeps lists of free pages, tens of MB of them, that MemFree leaves out.
memory_once() {
	sync
	echo 4 >/proc/sys/vm/drop_caches	# do it without a word in the log
	echo 3 >/proc/sys/vm/drop_caches
	sleep 1
	echo 3 >/proc/sys/vm/drop_caches
	slab_use
	awk -v slab=$slab '
		$1 == "MemFree:" { free += $2 }
		$1 == "count:" { free += $2 * 4 }
		END { print free, slab }
	' /proc/meminfo /proc/zoneinfo
}

# memory_now: the same once it has settled: what is freed by RCU and by work queues
# goes when they get to it, so the best of several looks counts.  All on one CPU:
# every CPU that ran a process of ours keeps a slab of each kind that it needed.
memory_now() {
	sleep 1
	(
		taskset -p 1 "$(exec sh -c 'echo $PPID')" >/dev/null || fail "cannot pin a process"
		for look in 1 2 3 4 5; do
			memory_once
		done
	) | awk '{
		if ($1 > free) free = $1
		if (!slab || $2 < slab) slab = $2
	} END { print free, slab }'
}

# same_memory BEFORE AFTER: as memory_now said, within 1 %.
same_memory() {
	echo "# before: free, slab $1 kB; after: $2 kB"
	echo "$1 $2" | awk '{
		free = $1 - $3
		slab = $4 - $2
		exit free * 100 > $1 || slab * 100 > $2
	}' || fail "more than 1 % of free memory or slab is gone"
}
