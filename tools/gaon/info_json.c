// SPDX-License-Identifier: MIT
/* gaon info --json; tools/gaon/schema/info.json. */
#include "info.h"

#include <stdio.h>
#include <string.h>

static void serial_text(const struct gaon_device_info *info, char text[33])
{
	for (int i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", info->serial[i]);
}

json_t *cmd_device_json(const struct gaon_device_info *info)
{
	char serial[33];

	serial_text(info, serial);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:I, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i,"
			 " s:i, s:i, s:i, s:i, s:b, s:b, s:s}",
			 "name", info->name, "product", info->product, "firmware", info->firmware,
			 "transport", info->transport, "serial", serial, "hbm_bytes",
			 (json_int_t)info->hbm_bytes, "spm_bytes", (json_int_t)info->spm_bytes, "cores",
			 info->cores, "vlen", info->vlen, "dlen", info->dlen, "vector_pipes",
			 info->vector_pipes, "matrix_arrays", info->matrix_arrays, "matrix_dim",
			 info->matrix_dim, "dma_channels", info->dma_channels, "copy_engines",
			 info->copy_engines, "clock_khz", info->clock_khz, "hbm_mbps", info->hbm_mbps,
			 "host_mbps", info->host_mbps, "numerics", info->numerics, "modelled_time",
			 info->modelled_time, "gemm_memory", info->gemm_memory, "address",
			 info->address);
}

static json_t *counters_json(const struct gaon_device_counters *c, uint64_t free_bytes)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I,"
			 " s:I, s:I, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
			 "hbm_free_bytes", (json_int_t)free_bytes, "cycle", (json_int_t)c->cycle,
			 "core_busy_cycles",
			 (json_int_t)c->core_busy, "matrix_busy_cycles", (json_int_t)c->matrix_busy,
			 "dma_busy_cycles", (json_int_t)c->dma_busy, "copy_busy_cycles",
			 (json_int_t)c->copy_busy, "hbm_read_bytes", (json_int_t)c->hbm_read,
			 "hbm_written_bytes", (json_int_t)c->hbm_written, "host_read_bytes",
			 (json_int_t)c->host_read, "host_written_bytes", (json_int_t)c->host_written,
			 "packets", (json_int_t)c->packets, "launches", (json_int_t)c->launches,
			 "workgroups", (json_int_t)c->workgroups, "instructions",
			 (json_int_t)c->instructions, "doorbells", (json_int_t)c->doorbells, "faults",
			 (json_int_t)c->faults, "preemptions", (json_int_t)c->preemptions, "energy_uj",
			 (json_int_t)c->energy_uj, "power_mw", c->power_mw, "temperature_mc",
			 c->temperature_mc, "errors_corrected", (json_int_t)c->errors_corrected,
			 "errors_uncorrected", (json_int_t)c->errors_uncorrected, "retired_pages",
			 (json_int_t)c->retired_pages, "throttled_power", (json_int_t)c->throttled_power,
			 "throttled_heat", (json_int_t)c->throttled_heat, "throttled_power_cycles",
			 (json_int_t)c->throttled_power_cycles, "throttled_heat_cycles",
			 (json_int_t)c->throttled_heat_cycles);
}

static json_t *link_json(const struct card_link *link)
{
	return json_pack("{s:o, s:o}", "mtps", cmd_json_number(link->mtps, link->mtps), "width",
			 cmd_json_number(link->width, link->width));
}

static json_t *sensor_json(const struct card *card, enum card_sensor sensor, int64_t divisor)
{
	return cmd_json_number(card->sensors.value[sensor] / divisor, card_sensor_known(card, sensor));
}

static json_t *card_json(const struct card *c)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "address", cmd_json_text(c->address), "node", cmd_json_text(c->node),
			 "serial", cmd_json_text(c->serial), "driver", cmd_json_text(c->driver),
			 "driver_version", cmd_json_text(c->driver_version),
			 "firmware", cmd_json_text(c->firmware),
			 "firmware_abi", cmd_json_number(c->fw_abi, c->fw_abi >= 0),
			 "state", cmd_json_text(c->state), "power_state", cmd_json_text(c->power),
			 "resets", cmd_json_number(c->resets, c->resets >= 0),
			 "numa_node", cmd_json_number(c->numa_node, c->numa_node >= 0),
			 "iommu_group", cmd_json_number(c->iommu_group, c->iommu_group >= 0),
			 "link", link_json(&c->link), "link_max", link_json(&c->link_max),
			 "hbm_total_bytes", cmd_json_number(c->hbm_total, c->hbm_total >= 0),
			 "hbm_used_bytes", cmd_json_number(c->hbm_used, c->hbm_used >= 0));
}

