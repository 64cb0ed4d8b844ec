// SPDX-License-Identifier: MIT
/* The matrix, the tree and the document of `gaon topo`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cmd.h"
#include "topo.h"

static bool coloured(void)
{
	const char *no = getenv("NO_COLOR");

	return isatty(STDOUT_FILENO) && (!no || !*no);
}

/* Near ones are green, far ones red. */
static const char *colour_of(enum topo_relation relation)
{
	static const char *const colours[TOPO_RELATIONS] = { "\x1b[2m", "\x1b[32m", "\x1b[32m", "\x1b[33m", "\x1b[33m",
							     "\x1b[31m", "\x1b[31m" };

	return coloured() ? colours[relation] : "";
}

/* --- matrix ------------------------------------------------------------------------------------- */

static void print_matrix(const struct topo *topo)
{
	bool used[TOPO_RELATIONS] = { 0 };
	int width = 4;

	for (size_t i = 0; i < topo->list.count; i++) {
		if ((int)strlen(topo->list.cards[i].name) > width)
			width = (int)strlen(topo->list.cards[i].name);
	}
	printf("%-*s", width, "");
	for (size_t i = 0; i < topo->list.count; i++)
		printf(" %-*s", width, topo->list.cards[i].name);
	printf(" %-5s %-12s %s\n", "NUMA", "TO THE HOST", "CPUS");
	for (size_t i = 0; i < topo->list.count; i++) {
		const struct topo_card *a = &topo->cards[i];
		uint32_t mbps = topo_mbps(a, NULL);

		printf("%-*s", width, a->card->name);
		for (size_t j = 0; j < topo->list.count; j++) {
			enum topo_relation r = topo_relation(a, &topo->cards[j]);

			used[r] = true;
			printf(" %s%-*s%s", colour_of(r), width, topo_relation_name[r], coloured() ? "\x1b[0m" : "");
		}
		if (a->card->numa_node >= 0)
			printf(" %-5" PRId64, a->card->numa_node);
		else
			printf(" %-5s", "-");
		if (mbps)
			printf(" %5.1f GB/s  ", mbps / 1e3);
		else
			printf(" %-12s", "?");
		printf(" %s\n", a->cpus[0] ? a->cpus : "?");
	}
	printf("\n");
	for (int r = 0; r < TOPO_RELATIONS; r++) {
		if (used[r])
			printf("  %-4s %s\n", topo_relation_name[r], topo_relation_text[r]);
	}
}

static void print_nodes(const struct topo *topo)
{
	for (int i = 0; i < TOPO_NODES; i++) {
		const struct topo_node *node = &topo->nodes[i];

		if (!node->here)
			continue;
		printf("  node %d: CPUs %s; distances", i, node->cpus[0] ? node->cpus : "none");
		for (int k = 0; k < node->count; k++)
			printf(" %d", node->distance[k]);
		printf("%s\n", node->count ? "" : " not known");
	}
}

/* --- tree --------------------------------------------------------------------------------------- */

/* Cards that have the first @depth functions of @like in common, on the same host bridge. */
static bool below(const struct topo_card *c, const struct topo_card *like, int depth)
{
	if (!c->depth || strcmp(c->bridge, like->bridge) || c->depth <= depth)
		return false;
	for (int i = 0; i < depth; i++) {
		if (strcmp(c->path[i], like->path[i]))
			return false;
	}
	return true;
}

static void print_link(const char *lead, const struct card_link *link)
{
	if (link->mtps && link->width)
		printf("%s%.1f GT/s x%u", lead, link->mtps / 1e3, link->width);
}

static void print_function(const struct topo_card *c, int depth)
{
	const struct card *card = c->card;

	if (depth < c->depth - 1) {
		printf("%s", c->path[depth]);
		print_link("  ", &c->link[depth]);
		printf("\n");
		return;
	}
	if (strcmp(card->name, card->address))
		printf("%s%s%s ", coloured() ? "\x1b[1m" : "", card->name, coloured() ? "\x1b[0m" : "");
	printf("%s", card->address);
	print_link("  ", &card->link);
	if (card->link.mtps &&
	    (card->link.mtps < card->link_max.mtps || card->link.width < card->link_max.width))
		print_link(" of ", &card->link_max);
	printf("\n");
}

