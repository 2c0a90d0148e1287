# SPDX-License-Identifier: GPL-2.0-only
#
# boots.sh MACHINE:VCPUS:END...: boot Debian in the VMM, on a host that differs from
# the lane's usual one by options of its row (--cpu=, --machine=).

. "$KEEL_TESTS/lib.sh"

mark=$(log_mark)
load_hypervisor
small_guest
for what in "$@"; do
	IFS=: read -r machine vcpus end <<-END
		$what
	END
	say "$what"
	(try_guest "$machine" "$vcpus" "$end" 150) || fail "$what did not boot as it should"
done
[ "$KEEL_HYPERVISOR" = in-tree ] || unload_keel
! log_since "$mark" | grep -E "$KEEL_COMPLAINTS" || fail "the kernel complained"
pass
