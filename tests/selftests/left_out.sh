# SPDX-License-Identifier: GPL-2.0-only
#
# left_out.sh PROGRAM REASON: one of the kernel's own tests that cannot pass here.

shift
echo "RESULT: SKIP $*"