/* The first card from @from on that is below the same function but not below a child that came before. */
static size_t next_child(const struct topo *topo, size_t from, const struct topo_card *like, int depth)
{
	for (size_t i = from; i < topo->list.count; i++) {
		bool seen = false;

		if (!below(&topo->cards[i], like, depth))
			continue;
		for (size_t k = 0; k < i && !seen; k++)
			seen = below(&topo->cards[k], &topo->cards[i], depth + 1);
		if (!seen)
			return i;
	}
	return topo->list.count;
}

static void print_children(const struct topo *topo, const struct topo_card *like, int depth, const char *lead)
{
	char more[8 * TOPO_DEEPEST + 8];
	size_t next;

	for (size_t i = next_child(topo, 0, like, depth); i < topo->list.count; i = next) {
		const struct topo_card *c = &topo->cards[i];

		next = next_child(topo, i + 1, like, depth);
		printf("%s%s", lead, next < topo->list.count ? "|-- " : "`-- ");
		print_function(c, depth);
		snprintf(more, sizeof(more), "%s%s", lead, next < topo->list.count ? "|   " : "    ");
		if (depth + 1 < c->depth)
			print_children(topo, c, depth + 1, more);
	}
}

static void print_tree(const struct topo *topo)
{
	for (size_t i = 0; i < topo->list.count; i++) {
		const struct topo_card *c = &topo->cards[i];
		bool seen = false;

		for (size_t k = 0; k < i && !seen; k++)
			seen = c->depth && !strcmp(topo->cards[k].bridge, c->bridge);
		if (seen)
			continue;
		if (!c->depth) {
			printf("%s: its place is not known\n", c->card->address);
			continue;
		}
		printf("host bridge %s", c->bridge);
		if (c->card->numa_node >= 0)
			printf(", NUMA node %" PRId64, c->card->numa_node);
		printf("\n");
		print_children(topo, c, 0, "");
	}
}

void topo_print(const struct topo *topo)
{
	print_matrix(topo);
	printf("\n");
	print_nodes(topo);
	printf("\n");
	print_tree(topo);
	if (topo->torus.count) {
		printf("\n");
		torus_print(&topo->torus, coloured());
	}
}

/* --- JSON --------------------------------------------------------------------------------------- */

static json_t *link_json(const struct card_link *link)
{
	return json_pack("{s:o, s:o}", "mtps", cmd_json_number(link->mtps, link->mtps), "width",
			 cmd_json_number(link->width, link->width));
}

static json_t *card_json(const struct topo_card *c)
{
	json_t *path = json_array();
	uint32_t mbps = topo_mbps(c, NULL);

	for (int i = 0; i < c->depth; i++)
		json_array_append_new(path, json_pack("{s:s, s:o}", "address", c->path[i], "link", link_json(&c->link[i])));
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "name", c->card->name, "address", c->card->address,
			 "numa_node", cmd_json_number(c->card->numa_node, c->card->numa_node >= 0), "cpus",
			 cmd_json_text(c->cpus), "host_bridge", cmd_json_text(c->bridge), "path", path, "host_mbps",
			 cmd_json_number(mbps, mbps));
}

static json_t *node_json(const struct topo_node *node, int number)
{
	json_t *distances = json_array();

	for (int k = 0; k < node->count; k++)
		json_array_append_new(distances, json_integer(node->distance[k]));
	return json_pack("{s:i, s:o, s:o}", "node", number, "cpus", cmd_json_text(node->cpus), "distances", distances);
}

static json_t *pair_json(const struct topo_card *a, const struct topo_card *b)
{
	uint32_t mbps = topo_mbps(a, b);

	return json_pack("{s:s, s:s, s:s, s:o}", "a", a->card->name, "b", b->card->name, "relation",
			 topo_relation_name[topo_relation(a, b)], "mbps", cmd_json_number(mbps, mbps));
}

json_t *topo_json(const struct topo *topo)
{
	json_t *devices = json_array(), *pairs = json_array(), *nodes = json_array();

	for (size_t i = 0; i < topo->list.count; i++) {
		const struct topo_card *a = &topo->cards[i];

		json_array_append_new(devices, card_json(a));
		for (size_t k = i + 1; k < topo->list.count; k++)
			json_array_append_new(pairs, pair_json(a, &topo->cards[k]));
	}
	for (int i = 0; i < TOPO_NODES; i++) {
		if (topo->nodes[i].here)
			json_array_append_new(nodes, node_json(&topo->nodes[i], i));
	}
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "devices", devices, "pairs", pairs, "nodes", nodes, "links",
			 torus_links_json(&topo->torus), "tori", torus_groups_json(&topo->torus), "faults",
			 torus_faults_json(&topo->torus));
}
