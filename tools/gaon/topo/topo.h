/* SPDX-License-Identifier: MIT */
/* Where cards are on PCI and among the host's memories, and what lies between two of them. */
#ifndef GAON_TOOLS_TOPO_H
#define GAON_TOOLS_TOPO_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "../card/card.h"
#include "torus.h"

#define TOPO_DEEPEST	16		/* functions on the way from a host bridge to a card */
#define TOPO_NODES	64

/* How data comes from one to the other, the nearest first; names as nvidia-smi and others have them. */
enum topo_relation {
	TOPO_SELF,
	TOPO_PIX,		/* through one switch */
	TOPO_PXB,		/* through several switches, without the host bridge */
	TOPO_PHB,		/* through a host bridge */
	TOPO_NODE,		/* through host bridges of one NUMA node */
	TOPO_SYS,		/* from one NUMA node to another */
	TOPO_UNKNOWN,
	TOPO_RELATIONS,
};

extern const char *const topo_relation_name[TOPO_RELATIONS];
extern const char *const topo_relation_text[TOPO_RELATIONS];

struct topo_card {
	const struct card *card;
	char bridge[32];			/* "pci0000:00"; "": its path is not known */
	char path[TOPO_DEEPEST][16];		/* addresses from the host bridge down to the card */
	struct card_link link[TOPO_DEEPEST];	/* above each of them, as it is now */
	int depth;
	char cpus[128];				/* "0-15", "" if not known */
};

struct topo {
	struct card_list list;
	struct topo_card *cards;
	struct torus torus;
	struct topo_node {
		bool here;
		char cpus[128];
		int count, distance[TOPO_NODES];	/* to each node that there is, in their order */
	} nodes[TOPO_NODES];
};

/* False without memory, which is told. topo_free() in any case. */
bool topo_read(struct topo *topo);
void topo_free(struct topo *topo);

enum topo_relation topo_relation(const struct topo_card *a, const struct topo_card *b);
/* The slowest link between two cards, 10^6 bytes per second each way; 0: not known. @b NULL: to the host. */
uint32_t topo_mbps(const struct topo_card *a, const struct topo_card *b);
uint32_t topo_link_mbps(const struct card_link *link);

void topo_print(const struct topo *topo);
json_t *topo_json(const struct topo *topo);

#endif
