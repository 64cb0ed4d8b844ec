// SPDX-License-Identifier: MIT
/* The drawing of joined cards, what is wrong with their links, and both as JSON. */
#include <stdio.h>
#include <string.h>

#include "../cmd.h"
#include "torus.h"

#define RED	"\x1b[31m"
#define GREEN	"\x1b[32m"
#define PLAIN	"\x1b[0m"

struct drawing {
	const struct torus *torus;
	int group;
	bool colours;
	int width;			/* of a card's name */
};

static const char letters[] = "xyzw";

static const struct torus_group *group_of(const struct drawing *d)
{
	return &d->torus->groups[d->group];
}

static const char *name_of(const struct drawing *d, int card)
{
	return card < 0 ? "." : d->torus->list->cards[card].name;
}

/* --- a plane ------------------------------------------------------------------------------------ */

enum cable { CABLE_NONE, CABLE_UP, CABLE_BAD };

/* From the card at a place; none where there is no card at one of its ends. */
static enum cable cable_from(const struct drawing *d, const int at[TORUS_DIMENSIONS], unsigned int port)
{
	int card = torus_card_at(d->torus, d->group, at);

	if (card < 0 || torus_neighbour(d->torus, card, port) < 0)
		return CABLE_NONE;
	return torus_is_joined(d->torus, card, port) ? CABLE_UP : CABLE_BAD;
}

/* Five columns between two cards, three at an end; each kind as wide as the others. */
static void draw_cable(const struct drawing *d, enum cable cable, const char *const shapes[3])
{
	const char *colour = cable == CABLE_UP ? GREEN : RED;

	if (d->colours && cable != CABLE_NONE)
		printf("%s%s%s", colour, shapes[cable], PLAIN);
	else
		printf("%s", shapes[cable]);
}

static void draw_row(const struct drawing *d, int at[TORUS_DIMENSIONS])
{
	static const char *const end[] = { "   ", "-- ", "x- " }, *const begin[] = { "", " --", " -x" };
	static const char *const between[] = { "     ", " --- ", " -x- " };

	for (at[0] = 0; at[0] < group_of(d)->size[0]; at[0]++) {
		int card = torus_card_at(d->torus, d->group, at);
		bool last = at[0] == group_of(d)->size[0] - 1;

		if (!at[0])
			draw_cable(d, group_of(d)->ring[0] ? cable_from(d, at, 1) : CABLE_NONE, end);
		printf("%-*s", last && !group_of(d)->ring[0] ? 0 : d->width, name_of(d, card));
		draw_cable(d, cable_from(d, at, 0), last ? begin : between);
	}
	printf("\n");
}

/* Cables downwards from a row, below the middle of each card. */
static void draw_down(const struct drawing *d, int at[TORUS_DIMENSIONS], const char *lead)
{
	static const char *const shapes[] = { " ", "|", "x" };
	int size = group_of(d)->size[0];

	printf("%s   ", lead);
	for (at[0] = 0; at[0] < size; at[0]++) {
		printf("%*s", (d->width - 1) / 2, "");
		draw_cable(d, cable_from(d, at, 2), shapes);
		if (at[0] < size - 1)
			printf("%*s", d->width - 1 - (d->width - 1) / 2 + 5, "");
	}
	printf("\n");
}

static void draw_plane(const struct drawing *d, int at[TORUS_DIMENSIONS])
{
	const struct torus_group *g = group_of(d);
	char lead[16] = "  ";

	for (at[1] = 0; at[1] < g->size[1]; at[1]++) {
		if (g->size[1] > 1)
			snprintf(lead, sizeof(lead), "  y=%-3d", at[1]);
		printf("%s", lead);
		draw_row(d, at);
		if (g->size[1] > 1 && (at[1] < g->size[1] - 1 || g->ring[1])) {
			snprintf(lead, sizeof(lead), "       ");
			draw_down(d, at, lead);
		}
	}
	at[1] = 0;
}

