/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_QUEUE_H
#define LC_QUEUE_H

#include <linux/llist.h>

/**
 * struct lc_queue - a first-in, first-out queue without a lock
 * @first: the node that was added first, or NULL
 * @end: the pointer that the next node is stored in
 *
 * The nodes are those of a lockless list, so that a whole such list can be added.
 */
struct lc_queue {
	struct llist_node	*first;
	struct llist_node	**end;
};

static inline void lc_queue_init(struct lc_queue *queue)
{
	queue->first = NULL;
	queue->end = &queue->first;
}

/* Add the nodes from @first to @last at the end. */
static inline void lc_queue_add(struct lc_queue *queue, struct llist_node *first,
				struct llist_node *last)
{
	last->next = NULL;
	*queue->end = first;
	queue->end = &last->next;
}

static inline void lc_queue_add_first(struct lc_queue *queue,
				      struct llist_node *node)
{
	node->next = queue->first;
	queue->first = node;
	if (!node->next)
		queue->end = &node->next;
}

/* The queue must not be empty. */
static inline struct llist_node *lc_queue_del_first(struct lc_queue *queue)
{
	struct llist_node *node = queue->first;

	queue->first = node->next;
	if (!queue->first)
		queue->end = &queue->first;
	return node;
}

#endif /* LC_QUEUE_H */
