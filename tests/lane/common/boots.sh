# SPDX-License-Identifier: GPL-2.0-only
#
# boots.sh [host=WHAT] [firmware] [feature=WHAT] MACHINE:VCPUS:END...: boot Debian in the
# VMM, on a host that differs from the lane's usual one by options of its row (--cpu=,
# --machine=, --firmware).  host=WHAT: the host's own firmware left a /sys/firmware/WHAT.
# firmware: that of the VMM boots the guests named behind it.  feature=WHAT: their CPUs
# have it, by the word of their kernel.

. "$KEEL_TESTS/lib.sh"

mark=$(log_mark)
load_hypervisor
small_guest
for what in "$@"; do
	case $what in
	host=*)
		[ -d "/sys/firmware/${what#host=}" ] || fail "this is no host with ${what#host=}"
		continue
		;;
	feature=*)
		GUEST_FEATURES="${GUEST_FEATURES:-} ${what#feature=}"
		continue
		;;
	firmware)
		GUEST_FIRMWARE=yes
		continue
		;;
	esac
	IFS=: read -r machine vcpus end <<-END
		$what
	END
	say "$what"
	(try_guest "$machine" "$vcpus" "$end" 150) || fail "$what did not boot as it should"
done
[ "$KEEL_HYPERVISOR" = in-tree ] || unload_keel
! log_since "$mark" | grep -E "$KEEL_COMPLAINTS" || fail "the kernel complained"
pass