/* "z+: 6 of 6 up", of the plane's cards, in the dimensions that are not drawn. */
static void tell_beyond(const struct drawing *d, int at[TORUS_DIMENSIONS])
{
	const struct torus_group *g = group_of(d);

	for (unsigned int dim = 2; dim < TORUS_DIMENSIONS; dim++) {
		unsigned int cables = 0, up = 0;

		for (at[1] = 0; at[1] < g->size[1]; at[1]++) {
			for (at[0] = 0; at[0] < g->size[0]; at[0]++) {
				enum cable cable = cable_from(d, at, 2 * dim);

				cables += cable != CABLE_NONE;
				up += cable == CABLE_UP;
			}
		}
		at[0] = at[1] = 0;
		if (cables)
			printf("  %c+ to %c=%d: %u of %u cables up\n", letters[dim], letters[dim], (at[dim] + 1) % g->size[dim], up,
			       cables);
	}
}

static void draw_planes(const struct drawing *d)
{
	const struct torus_group *g = group_of(d);
	int at[TORUS_DIMENSIONS] = { 0 };

	for (at[3] = 0; at[3] < g->size[3]; at[3]++) {
		for (at[2] = 0; at[2] < g->size[2]; at[2]++) {
			if (g->size[3] > 1)
				printf("  w=%d z=%d\n", at[3], at[2]);
			else if (g->size[2] > 1)
				printf("  z=%d\n", at[2]);
			draw_plane(d, at);
			tell_beyond(d, at);
		}
	}
}

/* --- groups ------------------------------------------------------------------------------------- */

/* "torus 4x4x2", "ring of 4", "mesh 3x2", "line of 2", "4x2, closed in x". */
static void name_group(const struct torus_group *g, char *out, size_t size)
{
	char sizes[64] = "", closed[TORUS_DIMENSIONS + 1] = "";
	unsigned int dims = 0, rings = 0;
	size_t used = 0;

	for (unsigned int d = 0; d < TORUS_DIMENSIONS; d++) {
		if (g->size[d] < 2)
			continue;
		used += (size_t)snprintf(sizes + used, sizeof(sizes) - used, "%s%d", dims ? "x" : "",
					 g->size[d]);
		if (g->ring[d])
			closed[rings++] = letters[d];
		dims++;
	}
	if (dims == 1)
		snprintf(out, size, "%s of %s", rings ? "ring" : "line", sizes);
	else if (rings == dims || !rings)
		snprintf(out, size, "%s %s", rings ? "torus" : "mesh", sizes);
	else
		snprintf(out, size, "%s, closed in %s", sizes, closed);
}

/* Cables of cards whose places contradict each other. */
static void list_cables(const struct drawing *d)
{
	const struct card *cards = d->torus->list->cards;

	for (size_t i = 0; i < d->torus->list->count; i++) {
		const struct torus_card *c = &d->torus->cards[i];

		for (unsigned int port = 0; c->group == d->group && port < c->ports; port++) {
			const struct torus_port *p = &c->port[port];

			if (p->up)
				printf("  %s %s  %s %s\n", cards[i].name, torus_port_name(port),
				       p->card < 0 ? p->peer : cards[p->card].name,
				       torus_port_name(p->peer_port));
		}
	}
}

static void print_group(struct drawing *d)
{
	const struct torus_group *g = group_of(d);
	char name[96];

	d->width = 1;
	for (size_t i = 0; i < d->torus->list->count; i++) {
		int length = (int)strlen(name_of(d, (int)i));

		if (d->torus->cards[i].group == d->group && length > d->width)
			d->width = length;
	}
	if (!g->grid) {
		printf("%u cards are joined in no order that can be drawn; port and port:\n", g->cards);
		list_cables(d);
		return;
	}
	name_group(g, name, sizeof(name));
	printf("%s: %u cards, %u of %u cables up\n", name, g->cards, g->up, g->cables);
	draw_planes(d);
}

static void print_faults(const struct torus *torus, bool colours)
{
	char text[160];

	for (size_t i = 0; i < torus->list->count; i++) {
		for (unsigned int port = 0; port < torus->cards[i].ports; port++) {
			if (torus_fault(torus, (int)i, port, text, sizeof(text)))
				printf("  %s%s %s%s: %s\n", colours ? RED : "", torus->list->cards[i].name,
				       torus_port_name(port), colours ? PLAIN : "", text);
		}
	}
}

