// SPDX-License-Identifier: MIT
/* Ports of links to other cards that come up or go down: see events.h. */
#include <stdio.h>
#include <string.h>

#include "../card/tree.h"
#include "../topo/torus.h"
#include "events.h"

/* False: there is no such port, or it cannot be read now. */
static bool read_state(const struct card *card, unsigned int port, char *out, size_t size)
{
	return tree_read_line(out, size, "/sys/bus/pci/devices/%s/port%u/state", card->address, port) && out[0] &&
	       !out[strspn(out, "abcdefghijklmnopqrstuvwxyz")];
}

void seen_ports_start(struct seen_card *c)
{
	/* To read them would wake a card that sleeps. */
	if (!strcmp(c->card.power, "suspended"))
		return;
	for (unsigned int i = 0; i < GAON_PORTS_MAX; i++) {
		if (!read_state(&c->card, i, c->port[i], sizeof(c->port[i])))
			c->port[i][0] = '\0';
	}
}

bool seen_ports_look(struct seen *seen, struct seen_card *c, const struct card *now)
{
	char state[sizeof(c->port[0])], was[sizeof(c->port[0])];

	if (!strcmp(now->power, "suspended"))
		return true;
	for (unsigned int i = 0; i < GAON_PORTS_MAX; i++) {
		if (!read_state(now, i, state, sizeof(state)) || !strcmp(state, c->port[i]))
			continue;
		strcpy(was, c->port[i]);
		strcpy(c->port[i], state);
		/* Seen for the first time: no news. */
		if (was[0] && !seen_tell(seen, now, EVENT_PORT,
					 json_pack("{s:i, s:s, s:s, s:s}", "port", (int)i, "name", torus_port_name(i), "from",
						   was, "to", state),
					 "port %u, %s, is %s, it was %s", i, torus_port_name(i), state, was))
			return false;
	}
	return true;
}