void info_throttles(uint32_t bits, const char *names[CARD_THROTTLES])
{
	static const struct {
		uint32_t bit;
		const char *name;
	} table[] = {
		{ GAON_THROTTLED_POWER, "power" },
		{ GAON_THROTTLED_HEAT, "heat" },
		{ GAON_THROTTLED_CRITICAL, "critical" },
		{ GAON_THROTTLED_LIMIT, "limit" },
	};
	unsigned int count = 0;

	_Static_assert(sizeof(table) / sizeof(table[0]) + 1 == CARD_THROTTLES, "one for the end");
	for (size_t k = 0; k < sizeof(table) / sizeof(table[0]); k++)
		if (bits & table[k].bit)
			names[count++] = table[k].name;
	names[count] = NULL;
}

static json_t *throttles_json(const char *const *names)
{
	json_t *array = json_array();

	for (; *names; names++)
		json_array_append_new(array, json_string(*names));
	return array;
}

static json_t *card_throttles_json(const struct card *c)
{
	const char *names[CARD_THROTTLES];

	return card_throttles(c, names) ? throttles_json(names) : json_null();
}

static json_t *sensors_json(const struct card *c)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "source", "hwmon",
			 "temperature_mc", sensor_json(c, CARD_TEMP_MC, 1),
			 "temperature_max_mc", sensor_json(c, CARD_TEMP_MAX_MC, 1),
			 "temperature_crit_mc", sensor_json(c, CARD_TEMP_CRIT_MC, 1),
			 "temperature_emergency_mc", sensor_json(c, CARD_TEMP_EMERGENCY_MC, 1),
			 "power_mw", sensor_json(c, CARD_POWER_UW, 1000),
			 "power_cap_mw", sensor_json(c, CARD_POWER_CAP_UW, 1000),
			 "power_cap_min_mw", sensor_json(c, CARD_POWER_CAP_MIN_UW, 1000),
			 "power_cap_max_mw", sensor_json(c, CARD_POWER_CAP_MAX_UW, 1000),
			 "power_cap_default_mw", sensor_json(c, CARD_POWER_CAP_DEFAULT_UW, 1000),
			 "energy_uj", sensor_json(c, CARD_ENERGY_UJ, 1),
			 "clock_khz", sensor_json(c, CARD_CLOCK_HZ, 1000),
			 "clock_limit_khz",
			 cmd_json_number(c->sensors.value[CARD_CLOCK_LIMIT_MHZ] * 1000,
					 card_sensor_known(c, CARD_CLOCK_LIMIT_MHZ)),
			 "throttle", card_throttles_json(c));
}

/* Of the embedded device, which counts them itself. */
static json_t *model_sensors_json(const struct info *i)
{
	const char *names[CARD_THROTTLES];

	info_throttles(i->board.throttle, names);
	return json_pack("{s:s, s:i, s:n, s:n, s:n, s:i, s:i, s:n, s:n, s:n, s:I, s:i, s:i, s:o}", "source",
			 "device", "temperature_mc", i->board.temperature_mc, "temperature_max_mc",
			 "temperature_crit_mc", "temperature_emergency_mc", "power_mw", i->board.power_mw,
			 "power_cap_mw", i->board.power_cap_mw, "power_cap_min_mw", "power_cap_max_mw",
			 "power_cap_default_mw", "energy_uj", (json_int_t)i->counters.energy_uj, "clock_khz",
			 i->board.clock_khz, "clock_limit_khz", i->board.clock_limit_khz, "throttle",
			 throttles_json(names));
}

static json_t *errors_json(const struct info *i)
{
	bool known = i->opened || i->errors_known;
	struct card_errors e = i->errors;

	if (i->opened)
		e = (struct card_errors){ i->counters.errors_corrected, i->counters.errors_uncorrected,
					  i->counters.retired_pages };
	return json_pack("{s:o, s:o, s:o}", "corrected", cmd_json_number((int64_t)e.corrected, known),
			 "uncorrected", cmd_json_number((int64_t)e.uncorrected, known), "retired_pages",
			 cmd_json_number((int64_t)e.retired_pages, known));
}

static json_t *processes_json(const struct info *i, const struct client_list *clients)
{
	json_t *array = json_array();

	for (size_t k = 0; i->card && k < clients->count; k++) {
		const struct client *c = &clients->clients[k];

		if (!strcmp(c->address, i->card->address))
			json_array_append_new(array, json_pack("{s:i, s:o, s:o, s:I, s:I}", "pid", (int)c->pid,
							       "user", cmd_json_text(c->user), "command",
							       cmd_json_text(c->command), "hbm_bytes",
							       (json_int_t)c->hbm, "host_bytes",
							       (json_int_t)c->host));
	}
	return array;
}

json_t *info_json(const struct info *i, const struct client_list *clients)
{
	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "name", i->card ? i->card->name : i->device.name,
			 "card", i->card ? card_json(i->card) : json_null(),
			 "sensors", i->card ? sensors_json(i->card) : model_sensors_json(i),
			 "errors", errors_json(i), "processes", processes_json(i, clients),
			 "device", i->opened ? cmd_device_json(&i->device) : json_null(),
			 "counters", i->opened ? counters_json(&i->counters, i->free_bytes) : json_null(),
			 "not_opened", i->opened ? json_null() : cmd_json_text(i->text));
}
