// SPDX-License-Identifier: GPL-2.0-only
/*
 * kexec KERNEL INITRD COMMAND-LINE [panic]: load a kernel and start it, by the
 * ordinary way down of a reboot; or, with "panic", load it for the time after a
 * crash and return.  Status 77: this kernel cannot load by file.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kexec.h>
#include <linux/reboot.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int open_file(const char *name)
{
	int fd = open(name, O_RDONLY);

	if (fd < 0)
		fprintf(stderr, "%s: %s\n", name, strerror(errno));
	return fd;
}

int main(int argc, char **argv)
{
	int panic = argc == 5 && !strcmp(argv[4], "panic");
	int kernel, initrd;

	if (argc < 4)
		return 2;
	kernel = open_file(argv[1]);
	initrd = open_file(argv[2]);
	if (kernel < 0 || initrd < 0)
		return 1;
	if (syscall(SYS_kexec_file_load, kernel, initrd, strlen(argv[3]) + 1, argv[3],
		    panic ? KEXEC_FILE_ON_CRASH : 0)) {
		fprintf(stderr, "kexec_file_load: %s\n", strerror(errno));
		return errno == ENOSYS ? 77 : 1;
	}
	if (panic)
		return 0;
	sync();
	syscall(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2,
		LINUX_REBOOT_CMD_KEXEC, NULL);
	fprintf(stderr, "reboot: %s\n", strerror(errno));

	return 1;
}
