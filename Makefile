# SPDX-License-Identifier: GPL-2.0-only
# What a user types; the module's own build is Kbuild's.

KDIR	?= /lib/modules/$(shell uname -r)/build
top	:= $(CURDIR)
O	?= xtables-ext

all: module plugin ## module for the running kernel (or KDIR=), and the plugin

module: ## the kernel module alone
	@test -e $(KDIR)/Makefile || { \
		echo "No kernel headers in $(KDIR)." >&2; \
		echo "Install them (apt install linux-headers-\$$(uname -r)) or name others: make KDIR=..." >&2; \
		exit 1; }
	$(MAKE) -C $(KDIR) M=$(top) modules

plugin: ## the iptables plugin alone (O=: where to put it)
	$(MAKE) -C xtables-ext O=$(abspath $(O))

# Distributions keep the key to themselves: without one, kbuild would complain.
unsigned = $(if $(wildcard $(KDIR)/certs/signing_key.pem),,CONFIG_MODULE_SIG_ALL=)

install: module plugin ## both, where the kernel and iptables look (DESTDIR=: below that)
	$(MAKE) -C $(KDIR) M=$(top) INSTALL_MOD_PATH=$(DESTDIR) \
		$(unsigned) modules_install
	$(MAKE) -C xtables-ext install
	test -n "$(DESTDIR)" || depmod -a "$$(cat $(KDIR)/include/config/kernel.release)"

clean: ## remove what was built
	-test ! -e $(KDIR)/Makefile || $(MAKE) -C $(KDIR) M=$(top) clean
	$(MAKE) -C xtables-ext clean
	$(MAKE) -C tests clean

demo: ## see it balance, beside random and nth, in a virtual machine
	demo/run

test: ## everything that must hold, in a virtual machine
	tests/run

shell: ## a root shell in the virtual machine, the demo's hosts up
	demo/run --shell

lint: ## every checker over every file
	tests/lint

help: ## this text
	@sed -n 's/^\([a-z-]*\):.*## /make \1	/p' $(firstword $(MAKEFILE_LIST)) | expand -t 16

.PHONY: all module plugin install clean demo test shell lint help
