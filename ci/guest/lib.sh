# SPDX-License-Identifier: GPL-2.0-only
#
# For scripts that run in a lane's host (busybox sh): load and unload the
# hypervisor, run the unmodified VMM.  Sourced as /exchange/ci/lib.sh.
#
#   KEEL_ROOT        the root tree with the VMM (chroot there)
#   KEEL_KO          our module
#   KEEL_IN_TREE     folder with the in-tree modules; "order" lists them
#   KEEL_HYPERVISOR  keel or in-tree
#   KEEL_MODULES     modules of the host's kernel that tests load: load_module
#   KEEL_TESTS       test programs, if any
#   KEEL_OUT         files written here end up in the log folder
#   LANE_*           the lane

fail() {
	echo "FAIL: $*"
	exit 1
}

load_in_tree() {
	local refused=""
	while read -r module; do
		insmod "$KEEL_IN_TREE/$module" || refused="$refused $module"
	done <"$KEEL_IN_TREE/order"
	# A lane whose emulator has CPUs of both vendors has both modules in the list.
	[ -c /dev/kvm ] || fail "cannot load in-tree$refused"
}

unload_in_tree() {
	# What is built in stays, or was told not to start.
	[ -s "$KEEL_IN_TREE/order" ] || return 0
	# Last loaded, first unloaded; what something else holds stays.
	sed '1!G;h;$!d' "$KEEL_IN_TREE/order" | while read -r module; do
		module=${module%.ko}
		rmmod "$module" 2>/dev/null || rmmod "$(echo "$module" | tr - _)" 2>/dev/null
	done
	[ ! -c /dev/kvm ] || fail "the in-tree module cannot be unloaded"
}

# load_module NAME: one of LANE_TEST_MODULES, with all before it in the list: what
# it needs is among them.
load_module() {
	while read -r module; do
		grep -q "^$(echo "${module%.ko}" | tr - _) " /proc/modules ||
			insmod "$KEEL_MODULES/$module" || fail "cannot load $module"
		[ "$module" != "$1.ko" ] || return 0
	done <"$KEEL_MODULES/order"
	fail "there is no module $1 for tests"
}

# load_keel [PARAMETER=VALUE...]
load_keel() {
	# shellcheck disable=SC2086	# a list of words
	insmod "$KEEL_KO" ${LANE_MODULE_ARGS:-} "$@" || {
		dmesg | grep keel: | tail -n 5
		fail "cannot load keel.ko"
	}
}

unload_keel() {
	rmmod keel || fail "cannot unload keel.ko"
}

load_hypervisor() {
	case $KEEL_HYPERVISOR in
	in-tree) load_in_tree ;;
	*) load_keel ;;
	esac
	[ -c /dev/kvm ] || fail "the module is loaded, but there is no /dev/kvm"
}

# Guests keep to the CPUs that the lane has for them, also when the kernel has let their
# tasks go elsewhere: a CPU was off.  A host with other CPUs than usual has no such rule.
on_guest_cpus=
if [ -n "${LANE_CPUS:-}" ] && taskset -c "$LANE_CPUS" true 2>/dev/null; then
	on_guest_cpus="taskset -c $LANE_CPUS"
fi

# vmm_root COMMAND ARG...: run it in the root tree.  A VMM that opens /dev/kvm
# whatever it is told finds the node under that name, in a /dev of its own.
vmm_root() {
	if [ -z "${GUEST_NODE:-}" ] || [ -z "${LANE_GUEST_NODE_FIXED:-}" ]; then
		$on_guest_cpus chroot "$KEEL_ROOT" "$@"
		return
	fi
	# shellcheck disable=SC2016	# expanded inside
	KEEL_NODE=$GUEST_NODE $on_guest_cpus unshare -m sh -c '
		mount -t tmpfs dev "$KEEL_ROOT/dev" &&
		cp -a /dev/null /dev/zero /dev/random /dev/urandom "$KEEL_ROOT/dev" &&
		cp -a "$KEEL_NODE" "$KEEL_ROOT/dev/kvm" &&
		cp -a "$KEEL_NODE" "$KEEL_ROOT/dev" &&
		exec chroot "$KEEL_ROOT" "$@"' vmm "$@"
}

# vmm ARG...: the unmodified VMM with what every guest gets, on $GUEST_NODE if set.
# Console on stdio.
vmm() {
	# shellcheck disable=SC2086	# a list of words
	vmm_root "$LANE_GUEST_COMMAND" \
		-accel "kvm${GUEST_NODE:+,device=$GUEST_NODE}" -cpu "$LANE_GUEST_CPU" \
		-nodefaults -no-user-config -display none \
		-chardev stdio,id=console,signal=off -serial chardev:console "$@"
}

