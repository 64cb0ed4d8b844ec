// SPDX-License-Identifier: MIT
/* The metrics: families, and how a card's figure becomes a sample. What is not known has no sample. */
#include "exporter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../card/client.h"
#include "../cmd.h"

struct snapshot {
	struct card_list cards;
	struct card_errors *errors;	/* of each card */
	bool *errors_known;
	struct client_list clients;
	bool processes;
};

#define CARD_LABELS	2

static struct metric_label *card_labels(struct metric_label *labels, const struct card *card)
{
	labels[0] = (struct metric_label){ "device", card->name };
	labels[1] = (struct metric_label){ "pci_bus_id", card->address };
	labels[CARD_LABELS] = (struct metric_label){ NULL, NULL };
	return labels;
}

/* --- one number of each card ------------------------------------------------------------------- */

static bool scaled(int64_t value, double scale, double *out)
{
	*out = (double)value * scale;
	return value >= 0;
}

static bool sensor(const struct card *card, enum card_sensor which, double unit, double *out)
{
	/* Divided: 75250000 / 1e6 is the nearest to 75.25, a product with 1e-6 is not. */
	*out = (double)card->sensors.value[which] / unit;
	return card_sensor_known(card, which);
}

enum {
	FIGURE_AWAKE, FIGURE_MEMORY_SIZE, FIGURE_MEMORY_USED, FIGURE_TEMP, FIGURE_TEMP_MAX, FIGURE_TEMP_CRIT,
	FIGURE_POWER, FIGURE_CAP, FIGURE_CAP_MAX, FIGURE_ENERGY, FIGURE_CLOCK, FIGURE_RESETS, FIGURE_SPEED,
	FIGURE_SPEED_MAX, FIGURE_LANES, FIGURE_LANES_MAX, FIGURES,
};

static const struct metric_family figures[FIGURES] = {
	[FIGURE_AWAKE] = { "gaon_device_awake", NULL,
			   "1 while the card has power; one that sleeps has no sensors and is not woken.", METRIC_GAUGE },
	[FIGURE_MEMORY_SIZE] = { "gaon_memory_size_bytes", "bytes", "HBM on the card.", METRIC_GAUGE },
	[FIGURE_MEMORY_USED] = { "gaon_memory_used_bytes", "bytes", "HBM that is allocated.", METRIC_GAUGE },
	[FIGURE_TEMP] = { "gaon_temperature_celsius", "celsius", "Temperature of the chip.", METRIC_GAUGE },
	[FIGURE_TEMP_MAX] = { "gaon_temperature_max_celsius", "celsius",
			      "Temperature from which the card slows down.", METRIC_GAUGE },
	[FIGURE_TEMP_CRIT] = { "gaon_temperature_critical_celsius", "celsius",
			       "Temperature at which the card stops.", METRIC_GAUGE },
	[FIGURE_POWER] = { "gaon_power_watts", "watts", "Power, the mean since the last reading.", METRIC_GAUGE },
	[FIGURE_CAP] = { "gaon_power_cap_watts", "watts", "Power that the card may take.", METRIC_GAUGE },
	[FIGURE_CAP_MAX] = { "gaon_power_cap_max_watts", "watts", "Highest cap that can be set.", METRIC_GAUGE },
	[FIGURE_ENERGY] = { "gaon_energy_joules", "joules", "Energy since the card's last reset.", METRIC_COUNTER },
	[FIGURE_CLOCK] = { "gaon_clock_hertz", "hertz", "Clock of the cores.", METRIC_GAUGE },
	[FIGURE_RESETS] = { "gaon_resets", NULL, "Resets of the whole card since the driver was bound.",
			    METRIC_COUNTER },
	[FIGURE_SPEED] = { "gaon_pcie_link_transfers_per_second", NULL, "Transfers of each lane of the link to the host.",
			   METRIC_GAUGE },
	[FIGURE_SPEED_MAX] = { "gaon_pcie_link_max_transfers_per_second", NULL, "The most that the card can.",
			       METRIC_GAUGE },
	[FIGURE_LANES] = { "gaon_pcie_link_width_lanes", "lanes", "Lanes of the link to the host.", METRIC_GAUGE },
	[FIGURE_LANES_MAX] = { "gaon_pcie_link_max_width_lanes", "lanes", "The most that the card has.", METRIC_GAUGE },
};

