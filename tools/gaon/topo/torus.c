// SPDX-License-Identifier: MIT
/*
 * See torus.h. Nobody tells a card where it stands: its place follows from whom its ports hear. One walks
 * from card to card, a step for each cable from an up port to a down port; where two ways to a card end at
 * different places in one dimension, that dimension is closed, and the difference is how many cards it has,
 * or a multiple.
 */
#include "torus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../card/tree.h"

#define PORT_DIR	"/sys/bus/pci/devices/%s/port%u"
#define LANES_MOST	1024

const char *torus_port_name(int64_t port)
{
	static const char *const names[GAON_PORTS_MAX] = { "x+", "x-", "y+", "y-", "z+", "z-", "w+", "w-" };

	return port >= 0 && port < GAON_PORTS_MAX ? names[port] : "an unknown port";
}

/* --- reading ------------------------------------------------------------------------------------ */

static bool is_serial(const char *text)
{
	return strlen(text) == 32 && !text[strspn(text, "0123456789abcdef")];
}

static int card_of_serial(const struct card_list *list, const char *serial)
{
	int found = -1;

	for (size_t i = 0; i < list->count; i++) {
		if (!serial[0] || strcmp(list->cards[i].serial, serial))
			continue;
		if (found >= 0)
			return -1;	/* who knows which */
		found = (int)i;
	}
	return found;
}

static void read_port(const struct torus *torus, const struct card *card, unsigned int number,
		      struct torus_port *p)
{
	const char *address = card->address;

	p->peer_port = p->lanes = p->mbps = p->ups = p->bad = -1;
	tree_read_line(p->state, sizeof(p->state), PORT_DIR "/state", address, number);
	if (p->state[strspn(p->state, "abcdefghijklmnopqrstuvwxyz")])
		p->state[0] = '\0';
	if (tree_read_line(p->peer, sizeof(p->peer), PORT_DIR "/peer", address, number) && !is_serial(p->peer))
		p->peer[0] = '\0';
	tree_read_number(&p->peer_port, 0, GAON_PORTS_MAX - 1, PORT_DIR "/peer_port", address, number);
	tree_read_number(&p->lanes, 0, LANES_MOST, PORT_DIR "/lanes", address, number);
	tree_read_number(&p->mbps, 0, UINT32_MAX, PORT_DIR "/speed_mbps", address, number);
	tree_read_number(&p->ups, 0, INT64_MAX, PORT_DIR "/ups", address, number);
	tree_read_number(&p->bad, 0, INT64_MAX, PORT_DIR "/bad_frames", address, number);
	p->card = card_of_serial(torus->list, p->peer);
	p->up = !strcmp(p->state, "up");
}

static void read_ports(struct torus *torus, bool wake)
{
	for (size_t i = 0; i < torus->list->count; i++) {
		struct torus_card *c = &torus->cards[i];
		const struct card *card = &torus->list->cards[i];

		c->group = -1;
		if (!wake && !strcmp(card->power, "suspended"))
			continue;
		while (c->ports < GAON_PORTS_MAX && tree_exists(PORT_DIR, card->address, c->ports)) {
			read_port(torus, card, c->ports, &c->port[c->ports]);
			c->ports++;
		}
	}
}

/* --- places ------------------------------------------------------------------------------------- */

/* The card at the other end, if it is a port of the same dimension that leads back; else -1. */
static int leads_to(const struct torus *torus, int card, unsigned int port)
{
	const struct torus_port *p = &torus->cards[card].port[port];

	return p->up && p->card >= 0 && p->peer_port == (int64_t)(port ^ 1) ? p->card : -1;
}

static void step(int at[TORUS_DIMENSIONS], unsigned int port)
{
	at[port / 2] += port & 1 ? -1 : 1;
}

/* All that can be reached from one card; @queue has room for all. */
static void walk(struct torus *torus, int first, int *queue)
{
	int head = 0, tail = 0, group = (int)torus->count;

	torus->cards[first].group = group;
	queue[tail++] = first;
	while (head < tail) {
		int card = queue[head++];

		for (unsigned int port = 0; port < torus->cards[card].ports; port++) {
			int next = leads_to(torus, card, port);
			struct torus_card *c = next < 0 ? NULL : &torus->cards[next];

			if (!c || c->group >= 0)
				continue;
			c->group = group;
			memcpy(c->at, torus->cards[card].at, sizeof(c->at));
			step(c->at, port);
			queue[tail++] = next;
		}
	}
}