# guest_files: a disk and a file to send by TCP, with contents nobody can guess.
guest_files() {
	dd if=/dev/urandom of="$KEEL_ROOT/tmp/disk" bs=64k count=32 2>/dev/null
	disk_sum=$(sha256sum "$KEEL_ROOT/tmp/disk" | cut -c1-64)
	truncate -s 4M "$KEEL_ROOT/tmp/disk"
	dd if=/dev/urandom of="$KEEL_ROOT/tmp/file" bs=64k count=4 2>/dev/null
	file_sum=$(sha256sum "$KEEL_ROOT/tmp/file" | cut -c1-64)
}

# boot_guest MACHINE VCPUS APPEND [VMM-ARG...]: boot Debian's kernel to user
# space with disk, network and random numbers in use; the console goes to
# stdout.  With GUEST_FIRMWARE set the firmware boots it; with GUEST_PREALLOC its memory is
# there before it runs.
boot_guest() {
	machine=$1 vcpus=$2 append=$3
	shift 3
	# A guest that panics must not start all over, unless starting over is
	# what it is asked to do.
	case $append in
	*keel.end=reboot*) ;;
	*) set -- -no-reboot "$@" ;;
	esac
	# shellcheck disable=SC2086	# a list of words
	vmm -M "$machine" -smp "$vcpus" -m "${GUEST_MEM:-$LANE_GUEST_MEM}" \
		${GUEST_FIRMWARE:+$LANE_GUEST_FIRMWARE} ${GUEST_PREALLOC:+-mem-prealloc} \
		-drive file=/tmp/disk,format=raw,if=none,id=disk \
		-device "$LANE_GUEST_DISK,drive=disk" \
		-netdev "user,id=net,guestfwd=tcp:10.0.2.100:80-cmd:/bin/busybox cat /tmp/file" \
		-device "$LANE_GUEST_NET,netdev=net" \
		-device "$LANE_GUEST_RNG" \
		-kernel /exchange/guest/vmlinuz -initrd "${GUEST_INITRD:-/exchange/guest/initrd}" \
		-append "$LANE_GUEST_APPEND panic=-1 quiet $append" "$@"
}

saw() {
	grep -q "^GUEST: $1" "$guest_log"
}

# check_guest VCPUS BOOTS: did the guest see what it was given?
check_guest() {
	saw "done" || fail "the guest did not get to its end"
	saw "cpus $1\$" || fail "the guest saw other than $1 CPUs: $(grep 'GUEST: cpus' "$guest_log")"
	for feature in ${GUEST_FEATURES:-}; do
		saw "features \(.* \)*$feature " || fail "the guest's CPU has no $feature"
	done
	[ -z "${GUEST_FIRMWARE:-}" ] || saw "firmware" || fail "no firmware booted the guest"
	saw "disk $disk_sum" || fail "the guest read a wrong checksum from its disk"
	saw "address 10\.0\.2\." || fail "the guest got no address by DHCP"
	saw "ping ok" || fail "the guest's gateway did not answer its ping"
	saw "tcp $file_sum" || fail "the file the guest fetched by TCP is wrong"
	saw "rng virtio_rng.* 32 bytes" || fail "the guest read no random numbers"
	saw "boots $2\$" || fail "the guest did not boot $2 time(s)"
	[ "$(grep -c "^GUEST: kernel" "$guest_log")" = "$2" ] ||
		fail "the guest started other than $2 time(s)"
}

# limited SECONDS COMMAND...: run it, but no longer, as time goes in this lane.
# Returns 124 when the time is up.  The watchdog's own output goes nowhere, or a pipe
# would stay open.
limited() {
	limit=$(($1 * ${LANE_SLOWNESS:-1}))
	shift
	"$@" &
	limited_pid=$!
	(
		sleep "$limit"
		touch /tmp/limit-reached
		kill_vmm
	) >/dev/null 2>&1 &
	watch_pid=$!
	rm -f /tmp/limit-reached
	wait $limited_pid
	limited_rc=$?
	kill $watch_pid 2>/dev/null
	[ ! -e /tmp/limit-reached ] || return 124
	return $limited_rc
}

# By what it runs: a name of more than 15 letters is cut in the process table.
kill_vmm() {
	for exe in /proc/[0-9]*/exe; do
		case $(readlink "$exe" 2>/dev/null) in
		*"$LANE_GUEST_COMMAND")
			exe=${exe#/proc/}
			kill -9 "${exe%/exe}"
			;;
		esac
	done
}

# try_guest MACHINE VCPUS END [SECONDS]: boot, check, judge by what was printed.
try_guest() {
	guest_log=/tmp/guest.log
	boots=1
	[ "$3" != reboot ] || boots=2
	guest_files
	mkfifo /tmp/guest.pipe 2>/dev/null
	tr -d '\r' </tmp/guest.pipe | tee "$guest_log" &
	tee_pid=$!
	limited "${4:-120}" boot_guest "$1" "$2" "keel.end=$3" </dev/null >/tmp/guest.pipe 2>&1
	try_rc=$?
	wait $tee_pid
	[ $try_rc != 124 ] || fail "the guest did not finish within $limit s"
	check_guest "$2" "$boots"
}
