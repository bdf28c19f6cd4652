#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The control family, message by message: see ../family/main.c. Each test has a
# network namespace of its own, and leaves nothing in it.
#
#	family.sh [TEST...]
# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

# Rules and namespaces wait for RCU grace periods, and no test is about them.
expedite_rcu

list_tests() {
	"$here/family" --list ${LC_SHORT:+--short} && list_functions
}

run_test() { # NAME: the program's, or a function
	modprobe $module
	case $1 in
	test_*) "$1" ;;
	*) LC_IPTABLES=$iptables "$here/family" "$1" ;;
	esac
}

# Pools keep the module; their namespaces have gone with the tests.
test_the_module_can_go() { # short
	unload
}

run_tests "$@"