static bool figure(const struct card *card, int which, double *out)
{
	switch (which) {
	case FIGURE_AWAKE: *out = strcmp(card->power, "suspended") != 0; return card->power[0] != '\0';
	case FIGURE_MEMORY_SIZE: return scaled(card->hbm_total, 1, out);
	case FIGURE_MEMORY_USED: return scaled(card->hbm_used, 1, out);
	case FIGURE_TEMP: return sensor(card, CARD_TEMP_MC, 1e3, out);
	case FIGURE_TEMP_MAX: return sensor(card, CARD_TEMP_MAX_MC, 1e3, out);
	case FIGURE_TEMP_CRIT: return sensor(card, CARD_TEMP_CRIT_MC, 1e3, out);
	case FIGURE_POWER: return sensor(card, CARD_POWER_UW, 1e6, out);
	case FIGURE_CAP: return sensor(card, CARD_POWER_CAP_UW, 1e6, out);
	case FIGURE_CAP_MAX: return sensor(card, CARD_POWER_CAP_MAX_UW, 1e6, out);
	case FIGURE_ENERGY: return sensor(card, CARD_ENERGY_UJ, 1e6, out);
	case FIGURE_CLOCK: return sensor(card, CARD_CLOCK_HZ, 1, out);
	case FIGURE_RESETS: return scaled(card->resets, 1, out);
	case FIGURE_SPEED: return scaled(card->link.mtps, 1e6, out) && card->link.mtps;
	case FIGURE_SPEED_MAX: return scaled(card->link_max.mtps, 1e6, out) && card->link_max.mtps;
	case FIGURE_LANES: return scaled(card->link.width, 1, out) && card->link.width;
	case FIGURE_LANES_MAX: return scaled(card->link_max.width, 1, out) && card->link_max.width;
	default: return false;
	}
}

static void emit_figures(struct metrics *m, const struct snapshot *s)
{
	for (int which = 0; which < FIGURES; which++) {
		bool begun = false;

		for (size_t i = 0; i < s->cards.count; i++) {
			struct metric_label labels[CARD_LABELS + 1];
			double value;

			if (!figure(&s->cards.cards[i], which, &value))
				continue;
			if (!begun)
				metrics_family(m, &figures[which]);
			begun = true;
			metrics_sample(m, &figures[which], card_labels(labels, &s->cards.cards[i]), value);
		}
	}
}

/* --- the rest of a card ------------------------------------------------------------------------ */

static void emit_identity(struct metrics *m, const struct snapshot *s)
{
	static const struct metric_family family = { "gaon_device", NULL, "What the card is, and what runs it.",
						     METRIC_INFO };

	if (s->cards.count)
		metrics_family(m, &family);
	for (size_t i = 0; i < s->cards.count; i++) {
		const struct card *card = &s->cards.cards[i];
		struct metric_label labels[CARD_LABELS + 8];
		char abi[24], node[24];

		snprintf(abi, sizeof(abi), "%" PRId64, card->fw_abi);
		snprintf(node, sizeof(node), "%" PRId64, card->numa_node);
		card_labels(labels, card);
		labels[CARD_LABELS] = (struct metric_label){ "serial", card->serial };
		labels[CARD_LABELS + 1] = (struct metric_label){ "driver", card->driver };
		labels[CARD_LABELS + 2] = (struct metric_label){ "driver_version", card->driver_version };
		labels[CARD_LABELS + 3] = (struct metric_label){ "firmware_version", card->firmware };
		labels[CARD_LABELS + 4] = (struct metric_label){ "firmware_abi", card->fw_abi < 0 ? "" : abi };
		labels[CARD_LABELS + 5] = (struct metric_label){ "numa_node", card->numa_node < 0 ? "" : node };
		labels[CARD_LABELS + 6] = (struct metric_label){ NULL, NULL };
		metrics_sample(m, &family, labels, 1);
	}
}

