// SPDX-License-Identifier: MIT
#include "drm.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hw/gaon_pte.h>

#include "../log.h"

#define DRIVER_NAME	"gaon"
#define DRIVER_MAJOR	1
#define DRIVER_MINOR	0	/* the first that has everything used here */

void drm_lose(struct drm *ws, const char *why)
{
	if (!atomic_exchange(&ws->lost, true))
		log_error("%s lost: %s", ws->ws.name, why);
}

int drm_call(struct drm *ws, unsigned long request, void *arg)
{
	int err = drm_sys.ioctl(ws->fd, request, arg);

	if (err == -ENODEV || err == -EIO) {
		drm_lose(ws, err == -ENODEV ? "the device or its driver was removed" :
			 "its driver gave it up, dmesg says why");
		return -ENODEV;
	}
	return err;
}

/* A driver that knows less than @bytes leaves the rest 0. */
int drm_query(struct drm *ws, uint32_t type, void *out, uint32_t bytes)
{
	struct drm_gaon_dev_query query = {
		.type = type, .size = bytes, .pointer = (uintptr_t)out,
	};

	return drm_sys.ioctl(ws->fd, DRM_IOCTL_GAON_DEV_QUERY, &query);
}

/* --- properties ------------------------------------------------------------------------------ */

static const struct gaon_identify *drm_identify(struct gaon_winsys *winsys)
{
	return &((struct drm *)winsys)->identify;
}

static int query_memory(struct drm *ws, struct drm_gaon_query_memory *hbm,
			struct drm_gaon_query_memory *host)
{
	struct drm_gaon_query_memory list[8];
	unsigned int i;
	int err;

	memset(list, 0, sizeof(list));
	*hbm = *host = (struct drm_gaon_query_memory){ 0 };
	err = drm_query(ws, DRM_GAON_QUERY_MEMORY, list, sizeof(list));
	for (i = 0; i < sizeof(list) / sizeof(list[0]) && !err; i++) {
		if (!list[i].total || list[i].instance)
			continue;
		if (list[i].mem_class == DRM_GAON_MEMORY_HBM)
			*hbm = list[i];
		else if (list[i].mem_class == DRM_GAON_MEMORY_HOST)
			*host = list[i];
	}
	return err;
}

static void identify_device(struct gaon_identify *id, const struct drm_gaon_query_device *d)
{
	id->hw_revision = d->hw_revision;
	id->numerics = d->numerics;
	id->clock_khz = d->clock_khz;
	id->contexts = d->contexts;
	id->queues = d->queues;
	id->slots = d->slots;
	id->preempt_ms = d->preempt_ms;
	id->save_bytes = d->save_bytes;
	if (d->flags & DRM_GAON_DEVICE_MODELLED_TIME)
		id->features |= GAON_FEATURE_MODELLED_TIME;
	if (d->flags & DRM_GAON_DEVICE_PREEMPT_INSIDE)
		id->features |= GAON_FEATURE_PREEMPT_INSIDE;
	if (d->flags & DRM_GAON_DEVICE_LINKS)
		id->features |= GAON_FEATURE_LINKS;
	if (d->flags & DRM_GAON_DEVICE_INJECT)
		id->features |= GAON_FEATURE_INJECT;
	if (d->flags & DRM_GAON_DEVICE_GEMM_MEMORY)
		id->features |= GAON_FEATURE_GEMM_MEMORY;
	if (d->flags & DRM_GAON_DEVICE_DEBUG)
		id->features |= GAON_FEATURE_DEBUG;
	memcpy(id->serial, d->serial, sizeof(id->serial));
	memcpy(id->name, d->name, sizeof(id->name));
	id->name[sizeof(id->name) - 1] = '\0';
}

static void identify_topology(struct gaon_identify *id, const struct drm_gaon_query_topology *t)
{
	id->cores = t->cores;
	id->vlen = t->vlen;
	id->dlen = t->dlen;
	id->vector_pipes = t->vector_pipes;
	id->matrix_arrays = t->matrix_arrays;
	id->matrix_dim = t->matrix_dim;
	id->dma_channels = t->dma_channels;
	id->copy_engines = t->copy_engines;
	id->spm_bytes = t->spm_bytes;
	id->links = t->links;
	id->link_mbps = t->link_mbps;
}

static int identify_make(struct drm *ws)
{
	struct drm_gaon_query_memory hbm, host;
	struct drm_gaon_query_topology topology = { 0 };
	struct drm_gaon_query_firmware fw = { 0 };
	struct gaon_identify *id = &ws->identify;
	int err;

	err = drm_query(ws, DRM_GAON_QUERY_DEVICE, &ws->limits, sizeof(ws->limits));
	if (!err)
		err = drm_query(ws, DRM_GAON_QUERY_TOPOLOGY, &topology, sizeof(topology));
	if (!err)
		err = drm_query(ws, DRM_GAON_QUERY_FIRMWARE, &fw, sizeof(fw));
	if (!err)
		err = query_memory(ws, &hbm, &host);
	if (err)
		return err;
	id->size = sizeof(*id);
	identify_device(id, &ws->limits);
	/* Those that the process owns can be debugged, no others. */
	if (ws->kernel_queues)
		id->features &= ~GAON_FEATURE_DEBUG;
	identify_topology(id, &topology);
	id->abi_min = fw.abi_min;
	id->abi_max = (uint16_t)fw.abi;
	id->fw_version = fw.version;
	memcpy(id->fw_build, fw.build, sizeof(id->fw_build));
	id->fw_build[sizeof(id->fw_build) - 1] = '\0';
	id->hbm_bytes = hbm.total;
	id->aperture_bytes = hbm.cpu_visible;
	id->hbm_mbps = hbm.mbps;
	id->hbm_channels = hbm.channels;
	id->host_mbps = host.mbps;
	return 0;
}

