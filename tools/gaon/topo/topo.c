// SPDX-License-Identifier: MIT
/* See topo.h. A card's place is the path of its directory in sysfs: each function on it is a bridge above. */
#include "topo.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../card/tree.h"

const char *const topo_relation_name[TOPO_RELATIONS] = { "X", "PIX", "PXB", "PHB", "NODE", "SYS", "?" };

const char *const topo_relation_text[TOPO_RELATIONS] = {
	"the card itself", "through one PCIe switch", "through several PCIe switches, without the host bridge",
	"through a host bridge", "through host bridges of one NUMA node", "from one NUMA node to another", "not known",
};

/* --- reading ------------------------------------------------------------------------------------ */

static bool is_address(const char *text)
{
	return strlen(text) < 16 && text[strspn(text, "0123456789abcdef:.")] == '\0' && strchr(text, '.');
}

/* ".../devices/pci0000:00/0000:00:01.0/0000:01:00.0"; what is no such path leaves the card without a place. */
static void read_path(struct topo_card *c)
{
	char target[TREE_PATH], *part, *save = NULL;

	if (!tree_read_target(target, sizeof(target), "/sys/bus/pci/devices/%s", c->card->address))
		return;
	for (part = strtok_r(target, "/", &save); part; part = strtok_r(NULL, "/", &save)) {
		if (!strncmp(part, "pci", 3) && strlen(part) < sizeof(c->bridge) && !c->depth) {
			snprintf(c->bridge, sizeof(c->bridge), "%s", part);
		} else if (c->bridge[0]) {
			/* Host bridges behind others (VMD) have a part of their own in the path. */
			if (!is_address(part) || c->depth == TOPO_DEEPEST)
				continue;
			c->link[c->depth] = card_link_read(part, "current");
			snprintf(c->path[c->depth++], sizeof(c->path[0]), "%s", part);
		}
	}
	if (!c->depth || strcmp(c->path[c->depth - 1], c->card->address)) {
		c->depth = 0;
		c->bridge[0] = '\0';
	}
}

static bool is_cpulist(const char *text)
{
	return text[0] && !text[strspn(text, "0123456789,-")];
}

static void read_node(struct topo *topo, const char *name)
{
	char text[512], *at, *end;
	struct topo_node *node;
	long number, distance;

	number = strtol(name + 4, &end, 10);
	if (*end || number < 0 || number >= TOPO_NODES)
		return;
	node = &topo->nodes[number];
	node->here = true;
	if (!tree_read_line(node->cpus, sizeof(node->cpus), "/sys/devices/system/node/%s/cpulist", name) ||
	    !is_cpulist(node->cpus))
		node->cpus[0] = '\0';
	if (!tree_read_line(text, sizeof(text), "/sys/devices/system/node/%s/distance", name))
		return;
	for (at = text; node->count < TOPO_NODES; at = end) {
		distance = strtol(at, &end, 10);
		if (end == at || distance < 0 || distance > 255)
			break;
		node->distance[node->count++] = (int)distance;
	}
}

bool topo_read(struct topo *topo)
{
	size_t count, i;
	char **names;

	memset(topo, 0, sizeof(*topo));
	if (!card_list_read(&topo->list, false))
		return false;
	topo->cards = calloc(topo->list.count + 1, sizeof(*topo->cards));
	if (!topo->cards) {
		fprintf(stderr, "gaon: no memory for the places of %zu cards\n", topo->list.count);
		return false;
	}
	for (i = 0; i < topo->list.count; i++) {
		struct topo_card *c = &topo->cards[i];

		c->card = &topo->list.cards[i];
		read_path(c);
		if (!tree_read_line(c->cpus, sizeof(c->cpus), "/sys/bus/pci/devices/%s/local_cpulist", c->card->address) ||
		    !is_cpulist(c->cpus))
			c->cpus[0] = '\0';
	}
	count = tree_list(&names, "/sys/devices/system/node");
	for (i = 0; i < count; i++) {
		if (!strncmp(names[i], "node", 4) && isdigit((unsigned char)names[i][4]) && strlen(names[i]) < 16)
			read_node(topo, names[i]);
	}
	free(names);
	return torus_read(&topo->torus, &topo->list, true);
}

void topo_free(struct topo *topo)
{
	torus_free(&topo->torus);
	card_list_free(&topo->list);
	free(topo->cards);
	memset(topo, 0, sizeof(*topo));
}

/* --- between two cards -------------------------------------------------------------------------- */

/* Functions that both have above them. */
static int shared(const struct topo_card *a, const struct topo_card *b)
{
	int n = 0;

	while (n < a->depth && n < b->depth && !strcmp(a->path[n], b->path[n]))
		n++;
	return n;
}

enum topo_relation topo_relation(const struct topo_card *a, const struct topo_card *b)
{
	int common;

	if (a == b)
		return TOPO_SELF;
	if (!a->depth || !b->depth)
		return TOPO_UNKNOWN;
	if (strcmp(a->bridge, b->bridge)) {
		/* A node that the firmware does not name is no node. */
		if (a->card->numa_node >= 0 && a->card->numa_node == b->card->numa_node)
			return TOPO_NODE;
		return a->card->numa_node < 0 || b->card->numa_node < 0 ? TOPO_UNKNOWN : TOPO_SYS;
	}
	common = shared(a, b);
	if (!common)
		return TOPO_PHB;
	/* The deepest that they share is a switch's upper port, of which each has one lower port, or more. */
	return a->depth - common <= 2 && b->depth - common <= 2 ? TOPO_PIX : TOPO_PXB;
}

uint32_t topo_link_mbps(const struct card_link *link)
{
	/* 8 of 10 bits up to 5 GT/s, 128 of 130 above. */
	uint64_t mbits = link->mtps > 5000 ? (uint64_t)link->mtps * 128 / 130 : (uint64_t)link->mtps * 8 / 10;

	return (uint32_t)(mbits * link->width / 8);
}

/* Of the links below function number @from. */
static uint32_t slowest(const struct topo_card *c, int from)
{
	uint32_t least = UINT32_MAX, mbps;

	for (int i = from; i < c->depth; i++) {
		mbps = topo_link_mbps(&c->link[i]);
		if (!mbps)
			return 0;
		least = mbps < least ? mbps : least;
	}
	return from < c->depth ? least : 0;
}

uint32_t topo_mbps(const struct topo_card *a, const struct topo_card *b)
{
	uint32_t mine, other;

	if (!b)
		return slowest(a, 0);
	if (a == b || topo_relation(a, b) == TOPO_UNKNOWN)
		return 0;
	mine = slowest(a, strcmp(a->bridge, b->bridge) ? 0 : shared(a, b));
	other = slowest(b, strcmp(a->bridge, b->bridge) ? 0 : shared(a, b));
	return mine < other ? mine : other;
}
