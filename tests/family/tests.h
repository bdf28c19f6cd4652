/* SPDX-License-Identifier: GPL-2.0-only */
/* All tests, by the files that they are in; those that take long by the second word. */
#ifndef FAMILY_TESTS_H
#define FAMILY_TESTS_H

#define EACH_TEST(what, what_long) \
	/* pools.c */ what(pools) what(settings) \
	/* backends.c */ what(backends) what(terms) \
	/* states.c */ what(states) what(ahead) \
	/* filters.c */ what(filters) \
	/* values.c */ what(bad_values) \
	/* attributes.c */ \
	what(missing_attributes) what(foreign_attributes) what(bad_lengths) \
	/* framing.c */ what(bad_framing) what(commands) \
	/* batches.c */ what(all_or_nothing) what(in_their_order) \
	/* limits.c */ \
	what_long(most_pools) what_long(most_backends) what_long(most_states) \
	/* dumps.c */ \
	what(paged_dumps) what(a_dump_is_of_its_moment) \
	what(dumps_while_changing) \
	/* changers.c */ what(several_who_change) \
	/* access.c */ what(who_may) what(namespaces) \
	/* kills.c */ what(kills) \
	/* events.c */ \
	what(events) what(events_of_load) what(events_of_health) \
	what(a_slow_listener) \
	/* rules.c */ what(rules_that_name_a_pool) what(rules_of_their_own)

#define DECLARE_TEST(name)	void test_##name(void);
EACH_TEST(DECLARE_TEST, DECLARE_TEST)

#endif /* FAMILY_TESTS_H */
