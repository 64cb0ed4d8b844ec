// SPDX-License-Identifier: MIT
/* Ports of links to other cards: as their cables should be, and what they spoil meanwhile. */
#include <string.h>
#include <time.h>

#include "../cmd.h"
#include "../topo/torus.h"
#include "diag.h"

#define PORTS_S		1.0		/* ten frames of each port */

/* Of the card that is tested; -1 if it is none of the list any more. */
static int card_number(const struct diag *d, const struct card_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!strcmp(list->cards[i].address, d->card->address))
			return (int)i;
	return -1;
}

static int64_t bad_frames(const struct torus_card *card)
{
	int64_t bad = 0;

	for (unsigned int port = 0; port < card->ports; port++)
		bad += card->port[port].bad > 0 ? card->port[port].bad : 0;
	return bad;
}

static void judge(struct diag *d, const struct torus *torus, int number)
{
	const struct torus_card *card = &torus->cards[number];
	unsigned int up = 0;
	char text[160];

	for (unsigned int port = 0; port < card->ports; port++) {
		up += card->port[port].up;
		if (!torus_fault(torus, number, port, text, sizeof(text)))
			continue;
		diag_find(d, card->port[port].up ? DIAG_WARNING : DIAG_CRITICAL, "port %u, %s: %s", port,
			  torus_port_name(port), text)->unit = "link";
	}
	diag_measure(d, "ports_up", "ports", up, 0, 0, 0);
}

/* The frames of a second; false: a signal says that it is enough. */
static bool listen(struct diag *d)
{
	const struct timespec pause = { .tv_nsec = 50000000 };
	double start = cmd_now(), part;

	while ((part = (cmd_now() - start) / PORTS_S) < 1) {
		if (!diag_progress(d, part))
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

/* False: there is nothing to look at, which is said. @bad gets the spoilt frames so far. */
static bool look(struct diag *d, bool last, int64_t *bad)
{
	struct card_list list = { 0 };
	struct torus torus = { 0 };
	bool there = false;
	int number;

	if (card_list_read(&list, false) && torus_read(&torus, &list, true)) {
		number = card_number(d, &list);
		there = number >= 0 && torus.cards[number].ports;
		if (there) {
			*bad = bad_frames(&torus.cards[number]);
			if (last)
				judge(d, &torus, number);
		} else {
			diag_skip(d, "this card has no ports of its own");
		}
	} else {
		diag_skip(d, "no memory for the machine's cards");
	}
	torus_free(&torus);
	card_list_free(&list);
	return there;
}

void diag_ports(struct diag *d)
{
	int64_t before, after;

	if (!d->card) {
		diag_skip(d, "this device has no ports of its own");
		return;
	}
	if (look(d, false, &before) && listen(d) && look(d, true, &after))
		diag_measure(d, "ports_bad_frames", "frames", (double)(after - before), 0, 0, 0);
}