static void emit_states(struct metrics *m, const struct snapshot *s)
{
	static const struct metric_family family = { "gaon_device_state", NULL, "State of the card, as the driver says.",
						     METRIC_STATESET };
	static const char *const states[] = { "ready", "degraded", "resetting", "asleep", "wedged", "off" };
	bool begun = false;

	for (size_t i = 0; i < s->cards.count; i++) {
		const struct card *card = &s->cards.cards[i];
		struct metric_label labels[CARD_LABELS + 2];

		if (!card->state[0])
			continue;
		if (!begun)
			metrics_family(m, &family);
		begun = true;
		card_labels(labels, card);
		labels[CARD_LABELS + 1] = (struct metric_label){ NULL, NULL };
		for (size_t k = 0; k < sizeof(states) / sizeof(states[0]); k++) {
			labels[CARD_LABELS] = (struct metric_label){ family.name, states[k] };
			metrics_sample(m, &family, labels, !strcmp(card->state, states[k]));
		}
	}
}

static void emit_errors(struct metrics *m, const struct snapshot *s)
{
	static const struct metric_family errors = { "gaon_memory_errors", NULL,
						     "Errors of memories and links since the driver was bound.", METRIC_COUNTER };
	static const struct metric_family retired = { "gaon_memory_retired_pages", NULL,
						      "Pages of HBM that are not used any more.", METRIC_GAUGE };
	struct metric_label labels[CARD_LABELS + 2];
	bool begun = false;

	for (size_t i = 0; i < s->cards.count; i++) {
		if (!s->errors_known[i])
			continue;
		if (!begun)
			metrics_family(m, &errors);
		begun = true;
		card_labels(labels, &s->cards.cards[i]);
		labels[CARD_LABELS + 1] = (struct metric_label){ NULL, NULL };
		labels[CARD_LABELS] = (struct metric_label){ "severity", "corrected" };
		metrics_sample(m, &errors, labels, (double)s->errors[i].corrected);
		labels[CARD_LABELS] = (struct metric_label){ "severity", "uncorrected" };
		metrics_sample(m, &errors, labels, (double)s->errors[i].uncorrected);
	}
	if (begun)
		metrics_family(m, &retired);
	for (size_t i = 0; i < s->cards.count; i++) {
		if (s->errors_known[i])
			metrics_sample(m, &retired, card_labels(labels, &s->cards.cards[i]),
				       (double)s->errors[i].retired_pages);
	}
}

/* --- processes --------------------------------------------------------------------------------- */

/* An open file that several processes have is counted with the first. */
static void emit_client(struct metrics *m, const struct metric_family *family, const struct snapshot *s,
			const struct client *c, const char *label, const char *kind, double value)
{
	const struct card *card = card_list_find(&s->cards, c->address);
	char pid[24], client[24];
	struct metric_label labels[] = {
		{ "device", card ? card->name : c->address }, { "pci_bus_id", c->address }, { "pid", pid },
		{ "client", client }, { "command", c->command }, { label, kind }, { NULL, NULL },
	};

	snprintf(pid, sizeof(pid), "%d", (int)c->pid);
	snprintf(client, sizeof(client), "%" PRIu64, c->id);
	metrics_sample(m, family, labels, value);
}

