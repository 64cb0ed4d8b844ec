/* SPDX-License-Identifier: MIT */
/* Who has a card open, said to who wants to take it away from them. */
#ifndef GAON_TOOLS_HOLDERS_H
#define GAON_TOOLS_HOLDERS_H

#include <jansson.h>

#include "card.h"
#include "client.h"

/* How many open files of @card, of any card if it is NULL, processes have; one that two share is in both. */
size_t holders_of(const struct client_list *list, const struct card *card);
/* A line for each on standard error. */
void holders_print(const struct client_list *list, const struct card *card);
json_t *holders_json(const struct client_list *list, const struct card *card);

#endif
