# SPDX-License-Identifier: GPL-2.0-only
#
# What a person types.  The kernel's build system reads Kbuild, not this file;
# `make help` lists what there is.

KDIR ?= /lib/modules/$(shell uname -r)/build
LANES ?=
export LANES

.PHONY: modules clean install demo check check-long bench profile shell help need-kdir

modules: need-kdir
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

clean: need-kdir
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

install: need-kdir
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules_install

demo check check-long bench profile shell:
	@ci/$@

need-kdir:
	@test -e $(KDIR)/Makefile || { \
		echo "There is no kernel to build against at $(KDIR)."; \
		echo "Install its headers (Debian: apt install linux-headers-$$(uname -r)), or name"; \
		echo "an unpacked tree: make KDIR=/path/to/linux-headers-..."; \
		exit 1; } >&2

help:
	@echo 'make              build keel.ko for the running kernel'
	@echo 'make KDIR=DIR     ... for the kernel whose headers or build tree are in DIR'
	@echo '                  (cross: add ARCH= and CROSS_COMPILE=)'
	@echo 'make install      install it with the running kernel'"'"'s modules (modules_install)'
	@echo 'make clean        remove what the build left behind'
	@echo
	@echo 'As root, on Debian 12 or 13; everything happens in emulators and in a cache'
	@echo '(KEEL_CACHE, default /var/cache/keel):'
	@echo 'make demo         boot an unmodified guest on keel.ko in every lane'
	@echo 'make check        all tests that are quick enough; last line: N passed, N failed, N skipped'
	@echo 'make check-long   the tests that are not'
	@echo 'make bench LANES= instructions per exit, with the in-tree hypervisor beside it'
	@echo '                  (ROWS="a b" picks rows, CPU= another model of the emulator,'
	@echo '                  WRITE=1 writes BENCH.md and BENCH.svg)'
	@echo 'make profile LANES= ROW= where the instructions of one row of it go'
	@echo 'make shell LANES= a shell inside the nested guest'
	@echo "LANES=\"a b\" picks lanes out of: $$(ls ci/lanes | tr '\n' ' ')"
