// SPDX-License-Identifier: MIT
/* Metrics of ports of links to other cards. Of cards that sleep there are none: asking would wake them. */
#include "../topo/torus.h"
#include "exporter.h"

enum { FIGURE_UP, FIGURE_SPEED, FIGURE_UPS, FIGURE_BAD, FIGURES };

static const struct metric_family figures[FIGURES] = {
	[FIGURE_UP] = { "gaon_port_up", NULL, "1 if this port and the one at the other end of its cable hear each other.",
			METRIC_GAUGE },
	[FIGURE_SPEED] = { "gaon_port_bytes_per_second", NULL, "What the link can carry each way, 0 unless it is up.",
			   METRIC_GAUGE },
	[FIGURE_UPS] = { "gaon_port_ups", NULL, "Times that the port came up since the card's last reset.", METRIC_COUNTER },
	[FIGURE_BAD] = { "gaon_port_bad_frames", NULL, "Spoilt frames since the card's last reset.", METRIC_COUNTER },
};

static bool figure(const struct torus_port *port, int which, double *out)
{
	const int64_t value[FIGURES] = {
		[FIGURE_UP] = port->state[0] ? port->up : -1, [FIGURE_SPEED] = port->mbps,
		[FIGURE_UPS] = port->ups, [FIGURE_BAD] = port->bad,
	};

	*out = (double)value[which] * (which == FIGURE_SPEED ? 1e6 : 1);
	return value[which] >= 0;
}

bool exporter_ports(struct metrics *m, const struct card_list *cards)
{
	struct torus torus;
	bool good = torus_read(&torus, cards, false);

	for (int which = 0; good && which < FIGURES; which++) {
		bool begun = false;

		for (size_t i = 0; i < cards->count; i++) {
			for (unsigned int port = 0; port < torus.cards[i].ports; port++) {
				const struct metric_label labels[] = {
					{ "device", cards->cards[i].name }, { "pci_bus_id", cards->cards[i].address },
					{ "port", torus_port_name(port) }, { NULL, NULL },
				};
				double value;

				if (!figure(&torus.cards[i].port[port], which, &value))
					continue;
				if (!begun)
					metrics_family(m, &figures[which]);
				begun = true;
				metrics_sample(m, &figures[which], labels, value);
			}
		}
	}
	torus_free(&torus);
	return good;
}