static void emit_processes(struct metrics *m, const struct snapshot *s)
{
	static const struct metric_family memory = { "gaon_process_memory_bytes", "bytes", "Memory of a process's objects.",
						     METRIC_GAUGE };
	static const struct metric_family engines = { "gaon_process_engine_seconds", "seconds",
						      "Time that a process had engines, all of a kind together.", METRIC_COUNTER };
	static const struct metric_family all = { "gaon_exporter_sees_all_processes", NULL,
						  "1 if processes of all users can be seen.", METRIC_GAUGE };
	size_t i;

	if (!s->processes)
		return;
	metrics_family(m, &memory);
	for (i = 0; i < s->clients.count; i++) {
		const struct client *c = &s->clients.clients[i];

		if (c->shared)
			continue;
		emit_client(m, &memory, s, c, "memory", "hbm", (double)c->hbm);
		emit_client(m, &memory, s, c, "memory", "host", (double)c->host);
	}
	metrics_family(m, &engines);
	for (i = 0; i < s->clients.count; i++) {
		const struct client *c = &s->clients.clients[i];

		if (c->shared)
			continue;
		emit_client(m, &engines, s, c, "engine", "core", (double)c->core_ns / 1e9);
		emit_client(m, &engines, s, c, "engine", "copy", (double)c->copy_ns / 1e9);
	}
	metrics_family(m, &all);
	metrics_sample(m, &all, NULL, s->clients.complete);
}

/* --- the exporter itself ----------------------------------------------------------------------- */

static void emit_self(struct metrics *m, const struct snapshot *s, double seconds)
{
	static const struct metric_family build = { "gaon_exporter_build", NULL, "The exporter's version.", METRIC_INFO };
	static const struct metric_family devices = { "gaon_devices", NULL, "Cards on the bus of this machine.", METRIC_GAUGE };
	static const struct metric_family took = { "gaon_exporter_collect_seconds", "seconds",
						   "How long it took to read the figures of all cards.", METRIC_GAUGE };
	static const struct metric_family cpu = { "process_cpu_seconds", "seconds",
						  "Processor time of the exporter.", METRIC_COUNTER };
	const struct metric_label version[] = { { "version", gaon_version() }, { NULL, NULL } };
	struct timespec used = { 0 };

	metrics_family(m, &build);
	metrics_sample(m, &build, version, 1);
	metrics_family(m, &devices);
	metrics_sample(m, &devices, NULL, (double)s->cards.count);
	metrics_family(m, &took);
	metrics_sample(m, &took, NULL, seconds);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	metrics_family(m, &cpu);
	metrics_sample(m, &cpu, NULL, (double)used.tv_sec + (double)used.tv_nsec / 1e9);
}

static bool snapshot_read(struct snapshot *s)
{
	if (!card_list_read(&s->cards, true))
		return false;
	s->errors = calloc(s->cards.count + 1, sizeof(*s->errors));
	s->errors_known = calloc(s->cards.count + 1, sizeof(*s->errors_known));
	if (!s->errors || !s->errors_known) {
		fprintf(stderr, "gaon: no memory for the metrics\n");
		return false;
	}
	for (size_t i = 0; i < s->cards.count; i++)
		s->errors_known[i] = exporter_errors_read(&s->cards.cards[i], &s->errors[i]);
	return !s->processes || client_list_read(&s->clients);
}

static void snapshot_free(struct snapshot *s)
{
	card_list_free(&s->cards);
	client_list_free(&s->clients);
	free(s->errors);
	free(s->errors_known);
}

bool exporter_collect(struct metrics *m, bool open, bool processes)
{
	struct snapshot s = { .processes = processes };
	double began = cmd_now();
	bool good;

	*m = (struct metrics){ .open = open };
	good = snapshot_read(&s);
	if (good) {
		emit_identity(m, &s);
		emit_states(m, &s);
		emit_figures(m, &s);
		emit_errors(m, &s);
		good = exporter_ports(m, &s.cards);
		emit_processes(m, &s);
		emit_self(m, &s, cmd_now() - began);
		metrics_end(m);
	}
	snapshot_free(&s);
	if (good && m->failed)
		fprintf(stderr, "gaon: no memory for the metrics\n");
	if (good && !m->failed)
		return true;
	free(m->text);
	*m = (struct metrics){ 0 };
	return false;
}
