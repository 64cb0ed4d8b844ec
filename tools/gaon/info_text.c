// SPDX-License-Identifier: MIT
/* gaon info: one screen per device. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "info.h"

static void print_link(const char *what, const struct card_link *link)
{
	if (link->mtps && link->width)
		printf("%s%.1f GT/s x%u", what, link->mtps / 1e3, link->width);
	else
		printf("%snot known", what);
}

static void print_card(const struct card *c)
{
	printf("  serial       %s\n", c->serial[0] ? c->serial : "not known");
	printf("  reached by   PCI %s%s%s", c->address, c->node[0] ? ", " : ", no node", c->node);
	if (c->numa_node >= 0)
		printf("; NUMA node %" PRId64, c->numa_node);
	if (c->iommu_group >= 0)
		printf("; IOMMU group %" PRId64, c->iommu_group);
	print_link("\n  link         ", &c->link);
	print_link(", at most ", &c->link_max);
	printf("\n  driver       %s%s%s%s%s", c->driver[0] ? c->driver : "none",
	       c->driver_version[0] ? " " : "", c->driver_version, c->state[0] ? ", " : "", c->state);
	if (c->resets >= 0)
		printf(", %" PRId64 " resets", c->resets);
	if (!strcmp(c->power, "suspended"))
		printf("; the card sleeps");
	printf("\n  firmware     %s", c->firmware[0] ? c->firmware : "not known");
	if (c->fw_abi >= 0)
		printf(", admin ABI %" PRId64, c->fw_abi);
	printf("\n");
}

static void print_serial(const struct gaon_device_info *d)
{
	printf("  serial       ");
	for (int k = 0; k < 16; k++)
		printf("%02x", d->serial[k]);
	printf("\n  reached by   %s\n  firmware     %s, admin ABI %u\n", d->transport, d->firmware, d->abi);
}

static void print_memory(const struct info *i)
{
	const struct card *c = i->card;
	char total[32], used[32];

	printf("  memory       ");
	if (c && c->hbm_total >= 0)
		printf("%s HBM", cmd_bytes((uint64_t)c->hbm_total, total, sizeof(total)));
	else if (i->opened)
		printf("%s HBM", cmd_bytes(i->device.hbm_bytes, total, sizeof(total)));
	else
		printf("not known");
	if (c && c->hbm_used >= 0)
		printf(", %s in use", cmd_bytes((uint64_t)c->hbm_used, used, sizeof(used)));
	else if (i->opened)
		printf(", %s free", cmd_bytes(i->free_bytes, used, sizeof(used)));
	if (i->opened)
		printf(", %.0f GB/s; %.0f GB/s to the host", i->device.hbm_mbps / 1e3, i->device.host_mbps / 1e3);
	printf("\n");
}

static void print_cores(const struct gaon_device_info *d)
{
	char spm[32];

	printf("  cores        %u at %.3f GHz, VLEN %u, DLEN %u, %u vector pipes, %s scratchpad each\n", d->cores,
	       d->clock_khz / 1e6, d->vlen, d->dlen, d->vector_pipes,
	       cmd_bytes(d->spm_bytes, spm, sizeof(spm)));
	printf("  per core     %u matrix arrays of %u x %u, %u DMA channels; %u copy engines, numerics profile %u\n",
	       d->matrix_arrays, d->matrix_dim, d->matrix_dim, d->dma_channels, d->copy_engines, d->numerics);
}

static void print_sensor(const struct card *c, enum card_sensor sensor, const char *format, double divisor)
{
	if (card_sensor_known(c, sensor))
		printf(format, (double)c->sensors.value[sensor] / divisor);
}

/* Only if it is. */
static void print_throttles(const char *const *names)
{
	if (!*names)
		return;
	printf("  slowed down  by %s", *names++);
	for (; *names; names++)
		printf(", %s", *names);
	printf("\n");
}

