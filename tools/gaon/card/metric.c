// SPDX-License-Identifier: MIT
/* See metric.h. */
#include "metric.h"

#include <string.h>

static const struct card *card_of(const struct metric_of *of)
{
	return &of->now->cards.cards[of->index];
}

static bool from_sensor(const struct metric_of *of, enum card_sensor sensor, double unit, double *out)
{
	const struct card *card = card_of(of);

	/* Divided: 82850 / 1e3 is the nearest to 82.85, a product with 1e-3 is not. */
	*out = (double)card->sensors.value[sensor] / unit;
	return card_sensor_known(card, sensor);
}

#define METRIC_SENSOR(name, sensor, unit)						\
	static bool name(const struct metric_of *of, double *out)			\
	{										\
		return from_sensor(of, sensor, unit, out);				\
	}

METRIC_SENSOR(temperature, CARD_TEMP_MC, 1e3)
METRIC_SENSOR(temperature_max, CARD_TEMP_MAX_MC, 1e3)
METRIC_SENSOR(power, CARD_POWER_UW, 1e6)
METRIC_SENSOR(power_cap, CARD_POWER_CAP_UW, 1e6)
METRIC_SENSOR(energy, CARD_ENERGY_UJ, 1e6)
METRIC_SENSOR(clock_rate, CARD_CLOCK_HZ, 1e6)

static bool known(double value, bool is_known, double *out)
{
	*out = value;
	return is_known;
}

static bool hbm_used(const struct metric_of *of, double *out)
{
	return known((double)card_of(of)->hbm_used, card_of(of)->hbm_used >= 0, out);
}

static bool hbm_total(const struct metric_of *of, double *out)
{
	return known((double)card_of(of)->hbm_total, card_of(of)->hbm_total >= 0, out);
}

static bool resets(const struct metric_of *of, double *out)
{
	return known((double)card_of(of)->resets, card_of(of)->resets >= 0, out);
}

static bool link_speed(const struct metric_of *of, double *out)
{
	return known(card_of(of)->link.mtps / 1e3, card_of(of)->link.mtps, out);
}

static bool link_width(const struct metric_of *of, double *out)
{
	return known(card_of(of)->link.width, card_of(of)->link.width, out);
}

static bool use_of(const struct metric_of *of, bool copy, double *out)
{
	struct client_use use;

	if (!of->before || !sample_use(of->now, of->before, card_of(of), &use))
		return false;
	*out = 100 * (copy ? use.copy : use.core);
	return true;
}

static bool core_use(const struct metric_of *of, double *out)
{
	return use_of(of, false, out);
}

static bool copy_use(const struct metric_of *of, double *out)
{
	return use_of(of, true, out);
}

static bool processes(const struct metric_of *of, double *out)
{
	const struct client_list *clients = &of->now->clients;
	pid_t last = -1;

	*out = 0;
	for (size_t i = 0; i < clients->count; i++) {
		const struct client *client = &clients->clients[i];

		/* A process's files follow each other. */
		if (strcmp(client->address, card_of(of)->address) || client->pid == last)
			continue;
		last = client->pid;
		*out += 1;
	}
	return of->now->what & SAMPLE_CLIENTS;
}

static bool from_errors(const struct metric_of *of, size_t offset, double *out)
{
	const struct sample_errors *e = of->now->errors ? &of->now->errors[of->index] : NULL;
	uint64_t count;

	if (!e || !e->known)
		return false;
	memcpy(&count, (const char *)&e->errors + offset, sizeof(count));
	*out = (double)count;
	return true;
}

static bool corrected(const struct metric_of *of, double *out)
{
	return from_errors(of, offsetof(struct card_errors, corrected), out);
}

static bool uncorrected(const struct metric_of *of, double *out)
{
	return from_errors(of, offsetof(struct card_errors, uncorrected), out);
}

static bool retired(const struct metric_of *of, double *out)
{
	return from_errors(of, offsetof(struct card_errors, retired_pages), out);
}

static const char *state(const struct metric_of *of)
{
	return card_of(of)->state;
}

static const char *power_state(const struct metric_of *of)
{
	return card_of(of)->power;
}

const struct metric metric_table[] = {
	{ .name = "state", .help = "ready, degraded, resetting, asleep, wedged, off",
	  .text = state },
	{ .name = "core_use_percent", .help = "part of all cores that processes had since the row before",
	  .what = SAMPLE_CLIENTS, .rate = true, .digits = 1, .number = core_use },
	{ .name = "copy_use_percent", .help = "the same of all copy engines",
	  .what = SAMPLE_CLIENTS, .rate = true, .digits = 1, .number = copy_use },
	{ .name = "hbm_used_bytes", .help = "memory of the card that is allocated",
	  .number = hbm_used },
	{ .name = "temperature_c", .help = "of the chip, degrees Celsius",
	  .what = SAMPLE_SENSORS, .digits = 1, .number = temperature },
	{ .name = "power_w", .help = "mean since somebody asked before",
	  .what = SAMPLE_SENSORS, .digits = 2, .number = power },
	{ .name = "clock_mhz", .help = "of the cores",
	  .what = SAMPLE_SENSORS, .number = clock_rate },
	{ .name = "processes", .help = "that have the card open",
	  .what = SAMPLE_CLIENTS, .number = processes },
	{ .name = "energy_j", .help = "since the last reset",
	  .what = SAMPLE_SENSORS, .digits = 6, .number = energy },
	{ .name = "power_cap_w", .help = "what the card keeps below",
	  .what = SAMPLE_SENSORS, .digits = 2, .number = power_cap },
	{ .name = "temperature_max_c", .help = "from which the card slows down",
	  .what = SAMPLE_SENSORS, .digits = 1, .number = temperature_max },
	{ .name = "hbm_total_bytes", .help = "memory of the card", .number = hbm_total },
	{ .name = "resets", .help = "of the whole card since the driver was bound",
	  .number = resets },
	{ .name = "link_gtps", .help = "10^9 transfers per second of a lane of the PCI link",
	  .digits = 1, .number = link_speed },
	{ .name = "link_width", .help = "lanes of the PCI link", .number = link_width },
	{ .name = "power_state", .help = "active, suspended: the kernel's word",
	  .text = power_state },
	{ .name = "errors_corrected", .help = "of memories and links; root only",
	  .what = SAMPLE_ERRORS, .number = corrected },
	{ .name = "errors_uncorrected", .help = "of memories and links; root only",
	  .what = SAMPLE_ERRORS, .number = uncorrected },
	{ .name = "retired_pages", .help = "of HBM, out of use for good; root only",
	  .what = SAMPLE_ERRORS, .number = retired },
	{ 0 },
};

const struct metric *metric_find(const char *name)
{
	for (const struct metric *m = metric_table; m->name; m++) {
		if (!strcmp(m->name, name))
			return m;
	}
	return NULL;
}
