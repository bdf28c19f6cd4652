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

family() { # TEST
	modprobe $module
	LC_IPTABLES=$iptables "$here/family" "$1"
}

test_pools() { # short
	family pools
}

test_backends() { # short
	family backends
}

test_terms() { # short
	family terms
}

test_settings() { # short
	family settings
}

test_states() { # short
	family states
}

test_states_ahead() { # short
	family ahead
}

test_filters() { # short
	family filters
}

test_bad_values() { # short
	family bad_values
}

test_missing_attributes() { # short
	family missing_attributes
}

test_foreign_attributes() { # short
	family foreign_attributes
}

test_bad_lengths() { # short
	family bad_lengths
}

test_bad_framing() { # short
	family bad_framing
}

test_commands() { # short
	family commands
}

test_all_or_nothing() { # short
	family all_or_nothing
}

test_changes_in_their_order() { # short
	family in_their_order
}

test_most_pools() {
	family most_pools
}

test_most_backends() {
	family most_backends
}

test_most_states() {
	family most_states
}

test_paged_dumps() { # short
	family paged_dumps
}

test_a_dump_is_of_its_moment() { # short
	family a_dump_is_of_its_moment
}

test_dumps_while_changing() { # short
	family dumps_while_changing
}

test_several_who_change() { # short
	family several_who_change
}

test_who_may() { # short
	family who_may
}

test_namespaces() { # short
	family namespaces
}

test_kills() { # short
	family kills
}

test_events() { # short
	family events
}

test_events_of_load() { # short
	family events_of_load
}

test_events_of_health() { # short
	family events_of_health
}

test_a_slow_listener() { # short
	family a_slow_listener
}

test_rules_that_name_a_pool() { # short
	family rules_that_name_a_pool
}

test_rules_of_their_own() { # short
	family rules_of_their_own
}

# Pools keep the module; their namespaces have gone with the tests.
test_the_module_can_go() { # short
	modprobe $module
	unload
}

run_tests "$@"
