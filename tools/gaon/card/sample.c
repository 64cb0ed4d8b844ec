// SPDX-License-Identifier: MIT
/* See sample.h. */
#include "sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_errors(struct sample *sample)
{
	sample->errors = calloc(sample->cards.count + 1, sizeof(*sample->errors));
	if (!sample->errors) {
		fprintf(stderr, "gaon: no memory for counters of %zu cards\n", sample->cards.count);
		return false;
	}
	for (size_t i = 0; i < sample->cards.count; i++) {
		const struct card *card = &sample->cards.cards[i];

		if (strcmp(card->power, "suspended"))
			sample->errors[i].known = card_errors_read(card, &sample->errors[i].errors);
	}
	return true;
}

bool sample_read(struct sample *sample, unsigned int what)
{
	bool good;

	*sample = (struct sample){ .what = what };
	clock_gettime(CLOCK_REALTIME, &sample->wall);
	good = card_list_read(&sample->cards, what & SAMPLE_SENSORS);
	if (good && what & SAMPLE_CLIENTS)
		good = client_list_read(&sample->clients);
	if (good && what & SAMPLE_ERRORS)
		good = read_errors(sample);
	if (!good)
		sample_free(sample);
	return good;
}

void sample_free(struct sample *sample)
{
	card_list_free(&sample->cards);
	client_list_free(&sample->clients);
	free(sample->errors);
	*sample = (struct sample){ 0 };
}

/* Parts add up to 1 at most, but for readings that were not made at the same moment. */
static double bounded(double part)
{
	return part < 1 ? part : 1;
}

bool sample_use(const struct sample *now, const struct sample *before, const struct card *card,
		struct client_use *use)
{
	*use = (struct client_use){ 0 };
	if (!(now->what & before->what & SAMPLE_CLIENTS))
		return false;
	for (size_t i = 0; i < now->clients.count; i++) {
		const struct client *client = &now->clients.clients[i];
		struct client_use part;

		if (client->shared || strcmp(client->address, card->address))
			continue;
		part = client_use(client, &before->clients);
		use->core = bounded(use->core + part.core);
		use->copy = bounded(use->copy + part.copy);
	}
	return true;
}
