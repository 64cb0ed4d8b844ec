// SPDX-License-Identifier: MIT
/* See holders.h. */
#include "holders.h"

#include <stdio.h>
#include <string.h>

#include "../cmd.h"

static bool holds(const struct client *client, const struct card *card)
{
	return !card || !strcmp(client->address, card->address);
}

size_t holders_of(const struct client_list *list, const struct card *card)
{
	size_t n = 0;

	for (size_t i = 0; i < list->count; i++)
		n += holds(&list->clients[i], card);
	return n;
}

void holders_print(const struct client_list *list, const struct card *card)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct client *c = &list->clients[i];
		char hbm[32];

		if (holds(c, card))
			fprintf(stderr, "gaon:   process %d, %s, of %s has %s open, with %s of its memory\n", (int)c->pid,
				c->command, c->user, c->address, cmd_bytes(c->hbm, hbm, sizeof(hbm)));
	}
}

json_t *holders_json(const struct client_list *list, const struct card *card)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct client *c = &list->clients[i];

		if (holds(c, card))
			json_array_append_new(array, json_pack("{s:i, s:o, s:o, s:s, s:I}", "pid", (int)c->pid, "user",
							       cmd_json_text(c->user), "command",
							       cmd_json_text(c->command), "address", c->address,
							       "hbm_bytes", (json_int_t)c->hbm));
	}
	return array;
}
