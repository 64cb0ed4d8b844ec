// SPDX-License-Identifier: MIT
/* gaon info: one screen about a device. */
#include <getopt.h>
#include <stdio.h>

#include "cmd.h"

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
			 " s:I, s:I, s:i, s:i, s:I, s:I, s:I}",
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
			 (json_int_t)c->retired_pages);
}

/* A fact that is not known is null. */
static json_t *known_text(const char *text)
{
	return text[0] ? json_string(text) : json_null();
}

static json_t *known_number(json_int_t number, bool known)
{
	return known ? json_integer(number) : json_null();
}

static json_t *board_json(const struct gaon_device_board *b, const struct gaon_device_info *i)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:s, s:i, s:i, s:i}",
			 "address", known_text(i->address), "driver", known_text(b->driver),
			 "driver_version", known_text(b->driver_version), "state", known_text(b->state),
			 "resets", known_number(b->resets, b->driver[0]), "numa_node",
			 known_number(b->numa_node, b->numa_node >= 0), "link_mtps",
			 known_number(b->link_mtps, b->link_mtps), "link_width",
			 known_number(b->link_width, b->link_width), "link_mtps_max",
			 known_number(b->link_mtps_max, b->link_mtps_max), "link_width_max",
			 known_number(b->link_width_max, b->link_width_max), "sensors",
			 b->sensors ? "hwmon" : "device", "clock_khz", b->clock_khz, "power_mw",
			 b->power_mw, "temperature_mc", b->temperature_mc);
}

static void print_link(const char *what, uint32_t mtps, uint32_t width)
{
	if (mtps && width)
		printf("%s%.1f GT/s x%u", what, mtps / 1e3, width);
	else
		printf("%snot known", what);
}

static void print_board(const struct gaon_device_board *b, const struct gaon_device_info *i)
{
	if (b->driver[0]) {
		printf("  driver       %s%s%s%s%s, %u resets\n", b->driver, b->driver_version[0] ? " " : "",
		       b->driver_version, b->state[0] ? ", " : "", b->state, b->resets);
		print_link("  link         ", b->link_mtps, b->link_width);
		print_link(", at most ", b->link_mtps_max, b->link_width_max);
		if (b->numa_node >= 0)
			printf("; NUMA node %d", b->numa_node);
		printf("\n");
	}
	printf("  now          %.3f GHz, %.1f W, %.1f C%s\n", b->clock_khz / 1e6, b->power_mw / 1e3,
	       b->temperature_mc / 1e3, i->modelled_time ? " (modelled)" : "");
}

static void print_info(const struct gaon_device_info *i, const struct gaon_device_counters *c,
		       const struct gaon_device_board *b, uint64_t free_bytes)
{
	char hbm[32], spm[32], unused[32], serial[33];

	serial_text(i, serial);
	printf("%s: %s, %s\n", i->name, i->product,
	       i->modelled_time ? "time is modelled, not measured" : "real time");
	printf("  serial       %s\n", serial);
	printf("  reached by   %s%s%s\n", i->transport, i->address[0] ? ", " : "", i->address);
	printf("  firmware     %s, admin ABI %u\n", i->firmware, i->abi);
	printf("  memory       %s HBM, %s free, %.0f GB/s; %.0f GB/s to the host\n",
	       cmd_bytes(i->hbm_bytes, hbm, sizeof(hbm)), cmd_bytes(free_bytes, unused, sizeof(unused)),
	       i->hbm_mbps / 1e3, i->host_mbps / 1e3);
	printf("  cores        %u at %.3f GHz, VLEN %u, DLEN %u, %u vector pipes, %s scratchpad each\n",
	       i->cores, i->clock_khz / 1e6, i->vlen, i->dlen, i->vector_pipes,
	       cmd_bytes(i->spm_bytes, spm, sizeof(spm)));
	printf("  per core     %u matrix arrays of %u x %u, %u DMA channels\n", i->matrix_arrays,
	       i->matrix_dim, i->matrix_dim, i->dma_channels);
	printf("  copy engines %u\n", i->copy_engines);
	printf("  numerics     profile %u\n", i->numerics);
	print_board(b, i);
	printf("  errors       %llu corrected, %llu uncorrected, %llu pages retired\n",
	       (unsigned long long)c->errors_corrected, (unsigned long long)c->errors_uncorrected,
	       (unsigned long long)c->retired_pages);
	printf("  since reset  %.3f ms modelled, %llu launches, %llu packets, %llu faults\n",
	       i->clock_khz ? (double)c->cycle / i->clock_khz : 0, (unsigned long long)c->launches,
	       (unsigned long long)c->packets, (unsigned long long)c->faults);
}

static int show_info(const struct cmd_common *common)
{
	struct gaon_device_info info = { .size = sizeof(info) };
	struct gaon_device_counters counters = { .size = sizeof(counters) };
	struct gaon_device_board board = { .size = sizeof(board) };
	uint64_t free_bytes, total;
	struct gaon_device *dev;
	int code = CMD_FAILED;

	if (!cmd_ok(gaon_device_open(common->device, &dev), "opening the device"))
		return CMD_FAILED;
	if (cmd_ok(gaon_device_get_info(dev, &info), "reading properties") &&
	    cmd_ok(gaon_device_get_counters(dev, &counters), "reading counters") &&
	    cmd_ok(gaon_device_get_board(dev, &board), "reading the board's state") &&
	    cmd_ok(gaon_device_get_memory(dev, &free_bytes, &total), "reading memory use")) {
		code = CMD_OK;
		if (common->json)
			code = cmd_print_json(json_pack("{s:o, s:o, s:o}", "device", cmd_device_json(&info),
							"board", board_json(&board, &info), "counters",
							counters_json(&counters, free_bytes)));
		else
			print_info(&info, &counters, &board, free_bytes);
	}
	gaon_device_close(dev);
	return code;
}

static int info_run(const struct cmd *cmd, int argc, char **argv)
{
	static const struct option longs[] = { CMD_COMMON_LONG, { NULL, 0, NULL, 0 } };
	struct cmd_common common = { 0 };
	int c, code;

	while ((c = getopt_long(argc, argv, CMD_COMMON_SHORT, longs, NULL)) != -1) {
		code = cmd_common_option(cmd, &common, c);
		if (code >= 0)
			return code;
	}
	if (optind < argc)
		return cmd_usage(cmd, true);
	return show_info(&common);
}

const struct cmd cmd_info = {
	.name = "info",
	.summary = "what a device is and how it is doing",
	.usage = "info [--device NAME] [--json]\n\n"
		 "Identity, driver, firmware, bus, memory, cores, sensors and counters of one device.\n",
	.run = info_run,
};
