// SPDX-License-Identifier: MIT
/* Readings one after the other: graphs of cards, and processes in order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "top.h"

const char *const top_column_name[TOP_COLUMNS] = {
	"pid", "user", "device", "cores", "copies", "hbm", "host", "command",
};

bool top_shows(const struct top *top, const struct card *card)
{
	return !top->only[0] || !strcmp(top->only, card->address);
}

const struct top_card *top_history(const struct top *top, const struct card *card)
{
	for (size_t i = 0; i < top->card_count; i++) {
		if (!strcmp(top->cards[i].address, card->address))
			return &top->cards[i];
	}
	return NULL;
}

struct client_use top_card_use(const struct top *top, const struct card *card)
{
	const struct top_card *c = top_history(top, card);

	if (!c || !c->count)
		return (struct client_use){ -1, -1 };
	return (struct client_use){ c->core[c->count - 1], c->copy[c->count - 1] };
}

/* --- graphs ------------------------------------------------------------------------------------- */

static struct top_card *history_need(struct top *top, const struct card *card)
{
	struct top_card *cards = (struct top_card *)top_history(top, card);

	if (cards)
		return cards;
	cards = realloc(top->cards, (top->card_count + 1) * sizeof(*cards));
	if (!cards) {
		fprintf(stderr, "gaon: no memory for the graphs of %zu cards\n", top->card_count + 1);
		return NULL;
	}
	top->cards = cards;
	cards += top->card_count++;
	memset(cards, 0, sizeof(*cards));
	snprintf(cards->address, sizeof(cards->address), "%s", card->address);
	return cards;
}

static void history_push(struct top_card *c, float core, float copy, float memory)
{
	if (c->count == TOP_HISTORY) {
		memmove(c->core, c->core + 1, sizeof(c->core) - sizeof(c->core[0]));
		memmove(c->copy, c->copy + 1, sizeof(c->copy) - sizeof(c->copy[0]));
		memmove(c->memory, c->memory + 1, sizeof(c->memory) - sizeof(c->memory[0]));
		c->count--;
	}
	c->core[c->count] = core;
	c->copy[c->count] = copy;
	c->memory[c->count++] = memory;
}

static bool history_add(struct top *top, const struct card *card)
{
	struct top_card *c = history_need(top, card);
	struct client_use use;
	bool known;

	if (!c)
		return false;
	known = sample_use(&top->now, &top->before, card, &use);
	history_push(c, known ? (float)use.core : -1, known ? (float)use.copy : -1,
		     card->hbm_total > 0 && card->hbm_used >= 0 && card->hbm_used <= card->hbm_total ?
		     (float)card->hbm_used / (float)card->hbm_total : -1);
	c->here = true;
	return true;
}

static bool histories_add(struct top *top)
{
	for (size_t i = 0; i < top->card_count; i++)
		top->cards[i].here = false;
	for (size_t i = 0; i < top->now.cards.count; i++) {
		if (!history_add(top, &top->now.cards.cards[i]))
			return false;
	}
	for (size_t i = 0; i < top->card_count;) {
		if (top->cards[i].here)
			i++;
		else
			top->cards[i] = top->cards[--top->card_count];
	}
	return true;
}

/* --- processes ---------------------------------------------------------------------------------- */

static int order(double a, double b)
{
	return (a > b) - (a < b);
}

static int compare(const struct top_process *a, const struct top_process *b, enum top_column column)
{
	switch (column) {
	case TOP_USER: return strcmp(a->client->user, b->client->user);
	case TOP_DEVICE: return strverscmp(a->client->address, b->client->address);
	case TOP_CORES: return order(a->use.core, b->use.core);
	case TOP_COPIES: return order(a->use.copy, b->use.copy);
	case TOP_HBM: return order((double)a->client->hbm, (double)b->client->hbm);
	case TOP_HOST: return order((double)a->client->host, (double)b->client->host);
	case TOP_COMMAND: return strcmp(a->client->command, b->client->command);
	default: return order(a->client->pid, b->client->pid);
	}
}

/* What is alike stays where it is from reading to reading. */
static int by_column(const void *a, const void *b, void *arg)
{
	const struct top *top = arg;
	int way = compare(a, b, top->sort);

	if (!way)
		return compare(a, b, TOP_PID);
	return top->ascending ? way : -way;
}

void top_sort(struct top *top)
{
	qsort_r(top->processes, top->process_count, sizeof(*top->processes), by_column, top);
}

static bool processes_make(struct top *top)
{
	const struct client_list *clients = &top->now.clients;

	free(top->processes);
	top->process_count = 0;
	top->processes = calloc(clients->count + 1, sizeof(*top->processes));
	if (!top->processes) {
		fprintf(stderr, "gaon: no memory for the list of %zu processes\n", clients->count);
		return false;
	}
	for (size_t i = 0; i < clients->count; i++) {
		const struct client *client = &clients->clients[i];
		struct top_process *p = &top->processes[top->process_count];

		if (top->only[0] && strcmp(top->only, client->address))
			continue;
		p->client = client;
		p->card = card_list_find(&top->now.cards, client->address);
		p->use = client_use(client, &top->before.clients);
		top->process_count++;
	}
	top_sort(top);
	return true;
}

int top_selected(const struct top *top)
{
	for (size_t i = 0; i < top->process_count && top->selected; i++) {
		const struct client *client = top->processes[i].client;

		if (client->pid == top->selected && !strcmp(client->address, top->selected_address))
			return (int)i;
	}
	return -1;
}

void top_select(struct top *top, int index)
{
	const struct client *client;

	if (!top->process_count) {
		top->selected = 0;
		return;
	}
	if (index < 0)
		index = 0;
	if (index >= (int)top->process_count)
		index = (int)top->process_count - 1;
	client = top->processes[index].client;
	top->selected = client->pid;
	snprintf(top->selected_address, sizeof(top->selected_address), "%s", client->address);
}

/* --- all ---------------------------------------------------------------------------------------- */

bool top_read(struct top *top)
{
	sample_free(&top->before);
	top->before = top->now;
	top->now = (struct sample){ 0 };
	/* What it points to has gone. */
	top->process_count = 0;
	return sample_read(&top->now, SAMPLE_SENSORS | SAMPLE_CLIENTS) && histories_add(top) &&
	       processes_make(top);
}

void top_free(struct top *top)
{
	sample_free(&top->before);
	sample_free(&top->now);
	free(top->cards);
	free(top->processes);
	*top = (struct top){ 0 };
}
