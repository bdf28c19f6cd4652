# SPDX-License-Identifier: GPL-2.0-only
# What a user types; the module's own build is Kbuild's.

KDIR	?= /lib/modules/$(shell uname -r)/build
top	:= $(CURDIR)
O	?= xtables-ext
version	:= $(shell cat VERSION)
# Not kbuild's kernel.release: Debian 12's kernels have another name there.
release	= $(shell sed -n 's/.*UTS_RELEASE "\(.*\)".*/\1/p' $(KDIR)/include/generated/utsrelease.h)

# A kernel built by clang needs a module built by clang; DKMS 3.0.10 asks for
# the compiler alone, and gcc's other tools do not read what it makes.
ifndef LLVM
ifneq ($(shell grep -sx CONFIG_CC_IS_CLANG=y $(KDIR)/include/config/auto.conf),)
export LLVM := 1
endif
endif

all: module plugin tool ## module for the running kernel (or KDIR=), plugin and control tool

module: ## the kernel module alone
	@test -e $(KDIR)/Makefile || { \
		echo "No kernel headers in $(KDIR)." >&2; \
		echo "Install them (apt install linux-headers-\$$(uname -r)) or name others: make KDIR=..." >&2; \
		exit 1; }
	$(MAKE) -C $(KDIR) M=$(top) modules

plugin: ## the iptables plugin alone (O=: where to put it)
	$(MAKE) -C xtables-ext O=$(abspath $(O))

tool: ## leastconnctl alone (O=: where to put it)
	$(MAKE) -C ctl O=$(if $(filter file,$(origin O)),.,$(abspath $(O)))

man: ## the manual pages alone, to read before installing (O=: where to put them)
	@$(MAKE) -s -C xtables-ext O=$(abspath $(O)) $(abspath $(O))/leastconn.8
	@$(MAKE) -s -C ctl O=$(man_dir) $(man_dir)/leastconnctl.8
	@echo "Read them:"
	@echo "    man -l $(O)/leastconn.8"
	@echo "    man -l $(if $(filter file,$(origin O)),ctl,$(O))/leastconnctl.8"

man_dir = $(if $(filter file,$(origin O)),$(top)/ctl,$(abspath $(O)))

# Distributions keep the key to themselves: without one, kbuild would complain.
unsigned = $(if $(wildcard $(KDIR)/certs/signing_key.pem),,CONFIG_MODULE_SIG_ALL=)

install: module plugin tool ## all of it, where it is looked for (DESTDIR=: below that)
	$(MAKE) -C $(KDIR) M=$(top) INSTALL_MOD_PATH=$(DESTDIR) \
		$(unsigned) modules_install
	$(MAKE) -C xtables-ext install
	$(MAKE) -C ctl install
	$(MAKE) -C ctl/completion install
	test -n "$(DESTDIR)" || depmod -a $(release)

uninstall: ## remove what install put there
	rm -f $(DESTDIR)/lib/modules/$(release)/*/xt_LEASTCONN.ko*
	$(MAKE) -C xtables-ext uninstall
	$(MAKE) -C ctl uninstall
	$(MAKE) -C ctl/completion uninstall
	test -n "$(DESTDIR)" || depmod -a $(release)

dkms_dir = $(DESTDIR)/usr/src/leastconn-$(version)

# What DKMS builds from, no more: no objects of a build in this checkout.
dkms-source:
	install -d $(dkms_dir)/kmod $(dkms_dir)/include/uapi/linux/netfilter
	install -m 0644 Kbuild Makefile VERSION dkms.conf $(dkms_dir)
	install -m 0644 kmod/*.[ch] $(dkms_dir)/kmod
	install -m 0644 include/uapi/linux/*.h $(dkms_dir)/include/uapi/linux
	install -m 0644 include/uapi/linux/netfilter/*.h \
		$(dkms_dir)/include/uapi/linux/netfilter

# Built here first: what is installed goes when there is something in its place,
# and DKMS hides what its own build says.
dkms-install: module plugin tool ## module by DKMS, built for new kernels too; plugin and tool
	$(MAKE) dkms-remove
	$(MAKE) dkms-source
	dkms add -m leastconn -v $(version)
	dkms build -m leastconn -v $(version) -k $(release)
	dkms install -m leastconn -v $(version) -k $(release)
	$(MAKE) -C xtables-ext install
	$(MAKE) -C ctl install
	$(MAKE) -C ctl/completion install

# All versions: a checkout moves on, and DKMS keeps what it was given.
dkms-remove: ## remove what dkms-install put there
	@for package in leastconn-dkms leastconn-tools; do \
		! dpkg-query -L $$package >/dev/null 2>&1 || { \
		echo "These would be files of a package; remove that first: apt purge $$package" >&2; \
		exit 1; }; \
	done
	for dir in /usr/src/leastconn-*; do \
		test -e "$$dir/dkms.conf" || continue; \
		! dkms status -m leastconn -v "$${dir##*-}" | grep -q . || \
			dkms remove -m leastconn -v "$${dir##*-}" --all || exit; \
		rm -r "$$dir"; \
	done
	$(MAKE) -C xtables-ext uninstall
	$(MAKE) -C ctl uninstall
	$(MAKE) -C ctl/completion uninstall

# Folder dist is ours: emptied, so that dist/*.deb are of one version.
deb: ## Debian packages, in dist (O=: elsewhere)
	$(if $(filter file,$(origin O)),rm -rf dist)
	debian/build $(if $(filter file,$(origin O)),dist,$(O))

# What DKMS has is the module alone.
clean: ## remove what was built
	-test ! -e $(KDIR)/Makefile || $(MAKE) -C $(KDIR) M=$(top) clean
	for dir in $(wildcard xtables-ext ctl tests bench/load bench/spin bench/service); do \
		$(MAKE) -C $$dir clean || exit; \
	done

demo: ## see it balance, beside random and nth, in a virtual machine
	demo/run

test: ## what must hold for every change, in virtual machines
	tests/run

test-matrix: ## the tests on all kernels, by iptables-nft and iptables-legacy (two hours)
	tests/matrix

test-debug: ## the tests, and hostile ones, on kernels that look for errors
	tests/debug

test-all: ## everything: the tests, all kernels, debug kernels, packages; closes with a table
	tests/all

coverage: ## the lines of the module that the tests reach, and those that they do not (half an hour)
	tests/coverage

bench: ## what it costs, beside DNAT, statistic, nft maps and IPVS
	bench/run

bench-plot: ## draw that (bench/out/*.svg)
	bench/plot

bench-failures: ## what clients see when a backend fails, beside statistic and IPVS, drawn too
	bench/failures
	bench/plot-failures

shell: ## a root shell in the virtual machine, the demo's hosts up
	demo/run --shell

lint: ## every checker over every file
	tests/lint

help: ## this text
	@sed -n 's/^\([a-z-]*\):.*## /make \1	/p' $(firstword $(MAKEFILE_LIST)) | expand -t 24

.PHONY: all module plugin tool man install uninstall dkms-source dkms-install dkms-remove \
	deb clean demo test test-matrix test-debug test-all coverage bench bench-plot bench-failures shell lint help
