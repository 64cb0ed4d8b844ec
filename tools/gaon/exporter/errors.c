// SPDX-License-Identifier: MIT
/*
 * Error counters of cards. The driver asks the card for them, and wakes it if it sleeps; so one that
 * sleeps is not asked, and one that is awake only now and then, or the asking itself would keep it awake.
 */
#include <stdlib.h>
#include <string.h>

#include "../card/tree.h"
#include "../cmd.h"
#include "exporter.h"

#define ASK_AGAIN	30.0	/* seconds; a card sleeps after five */

struct kept {
	char address[32];
	struct card_errors errors;
	double when;
};

static struct kept *kept;	/* the tools have one thread */
static size_t count;

static struct kept *find(const char *address)
{
	struct kept *grown;

	for (size_t i = 0; i < count; i++) {
		if (!strcmp(kept[i].address, address))
			return &kept[i];
	}
	grown = realloc(kept, (count + 1) * sizeof(*kept));
	if (!grown)
		return NULL;
	kept = grown;
	kept[count] = (struct kept){ .when = -1 };
	memcpy(kept[count].address, address, sizeof(kept[count].address));
	return &kept[count++];
}

bool exporter_errors_read(const struct card *card, struct card_errors *out)
{
	bool asleep = !strcmp(card->power, "suspended") && !tree_is_recorded();
	struct kept *k = find(card->address);

	if (!k)
		return false;
	if (!asleep && (k->when < 0 || cmd_now() - k->when > ASK_AGAIN))
		k->when = card_errors_read(card, &k->errors) ? cmd_now() : -1;
	*out = k->errors;
	return k->when >= 0;
}
