/* SPDX-License-Identifier: MIT */
/* Links of cards' own: what the ports of this machine's cards say, and the torus that they make. */
#ifndef GAON_TOOLS_TORUS_H
#define GAON_TOOLS_TORUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <hw/gaon_port.h>

#include "../card/card.h"

#define TORUS_DIMENSIONS	(GAON_PORTS_MAX / 2)

struct torus_port {
	char state[16];			/* "up", "down", ...; "": it cannot be read */
	char peer[33];			/* serial number of who was heard last, "": nobody */
	int64_t peer_port, lanes, mbps, ups, bad;	/* -1: not known */
	int card;			/* of this machine that @peer is, or -1 */
	bool up;
};

struct torus_card {
	struct torus_port port[GAON_PORTS_MAX];
	unsigned int ports;
	int group;			/* -1: it has no port */
	int at[TORUS_DIMENSIONS];
};

/* Cards that are joined, up of one to down of the next: a mesh, some of whose dimensions are closed. */
struct torus_group {
	int size[TORUS_DIMENSIONS];
	bool ring[TORUS_DIMENSIONS];
	bool grid;			/* no two are at the same place */
	unsigned int cards, cables, up;	/* cables that there should be, and those that are up */
};

struct torus {
	const struct card_list *list;
	struct torus_card *cards;	/* as many as in the list */
	struct torus_group *groups;
	size_t count;			/* of groups */
};

/*
 * False without memory, which is told. torus_free() in any case. To read ports wakes a card that sleeps;
 * without @wake such a one has none.
 */
bool torus_read(struct torus *torus, const struct card_list *list, bool wake);
void torus_free(struct torus *torus);

/* "x+"; "port 9" if there is no such port. */
const char *torus_port_name(int64_t port);
/* The card at a place of a grid, closed dimensions going on at their other end; -1: there is none. */
int torus_card_at(const struct torus *torus, int group, const int at[TORUS_DIMENSIONS]);
/* Who should be at the other end of a port of a card in a grid; -1: nobody. */
int torus_neighbour(const struct torus *torus, int card, unsigned int port);
/* The port is up, and joined to the neighbour's opposite one. */
bool torus_is_joined(const struct torus *torus, int card, unsigned int port);
/* What is wrong with a port, in words; false: nothing is. */
bool torus_fault(const struct torus *torus, int card, unsigned int port, char *text, size_t size);

/* torus_print.c */
void torus_print(const struct torus *torus, bool colours);
json_t *torus_links_json(const struct torus *torus);
json_t *torus_groups_json(const struct torus *torus);
json_t *torus_faults_json(const struct torus *torus);

#endif