static void print_sensors(const struct card *c)
{
	const char *names[CARD_THROTTLES];

	printf("  now         ");
	if (!c->sensors.known)
		printf(" no sensors%s", !strcmp(c->power, "suspended") ? ": the card sleeps" : "");
	print_sensor(c, CARD_CLOCK_HZ, " %.3f GHz", 1e9);
	print_sensor(c, CARD_POWER_UW, ", %.1f W", 1e6);
	print_sensor(c, CARD_POWER_CAP_UW, " of at most %.0f W", 1e6);
	print_sensor(c, CARD_TEMP_MC, ", %.1f C", 1e3);
	print_sensor(c, CARD_TEMP_MAX_MC, " (slower from %.0f C", 1e3);
	print_sensor(c, CARD_TEMP_EMERGENCY_MC, card_sensor_known(c, CARD_TEMP_MAX_MC) ? ", off at %.0f C)" :
		     " (off at %.0f C)", 1e3);
	if (card_sensor_known(c, CARD_TEMP_MAX_MC) && !card_sensor_known(c, CARD_TEMP_EMERGENCY_MC))
		printf(")");
	printf("\n");
	print_sensor(c, CARD_CLOCK_LIMIT_MHZ, "  clock limit  %.3f GHz", 1e3);
	print_sensor(c, CARD_CLOCK_MIN_MHZ, " (%.3f", 1e3);
	if (card_sensor_known(c, CARD_CLOCK_MIN_MHZ))
		print_sensor(c, CARD_CLOCK_MAX_MHZ, " to %.3f)", 1e3);
	if (card_sensor_known(c, CARD_CLOCK_LIMIT_MHZ))
		printf("\n");
	if (card_throttles(c, names))
		print_throttles(names);
}

/* Of the embedded device. */
static void print_board(const struct info *i)
{
	const char *names[CARD_THROTTLES];

	printf("  now          %.3f GHz, %.1f W", i->board.clock_khz / 1e6, i->board.power_mw / 1e3);
	if (i->board.power_cap_mw)
		printf(" of at most %.0f W", i->board.power_cap_mw / 1e3);
	printf(", %.1f C%s\n", i->board.temperature_mc / 1e3, i->device.modelled_time ? " (modelled)" : "");
	info_throttles(i->board.throttle, names);
	print_throttles(names);
}

static void print_errors(const struct info *i)
{
	struct card_errors e = i->errors;

	if (i->opened)
		e = (struct card_errors){ i->counters.errors_corrected, i->counters.errors_uncorrected,
					  i->counters.retired_pages };
	if (i->opened || i->errors_known)
		printf("  errors       %" PRIu64 " corrected, %" PRIu64 " uncorrected, %" PRIu64 " pages retired\n",
		       e.corrected, e.uncorrected, e.retired_pages);
	else
		printf("  errors       not known: %s\n", i->text);
}

static void print_processes(const struct card *card, const struct client_list *clients)
{
	char hbm[32], host[32];
	bool any = false;

	printf("  processes    ");
	for (size_t k = 0; k < clients->count; k++) {
		const struct client *c = &clients->clients[k];

		if (strcmp(c->address, card->address))
			continue;
		printf("%s%d %s (%s): %s HBM, %s of the host", any ? "\n               " : "", (int)c->pid,
		       c->command, c->user, cmd_bytes(c->hbm, hbm, sizeof(hbm)),
		       cmd_bytes(c->host, host, sizeof(host)));
		any = true;
	}
	if (!any)
		printf("none");
	printf("%s\n", clients->complete ? "" : any ? "\n               (other users': only root sees them)" :
	       " of yours; other users' only root sees");
}

void info_print(const struct info *i, const struct client_list *clients)
{
	if (i->opened)
		printf("%s: %s, %s\n", i->card ? i->card->name : i->device.name, i->device.product,
		       i->device.modelled_time ? "time is modelled, not measured" : "real time");
	else
		printf("%s: Gaon, not opened: %s\n", i->card->name, i->text);
	if (i->card)
		print_card(i->card);
	else
		print_serial(&i->device);
	print_memory(i);
	if (i->opened)
		print_cores(&i->device);
	if (i->card)
		print_sensors(i->card);
	else
		print_board(i);
	print_errors(i);
	if (i->opened)
		printf("  since reset  %.3f ms%s, %" PRIu64 " launches, %" PRIu64 " packets, %" PRIu64 " faults\n",
		       i->device.clock_khz ? (double)i->counters.cycle / i->device.clock_khz : 0,
		       i->device.modelled_time ? " modelled" : "", i->counters.launches, i->counters.packets,
		       i->counters.faults);
	if (i->card)
		print_processes(i->card, clients);
}
