/* SPDX-License-Identifier: GPL-2.0-only */
/* Flows of UDP, within this host. */
#ifndef FAMILY_FLOWS_H
#define FAMILY_FLOWS_H

#include <stdint.h>

/* In a new namespace it is down. */
void loopback_up(void);

/* Return: its socket. */
int udp_server(uint16_t port);

/* So many flows; the first ones are answered. */
void udp_flows(int server, uint16_t port, int count, int answered);

/* So many that nobody answers: their port is closed. */
void refused_flows(uint16_t port, int count);

#endif /* FAMILY_FLOWS_H */
