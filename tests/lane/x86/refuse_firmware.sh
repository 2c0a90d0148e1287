# SPDX-License-Identifier: GPL-2.0-only
#
# The firmware has disabled SVM (VM_CR.SVMDIS): keel.ko refuses and names the
# setting.

. "$KEEL_TESTS/lib.sh"

# 0xc0010114, eight bytes.
vm_cr() {
	dd if=/dev/cpu/0/msr bs=8 count=1 skip=$((0xc0010114)) iflag=skip_bytes 2>/dev/null |
		od -An -tx8 | tr -d ' '
}

load_module msr
before=$(vm_cr)
printf '\030\0\0\0\0\0\0\0' |
	dd of=/dev/cpu/0/msr bs=8 count=1 seek=$((0xc0010114)) oflag=seek_bytes conv=notrunc 2>/dev/null
after=$(vm_cr)
say "VM_CR was '$before', is '$after'"
case $after in
*1[08]) ;;
*) skip "the emulator has no SVMDIS in VM_CR: it reads '$after' after a write of 18" ;;
esac
refused "disabled by the firmware"
pass
