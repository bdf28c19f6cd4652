/* SPDX-License-Identifier: GPL-2.0-only */
/* All tests, by the files that they are in. */
#ifndef FAMILY_TESTS_H
#define FAMILY_TESTS_H

/* pools.c */
void test_pools(void);
void test_settings(void);

/* backends.c */
void test_backends(void);
void test_terms(void);

/* states.c */
void test_states(void);
void test_ahead(void);

/* filters.c */
void test_filters(void);

/* values.c */
void test_bad_values(void);

/* attributes.c */
void test_missing_attributes(void);
void test_foreign_attributes(void);
void test_bad_lengths(void);

/* framing.c */
void test_bad_framing(void);
void test_commands(void);

/* batches.c */
void test_all_or_nothing(void);
void test_in_their_order(void);

/* limits.c */
void test_most_pools(void);
void test_most_backends(void);
void test_most_states(void);

/* dumps.c */
void test_paged_dumps(void);
void test_a_dump_is_of_its_moment(void);
void test_dumps_while_changing(void);

/* changers.c */
void test_several_who_change(void);

/* access.c */
void test_who_may(void);
void test_namespaces(void);

/* kills.c */
void test_kills(void);

/* events.c */
void test_events(void);
void test_events_of_load(void);
void test_events_of_health(void);
void test_a_slow_listener(void);

/* rules.c */
void test_rules_that_name_a_pool(void);
void test_rules_of_their_own(void);

#endif /* FAMILY_TESTS_H */