static int common_divisor(int a, int b)
{
	while (b) {
		int rest = a % b;

		a = b;
		b = rest;
	}
	return abs(a);
}

/* A cable that ends elsewhere in its own dimension, and in no other, closes it. */
static void close_dimension(const struct torus *torus, int card, unsigned int port, struct torus_group *g)
{
	int next = leads_to(torus, card, port), want[TORUS_DIMENSIONS];
	unsigned int d = port / 2;

	if (next < 0)
		return;
	memcpy(want, torus->cards[card].at, sizeof(want));
	step(want, port);
	for (unsigned int i = 0; i < TORUS_DIMENSIONS; i++) {
		if (i != d && want[i] != torus->cards[next].at[i])
			return;
	}
	if (want[d] == torus->cards[next].at[d])
		return;
	g->size[d] = common_divisor(g->size[d], abs(want[d] - torus->cards[next].at[d]));
	g->ring[d] = true;
}

static bool is_in(const struct torus *torus, size_t card, int group)
{
	return torus->cards[card].group == group;
}

static void number_places(struct torus *torus, int group)
{
	struct torus_group *g = &torus->groups[group];

	for (unsigned int d = 0; d < TORUS_DIMENSIONS; d++) {
		int least = INT32_MAX, most = INT32_MIN;

		for (size_t i = 0; i < torus->list->count; i++) {
			int *at = &torus->cards[i].at[d];

			if (!is_in(torus, i, group))
				continue;
			if (g->ring[d])
				*at = (*at % g->size[d] + g->size[d]) % g->size[d];
			least = *at < least ? *at : least;
			most = *at > most ? *at : most;
		}
		if (g->ring[d])
			continue;
		g->size[d] = most - least + 1;
		for (size_t i = 0; i < torus->list->count; i++)
			torus->cards[i].at[d] -= is_in(torus, i, group) ? least : 0;
	}
}

static void count_cables(struct torus *torus, int group)
{
	struct torus_group *g = &torus->groups[group];

	for (size_t i = 0; i < torus->list->count; i++) {
		unsigned int ports = is_in(torus, i, group) ? torus->cards[i].ports : 0;

		for (unsigned int port = 0; port < ports; port += 2) {
			if (torus_neighbour(torus, (int)i, port) < 0)
				continue;
			g->cables++;
			g->up += torus_is_joined(torus, (int)i, port);
		}
	}
}

static void find_group(struct torus *torus, int first, int *queue)
{
	struct torus_group *g = &torus->groups[torus->count];
	int group = (int)torus->count;

	walk(torus, first, queue);
	torus->count++;
	for (size_t i = 0; i < torus->list->count; i++) {
		for (unsigned int port = 0; is_in(torus, i, group) && port < torus->cards[i].ports; port++)
			close_dimension(torus, (int)i, port, g);
	}
	number_places(torus, group);
	g->grid = true;
	for (size_t i = 0; i < torus->list->count; i++) {
		if (!is_in(torus, i, group))
			continue;
		g->cards++;
		g->grid = g->grid && torus_card_at(torus, group, torus->cards[i].at) == (int)i;
	}
	count_cables(torus, group);
}

bool torus_read(struct torus *torus, const struct card_list *list, bool wake)
{
	int *queue = calloc(list->count + 1, sizeof(*queue));

	*torus = (struct torus){ .list = list };
	torus->cards = calloc(list->count + 1, sizeof(*torus->cards));
	torus->groups = calloc(list->count + 1, sizeof(*torus->groups));
	if (!queue || !torus->cards || !torus->groups) {
		fprintf(stderr, "gaon: no memory for the ports of %zu cards\n", list->count);
		free(queue);
		return false;
	}
	read_ports(torus, wake);
	for (size_t i = 0; i < list->count; i++) {
		if (torus->cards[i].ports && torus->cards[i].group < 0)
			find_group(torus, (int)i, queue);
	}
	free(queue);
	return true;
}