/* Links to cards of other machines. */
static void print_elsewhere(const struct torus *torus)
{
	for (size_t i = 0; i < torus->list->count; i++) {
		for (unsigned int port = 0; port < torus->cards[i].ports; port++) {
			const struct torus_port *p = &torus->cards[i].port[port];

			if (p->up && p->card < 0)
				printf("  %s %s: to a card that is not here, %s, its %s\n", torus->list->cards[i].name,
				       torus_port_name(port), p->peer[0] ? p->peer : "without a serial number",
				       torus_port_name(p->peer_port));
		}
	}
}

void torus_print(const struct torus *torus, bool colours)
{
	unsigned int alone = 0;

	for (size_t i = 0; i < torus->count; i++) {
		struct drawing d = { .torus = torus, .group = (int)i, .colours = colours };

		if (torus->groups[i].cards > 1)
			print_group(&d);
		else
			alone++;
	}
	if (alone)
		printf("%u card%s with ports %s joined to no other of this machine\n", alone, alone == 1 ? "" : "s",
		       alone == 1 ? "is" : "are");
	print_elsewhere(torus);
	print_faults(torus, colours);
}

/* --- JSON --------------------------------------------------------------------------------------- */

static json_t *number_json(int64_t value)
{
	return cmd_json_number(value, value >= 0);
}

static json_t *link_json(const struct torus *torus, size_t card, unsigned int port)
{
	const struct torus_port *p = &torus->cards[card].port[port];
	const char *peer = p->card < 0 ? "" : torus->list->cards[p->card].name;

	return json_pack("{s:s, s:i, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "device",
			 torus->list->cards[card].name, "port", (int)port, "name", torus_port_name(port), "state",
			 cmd_json_text(p->state), "peer_serial", cmd_json_text(p->peer), "peer_device",
			 cmd_json_text(peer), "peer_port", number_json(p->peer_port), "lanes",
			 number_json(p->lanes), "mbps", number_json(p->mbps), "ups", number_json(p->ups),
			 "bad_frames", number_json(p->bad));
}

json_t *torus_links_json(const struct torus *torus)
{
	json_t *links = json_array();

	for (size_t i = 0; i < torus->list->count; i++) {
		for (unsigned int port = 0; port < torus->cards[i].ports; port++)
			json_array_append_new(links, link_json(torus, i, port));
	}
	return links;
}

static json_t *place_json(const struct torus *torus, size_t card)
{
	const int *at = torus->cards[card].at;

	return json_pack("{s:s, s:[i, i, i, i]}", "name", torus->list->cards[card].name, "at", at[0], at[1], at[2],
			 at[3]);
}

json_t *torus_groups_json(const struct torus *torus)
{
	json_t *groups = json_array();

	for (size_t i = 0; i < torus->count; i++) {
		const struct torus_group *g = &torus->groups[i];
		json_t *sizes = json_array(), *rings = json_array(), *devices = json_array();

		for (unsigned int d = 0; d < TORUS_DIMENSIONS; d++) {
			json_array_append_new(sizes, json_integer(g->size[d]));
			json_array_append_new(rings, json_boolean(g->ring[d]));
		}
		for (size_t k = 0; k < torus->list->count; k++) {
			if (torus->cards[k].group == (int)i)
				json_array_append_new(devices, place_json(torus, k));
		}
		json_array_append_new(groups, json_pack("{s:o, s:o, s:b, s:i, s:i, s:o}", "size", sizes, "closed",
							rings, "grid", g->grid, "cables", (int)g->cables,
							"cables_up", (int)g->up, "devices", devices));
	}
	return groups;
}

json_t *torus_faults_json(const struct torus *torus)
{
	json_t *faults = json_array();
	char text[160];

	for (size_t i = 0; i < torus->list->count; i++) {
		for (unsigned int port = 0; port < torus->cards[i].ports; port++) {
			if (torus_fault(torus, (int)i, port, text, sizeof(text)))
				json_array_append_new(faults, json_pack("{s:s, s:i, s:s}", "device",
									torus->list->cards[i].name, "port",
									(int)port, "text", text));
		}
	}
	return faults;
}