/* What a driver says that computes with it here must be possible. */
static bool identify_sane(const struct drm *ws)
{
	const struct drm_gaon_query_device *d = &ws->limits;

	return d->va_min < d->va_max && d->va_max <= GAON_VA_USER_MAX &&
	       d->va_max - d->va_min > 1ull << 33 && d->page_size == GAON_PAGE_SIZE && ws->identify.cores &&
	       ws->identify.spm_bytes && ws->identify.clock_khz;
}

#define TELEMETRY_COPY(field)	out->field = t.field
#define TELEMETRY_COPY_ALL(field)						\
	do {									\
		_Static_assert(sizeof(out->field) == sizeof(t.field), #field);	\
		memcpy(out->field, t.field, sizeof(out->field));		\
	} while (0)

static int drm_telemetry(struct gaon_winsys *winsys, struct gaon_telemetry *out)
{
	struct drm_gaon_query_telemetry t = { 0 };
	int err = drm_query((struct drm *)winsys, DRM_GAON_QUERY_TELEMETRY, &t, sizeof(t));

	memset(out, 0, sizeof(*out));
	out->size = sizeof(*out);
	TELEMETRY_COPY(clock_khz);
	TELEMETRY_COPY(cycle);
	TELEMETRY_COPY_ALL(core_busy);
	TELEMETRY_COPY_ALL(matrix_busy);
	TELEMETRY_COPY_ALL(dma_busy);
	TELEMETRY_COPY_ALL(copy_busy);
	TELEMETRY_COPY(hbm_read);
	TELEMETRY_COPY(hbm_write);
	TELEMETRY_COPY(host_read);
	TELEMETRY_COPY(host_write);
	TELEMETRY_COPY(packets);
	TELEMETRY_COPY(launches);
	TELEMETRY_COPY(workgroups);
	TELEMETRY_COPY(instructions);
	TELEMETRY_COPY(doorbells);
	TELEMETRY_COPY(doorbells_dropped);
	TELEMETRY_COPY(faults);
	TELEMETRY_COPY(preemptions);
	TELEMETRY_COPY(resets);
	TELEMETRY_COPY(tlb_misses);
	out->tlbi = t.tlb_invalidations;
	TELEMETRY_COPY(energy_uj);
	TELEMETRY_COPY(power_mw);
	TELEMETRY_COPY(temp_mc);
	TELEMETRY_COPY(hbm_ce);
	TELEMETRY_COPY(hbm_ue);
	TELEMETRY_COPY(spm_ce);
	TELEMETRY_COPY(spm_ue);
	TELEMETRY_COPY(link_ce);
	TELEMETRY_COPY(link_ue);
	TELEMETRY_COPY(lost_events);
	TELEMETRY_COPY(retired_pages);
	TELEMETRY_COPY(power_cap_mw);
	TELEMETRY_COPY(clock_limit_khz);
	TELEMETRY_COPY(throttle);
	TELEMETRY_COPY(throttled_power);
	TELEMETRY_COPY(throttled_heat);
	TELEMETRY_COPY(throttled_power_cycles);
	TELEMETRY_COPY(throttled_heat_cycles);
	return err;
}

int drm_mem_info(struct gaon_winsys *winsys, uint64_t *free_bytes, uint64_t *total_bytes)
{
	struct drm_gaon_query_memory hbm, host;
	int err = query_memory((struct drm *)winsys, &hbm, &host);

	*total_bytes = hbm.total;
	*free_bytes = hbm.used < hbm.total ? hbm.total - hbm.used : 0;
	return err;
}

static int drm_correlate(struct gaon_winsys *winsys, uint64_t *cycle, uint64_t *host_ns)
{
	struct drm_gaon_query_time t = { .clock = CLOCK_MONOTONIC };
	int err = drm_query((struct drm *)winsys, DRM_GAON_QUERY_TIME, &t, sizeof(t));

	*cycle = t.cycle;
	*host_ns = t.cpu_ns + t.cpu_delta_ns / 2;
	return err;
}

/* --- opening --------------------------------------------------------------------------------- */

static void drm_close(struct gaon_winsys *winsys)
{
	struct drm *ws = (struct drm *)winsys;

	drm_sys.close(ws->fd);
	pthread_mutex_destroy(&ws->share_lock);
	free(ws);
}

static const struct gaon_winsys_ops drm_ops = {
	.name = "drm",
	.debug = &drm_debug_ops,
	.close = drm_close,
	.identify = drm_identify,
	.telemetry = drm_telemetry,
	.board = drm_board,
	.mem_info = drm_mem_info,
	.correlate = drm_correlate,
	.context_create = drm_context_create,
	.context_destroy = drm_context_destroy,
	.context_blame = drm_context_blame,
	.context_id = drm_context_id,
	.context_print_ring = drm_context_print_ring,
	.bo_create = drm_bo_create,
	.bo_create_at = drm_bo_create_at,
	.bo_info = drm_bo_info,
	.bo_protect = drm_bo_protect,
	.bo_name = drm_bo_name,
	.bo_flush = drm_bo_flush,
	.bo_export = drm_bo_export,
	.bo_import = drm_bo_import,
	.bo_destroy = drm_bo_destroy,
	.queue_create = drm_queue_create,
	.queue_info = drm_queue_info,
	.queue_doorbell = drm_queue_doorbell,
	.queue_launch = drm_queue_launch,
	.queue_fault = drm_queue_fault,
	.queue_clear = drm_queue_clear,
	.queue_destroy = drm_queue_destroy,
	.sem_create = drm_sem_create,
	.sem_import = drm_sem_import,
	.sem_export = drm_sem_export,
	.sem_query = drm_sem_query,
	.sem_signal = drm_sem_signal,
	.sem_wait = drm_sem_wait,
	.sem_destroy = drm_sem_destroy,
	.wait = drm_wait,
};

/* Another driver's node answers too: look before the first call of our own. */
static int driver_check(struct drm *ws, struct gaon_ws_why *why)
{
	char name[32] = "";
	struct drm_version version = { .name = name, .name_len = sizeof(name) - 1 };
	int err = drm_sys.ioctl(ws->fd, DRM_IOCTL_VERSION, &version);

	if (err) {
		drm_why_query(&ws->card, err, why);
		return err;
	}
	name[version.name_len < sizeof(name) ? version.name_len : sizeof(name) - 1] = '\0';
	if (!strcmp(name, DRIVER_NAME) && version.version_major == DRIVER_MAJOR &&
	    version.version_minor >= DRIVER_MINOR)
		return 0;
	drm_why_driver(&ws->card, name, version.version_major, version.version_minor, why);
	return -ENODEV;
}

static int drm_start(struct drm *ws, struct gaon_ws_why *why)
{
	int err = driver_check(ws, why);

	if (err)
		return err;
	err = identify_make(ws);
	if (!err && !identify_sane(ws))
		err = -EPROTO;
	if (err)
		drm_why_query(&ws->card, err, why);
	return err;
}

static int drm_open_card(const struct gaon_ws_card *card, bool kernel_queues,
			 struct gaon_winsys **out, struct gaon_ws_why *why)
{
	struct drm *ws;
	char path[512];
	int err;

	if (!card->node[0]) {
		drm_why_no_node(card, why);
		return -ENODEV;
	}
	ws = calloc(1, sizeof(*ws));
	if (!ws) {
		why->status = GAON_ERROR_OUT_OF_MEMORY;
		snprintf(why->text, sizeof(why->text), "no memory for a device");
		return -ENOMEM;
	}
	drm_path(path, sizeof(path), "%s", card->node);
	ws->fd = drm_sys.open(path);
	if (ws->fd < 0) {
		err = ws->fd;
		free(ws);
		drm_why_open(card, err, why);
		return err;
	}
	pthread_mutex_init(&ws->share_lock, NULL);
	ws->card = *card;
	ws->ws.ops = &drm_ops;
	ws->ws.transport = "pci";
	ws->kernel_queues = kernel_queues;
	/* Each job of a kernel-owned queue ends with an event. */
	ws->ws.wake_flags = kernel_queues ? 0 : GAON_PKT_F_EVENT;
	snprintf(ws->ws.name, sizeof(ws->ws.name), "%s", card->name);
	snprintf(ws->ws.address, sizeof(ws->ws.address), "%s", card->address);
	err = drm_start(ws, why);
	if (err) {
		drm_close(&ws->ws);
		return err;
	}
	*out = &ws->ws;
	return 0;
}

static bool card_is(const struct gaon_ws_card *card, const char *name)
{
	return !strcmp(card->name, name) || !strcasecmp(card->address, name) ||
	       (card->serial[0] && !strcasecmp(card->serial, name));
}

int gaon_winsys_drm_open(const char *name, bool kernel_queues, struct gaon_winsys **out,
			 struct gaon_ws_why *why)
{
	struct gaon_ws_card *list;
	size_t count, i;
	int err;

	*why = (struct gaon_ws_why){ 0 };
	err = gaon_winsys_drm_list(&list, &count);
	if (err) {
		why->status = GAON_ERROR_OUT_OF_MEMORY;
		snprintf(why->text, sizeof(why->text), "no memory for the list of cards");
		return err;
	}
	for (i = 0; i < count && !card_is(&list[i], name); i++)
		;
	if (i < count) {
		err = drm_open_card(&list[i], kernel_queues, out, why);
	} else {
		drm_why_missing(name, why);
		err = -ENODEV;
	}
	free(list);
	return err;
}
