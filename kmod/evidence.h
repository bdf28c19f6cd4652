/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef LC_EVIDENCE_H
#define LC_EVIDENCE_H

#include <linux/types.h>

/** LC_FAILED_CLIENTS - clients of a backend that are remembered because they failed */
#define LC_FAILED_CLIENTS	16

/** LC_ANSWERED_PORTS - ports of a backend that are remembered because they answered */
#define LC_ANSWERED_PORTS	8

/**
 * struct lc_sighting - when a client was seen last
 * @client: its number, see lc_client_number(); 0: the slot is free
 * @when: low bits of jiffies
 */
struct lc_sighting {
	u32	client;
	u32	when;
};

/**
 * struct lc_evidence - which clients a backend has answered and failed
 * @answered: the two clients that it answered last; the last one comes first
 * @failed: clients whose failures have counted
 * @dropped: the client whose packet to it this host has dropped last
 * @ports: ports that have answered, of a backend that is a whole address; the last one
 *	comes first
 *
 * The caller serializes the use.
 */
struct lc_evidence {
	struct lc_sighting	answered[2];
	struct lc_sighting	failed[LC_FAILED_CLIENTS];
	struct lc_sighting	dropped;
	u16			ports[LC_ANSWERED_PORTS];
};

void lc_evidence_answered(struct lc_evidence *evidence, u32 client, u32 when);
bool lc_evidence_failed(struct lc_evidence *evidence, u32 client, u32 now,
			u32 span);
bool lc_evidence_dropped(struct lc_evidence *evidence, u32 client, u32 now,
			 u32 span);
bool lc_evidence_has_failed(const struct lc_evidence *evidence, u32 client);
void lc_evidence_forget_failed(struct lc_evidence *evidence);
void lc_evidence_add_port(struct lc_evidence *evidence, u16 port);
bool lc_evidence_has_port(const struct lc_evidence *evidence, u16 port);

#endif /* LC_EVIDENCE_H */