void torus_free(struct torus *torus)
{
	free(torus->cards);
	free(torus->groups);
	memset(torus, 0, sizeof(*torus));
}

/* --- what should be ----------------------------------------------------------------------------- */

int torus_card_at(const struct torus *torus, int group, const int at[TORUS_DIMENSIONS])
{
	const struct torus_group *g = &torus->groups[group];
	int want[TORUS_DIMENSIONS];

	for (unsigned int d = 0; d < TORUS_DIMENSIONS; d++)
		want[d] = g->ring[d] ? (at[d] + g->size[d]) % g->size[d] : at[d];
	for (size_t i = 0; i < torus->list->count; i++) {
		if (is_in(torus, i, group) && !memcmp(torus->cards[i].at, want, sizeof(want)))
			return (int)i;
	}
	return -1;
}

int torus_neighbour(const struct torus *torus, int card, unsigned int port)
{
	const struct torus_card *c = &torus->cards[card];
	int at[TORUS_DIMENSIONS];

	if (!torus->groups[c->group].grid || torus->groups[c->group].size[port / 2] < 2)
		return -1;
	memcpy(at, c->at, sizeof(at));
	step(at, port);
	return torus_card_at(torus, c->group, at);
}

bool torus_is_joined(const struct torus *torus, int card, unsigned int port)
{
	int next = leads_to(torus, card, port);

	return next >= 0 && next == torus_neighbour(torus, card, port);
}

static int64_t fastest(const struct torus *torus)
{
	int64_t most = 0;

	for (size_t i = 0; i < torus->list->count; i++) {
		for (unsigned int port = 0; port < torus->cards[i].ports; port++) {
			int64_t mbps = torus->cards[i].port[port].mbps;

			most = mbps > most ? mbps : most;
		}
	}
	return most;
}

static bool fault_up(const struct torus *torus, int card, unsigned int port, int want, char *text,
		     size_t size)
{
	const struct torus_port *p = &torus->cards[card].port[port];
	const struct card *cards = torus->list->cards;

	if (p->card >= 0 && p->peer_port != (int64_t)(port ^ 1))
		snprintf(text, size, "leads to %s of %s, not to %s of a card", torus_port_name(p->peer_port), cards[p->card].name,
			 torus_port_name(port ^ 1));
	else if (p->card >= 0 && want >= 0 && p->card != want)
		snprintf(text, size, "leads to %s, %s should be there", cards[p->card].name, cards[want].name);
	else if (p->card < 0 && want >= 0)
		snprintf(text, size, "leads to a card that is not here, %s should be there", cards[want].name);
	else if (p->mbps >= 0 && p->mbps < fastest(torus))
		snprintf(text, size, "%.1f GB/s, others have %.1f", (double)p->mbps / 1e3, (double)fastest(torus) / 1e3);
	else if (p->bad > 0)
		snprintf(text, size, "%lld bad frames: the cable, or what it is plugged into", (long long)p->bad);
	else
		return false;
	return true;
}

bool torus_fault(const struct torus *torus, int card, unsigned int port, char *text, size_t size)
{
	const struct torus_port *p = &torus->cards[card].port[port];
	int want = torus_neighbour(torus, card, port);
	const char *whom = want >= 0 ? torus->list->cards[want].name :
			   p->card >= 0 ? torus->list->cards[p->card].name : "a card that is not here";

	if (p->up)
		return fault_up(torus, card, port, want, text, size);
	if (!p->state[0])
		snprintf(text, size, "cannot be read");
	else if (!strcmp(p->state, "training"))
		snprintf(text, size, "hears %s, and is not heard: the cable works in one direction only", whom);
	else if (!strcmp(p->state, "mismatch"))
		snprintf(text, size, "hears another version of ports: one of the two cards needs new firmware or is none of these");
	else if (want >= 0)
		snprintf(text, size, "%s, %s should be there", p->state, whom);
	else if (p->ups > 0)
		snprintf(text, size, "%s, it was up before, to %s", p->state, whom);
	else
		return false;	/* nothing was ever plugged in */
	return true;
}
