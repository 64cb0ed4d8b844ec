// SPDX-License-Identifier: MIT
/* Readings of a card's hwmon directory, what is set beside it, and its error counters. */
#include "card.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tree.h"

static const struct {
	const char *file;		/* with a directory: below the device's own */
	int64_t min, max;		/* what lies outside is no reading */
} files[CARD_SENSORS] = {
	[CARD_TEMP_MC] = { "temp1_input", -273150, 1000000 },
	[CARD_TEMP_MAX_MC] = { "temp1_max", -273150, 1000000 },
	[CARD_TEMP_CRIT_MC] = { "temp1_crit", -273150, 1000000 },
	[CARD_TEMP_EMERGENCY_MC] = { "temp1_emergency", -273150, 1000000 },
	[CARD_TEMP_MAX_ALARM] = { "temp1_max_alarm", 0, 1 },
	[CARD_TEMP_CRIT_ALARM] = { "temp1_crit_alarm", 0, 1 },
	[CARD_POWER_UW] = { "power1_average", 0, 100000000000 },
	[CARD_POWER_CAP_UW] = { "power1_cap", 0, 100000000000 },
	[CARD_POWER_CAP_MIN_UW] = { "power1_cap_min", 0, 100000000000 },
	[CARD_POWER_CAP_MAX_UW] = { "power1_cap_max", 0, 100000000000 },
	[CARD_POWER_CAP_DEFAULT_UW] = { "power1_cap_default", 0, 100000000000 },
	[CARD_POWER_CAP_ALARM] = { "power1_cap_alarm", 0, 1 },
	[CARD_ENERGY_UJ] = { "energy1_input", 0, INT64_MAX },
	[CARD_CLOCK_HZ] = { "freq1_input", 0, 100000000000 },
	[CARD_CLOCK_LIMIT_MHZ] = { "freq/set_max_freq", 1, 1000000 },
	[CARD_CLOCK_MIN_MHZ] = { "freq/hw_min_freq", 1, 1000000 },
	[CARD_CLOCK_MAX_MHZ] = { "freq/hw_max_freq", 1, 1000000 },
};

bool card_hwmon(const struct card *card, char *out, size_t size)
{
	char **names;
	size_t count = tree_list(&names, "/sys/bus/pci/devices/%s/hwmon", card->address), i;
	bool found = false;

	for (i = 0; i < count && !found; i++) {
		found = !strncmp(names[i], "hwmon", 5) && strlen(names[i]) < size;
		if (found)
			snprintf(out, size, "%s", names[i]);
	}
	free(names);
	return found;
}

void card_sensors_read(struct card *card)
{
	char hwmon[32], directory[48] = "";
	bool found = card_hwmon(card, hwmon, sizeof(hwmon));

	card->sensors.known = 0;
	if (found)
		snprintf(directory, sizeof(directory), "hwmon/%s/", hwmon);
	for (unsigned int i = 0; i < CARD_SENSORS; i++) {
		bool beside = strchr(files[i].file, '/');

		if ((found || beside) &&
		    tree_read_number(&card->sensors.value[i], files[i].min, files[i].max,
				     "/sys/bus/pci/devices/%s/%s%s", card->address, beside ? "" : directory,
				     files[i].file))
			card->sensors.known |= 1u << i;
	}
}

bool card_throttles(const struct card *card, const char *names[CARD_THROTTLES])
{
	static const struct {
		enum card_sensor sensor;
		const char *name;
	} alarms[] = {
		{ CARD_POWER_CAP_ALARM, "power" },
		{ CARD_TEMP_MAX_ALARM, "heat" },
		{ CARD_TEMP_CRIT_ALARM, "critical" },
	};
	unsigned int count = 0;

	names[0] = NULL;
	for (size_t i = 0; i < sizeof(alarms) / sizeof(alarms[0]); i++) {
		if (!card_sensor_known(card, alarms[i].sensor))
			return false;
		if (card->sensors.value[alarms[i].sensor])
			names[count++] = alarms[i].name;
	}
	if (card_sensor_known(card, CARD_CLOCK_LIMIT_MHZ) && card_sensor_known(card, CARD_CLOCK_MAX_MHZ) &&
	    card->sensors.value[CARD_CLOCK_LIMIT_MHZ] < card->sensors.value[CARD_CLOCK_MAX_MHZ])
		names[count++] = "limit";
	names[count] = NULL;
	return true;
}

static uint64_t count_retired(const char *text)
{
	uint64_t lines = 0;

	for (; (text = strstr(text, "0x")); text++) {
		lines++;
		text += strcspn(text, "\n");
		if (!*text)
			break;
	}
	return lines;
}

/* "counter             corrected uncorrected", then a line for each. */
bool card_errors_read(const struct card *card, struct card_errors *out)
{
	static char text[65536];	/* the tools have one thread */
	uint64_t corrected, uncorrected;
	char name[32], *line;

	*out = (struct card_errors){ 0 };
	if (tree_read_all(text, sizeof(text), "/sys/kernel/debug/accel/%s/errors", card->address) <= 0)
		return false;
	for (line = strchr(text, '\n'); line; line = strchr(line + 1, '\n')) {
		if (sscanf(line + 1, "%31s %" SCNu64 " %" SCNu64, name, &corrected, &uncorrected) != 3)
			continue;
		out->corrected += corrected;
		out->uncorrected += uncorrected;
	}
	if (tree_read_all(text, sizeof(text), "/sys/kernel/debug/accel/%s/retired", card->address) > 0)
		out->retired_pages = count_retired(text);
	return true;
}
