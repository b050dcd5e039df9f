# SPDX-License-Identifier: GPL-2.0-only
#
# Commands for users and developers.  The kernel's build reads Kbuild, which describes the modules.

KERNELVER ?= $(shell uname -r)
KDIR ?= /lib/modules/$(KERNELVER)/build
PARTS := style unit fuzz tools build package dkms vm bench

all: modules tools

modules:
	@test -e $(KDIR)/Makefile || { tools/install --explain-headers $(KERNELVER); exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) CONFIG_DEBUG_INFO_BTF_MODULES= modules

tools:
	$(MAKE) -C tools/iommu-resv

install:
	@tools/install install $(KERNELVER)

uninstall:
	@tools/install uninstall

# Works without kernel headers: old releases of dkms call it before each build.
clean:
	@find . -name .git -prune -o \( -name '*.o' -o -name '*.ko' -o -name '*.mod' \
		-o -name '*.mod.c' -o -name '.*.cmd' -o -name Module.symvers \
		-o -name modules.order \) -type f -exec rm -f {} +
	@rm -rf compat/work compat/facts.h compat/facts.key compat/probe.log
	@if [ -e tools/iommu-resv/Makefile ]; then $(MAKE) -s -C tools/iommu-resv clean; fi

deb rpm:
	@tools/package $@

doctor:
	@tools/iommu-resv-doctor

release:
	@tools/release '$(VERSION)'

demo:
	@SUITE='$(SUITE)' ARCH='$(ARCH)' tools/demo

check:
	@tests/check $(PARTS)

# The checks that are Python programs cannot install Python themselves. check-debug builds two
# kernels, and is not part of check.
$(PARTS:%=check-%) check-debug: check-%:
	@case $* in vm | bench | debug) tests/lib/need python3 ;; esac
	@tests/$*/run

check-release:
	@tests/check-release

help:
	@echo 'make                 build the modules for the running kernel, and the command'
	@echo 'make install         install with dkms for the running kernel (or KERNELVER=...)'
	@echo 'make uninstall       remove the modules and the command again'
	@echo 'make deb             build packages for this release of Debian or Ubuntu, into dist/'
	@echo 'make rpm             build packages for the RPM family, into dist/'
	@echo 'make doctor          what a bug report needs: kernel, dkms, signature, features, hooks'
	@echo 'make release         release VERSION=...: see CONTRIBUTING.md'
	@echo 'make demo            show it in a virtual machine (SUITE=bookworm|trixie'
	@echo '                     ARCH=amd64|arm64)'
	@echo 'make check           run all checks; the parts are:'
	@echo '                     $(wordlist 1,5,$(PARTS:%=check-%))'
	@echo '                     $(wordlist 6,99,$(PARTS:%=check-%))'
	@echo 'make check-release   more of what packages go through, which takes longer'
	@echo 'make check-fuzz RUNS=100000000'
	@echo '                     fuzz until the parsers have run so often, see tests/fuzz/run'
	@echo 'make check-debug     build kernels with KASAN, lockdep and more, and run tests on them'
	@echo 'make clean           remove what a build leaves in this folder'

.PHONY: all modules tools install uninstall clean deb rpm doctor release demo check $(PARTS:%=check-%) check-debug check-release help
