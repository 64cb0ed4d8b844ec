// SPDX-License-Identifier: MIT
#include "device.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card.h"
#include "debug.h"
#include "error.h"
#include "event.h"
#include "fault.h"
#include "graph.h"
#include "log.h"
#include "memory.h"
#include "module.h"
#include "pin.h"
#include "print.h"
#include "semaphore.h"

enum gaon_status rt_lost(struct rt_device *dev)
{
	(void)dev;
	return gaon_fail_hint(GAON_ERROR_DEVICE_LOST, "close the device and open it again",
			      "the device does not answer any more");
}

/* --- entering and leaving -------------------------------------------------------------------- */

void *rt_enter(enum obj_type type, const void *handle, enum gaon_status *status)
{
	struct obj *obj = obj_find(type, handle, status);
	struct rt_device *dev;

	if (!obj)
		return NULL;
	dev = type == OBJ_DEVICE ? (struct rt_device *)obj : atomic_load(&obj->dev);
	if (!dev) {
		*status = gaon_fail(GAON_ERROR_CLOSED, "the object is being made or destroyed");
		return NULL;
	}
	/* Either whoever closes sees us inside, or we see the handle dead. */
	atomic_fetch_add(&dev->obj.active, 1);
	if (atomic_load(&obj->handle) != (uintptr_t)handle) {
		atomic_fetch_sub(&dev->obj.active, 1);
		if (obj_find(type, handle, status))
			*status = gaon_fail(GAON_ERROR_CLOSED, "the object was destroyed");
		return NULL;
	}
	gaon_error_set_device(dev->ws->name);
	return obj;
}

void *rt_enter_blocking(enum obj_type type, const void *handle, enum gaon_status *status)
{
	if (rt_in_callback()) {
		*status = gaon_fail_hint(GAON_ERROR_WRONG_THREAD,
					 "let the callback wake a thread of the program",
					 "a host callback must not wait for the device");
		return NULL;
	}
	return rt_enter(type, handle, status);
}

void rt_leave(struct rt_device *dev)
{
	gaon_error_set_device(NULL);
	atomic_fetch_sub(&dev->obj.active, 1);
}

bool rt_put(struct obj *obj)
{
	uint32_t refs = atomic_load(&obj->refs);

	while (refs && !atomic_compare_exchange_weak(&obj->refs, &refs, refs - 1))
		;
	return refs == 1;
}

enum gaon_status rt_retain(enum obj_type type, const void *handle)
{
	enum gaon_status status = GAON_OK;
	struct obj *obj = rt_enter(type, handle, &status);

	if (!obj)
		return status;
	atomic_fetch_add(&obj->refs, 1);
	rt_leave(type == OBJ_DEVICE ? (struct rt_device *)obj : atomic_load(&obj->dev));
	return GAON_OK;
}

void rt_adopt(struct rt_device *dev, struct obj *obj)
{
	pthread_mutex_lock(&dev->children_lock);
	obj->prev = NULL;
	obj->next = dev->children;
	if (dev->children)
		dev->children->prev = obj;
	dev->children = obj;
	pthread_mutex_unlock(&dev->children_lock);
	atomic_store(&obj->dev, dev);
}

void rt_disown(struct rt_device *dev, struct obj *obj)
{
	pthread_mutex_lock(&dev->children_lock);
	if (obj->prev)
		obj->prev->next = obj->next;
	else if (dev->children == obj)
		dev->children = obj->next;
	if (obj->next)
		obj->next->prev = obj->prev;
	obj->prev = obj->next = NULL;
	pthread_mutex_unlock(&dev->children_lock);
}

/* --- opening --------------------------------------------------------------------------------- */

static void device_destroy_context(struct rt_device *dev)
{
	if (rt_debugger)
		rt_debugger->device_closed(dev->ctx);
	dev->ops->context_destroy(dev->ctx);
}

static enum gaon_status device_start(struct rt_device *dev, struct rt_card *card)
{
	enum gaon_status status;
	int err;

	dev->card = card;
	dev->ws = card->ws;
	dev->ops = card->ws->ops;
	dev->identify = dev->ops->identify(dev->ws);
	err = dev->ops->context_create(dev->ws, &dev->ctx);
	if (err) {
		struct gaon_ws_why why = { 0 };

		dev->ops->context_blame(dev->ws, err, &why);
		return rt_card_fail(&why);
	}
	dev->context = dev->ops->context_id(dev->ctx);
	if (rt_debugger)
		rt_debugger->device_opened(dev->ws, dev->ctx);
	pthread_mutex_init(&dev->children_lock, NULL);
	pthread_mutex_init(&dev->fault_lock, NULL);
	pthread_mutex_init(&dev->pin_lock, NULL);
	pthread_mutex_init(&dev->sync_lock, NULL);
	addrmap_init(&dev->map);
	words_init(&dev->words);
	pool_init(&dev->pool);
	status = rt_print_start(dev);
	if (status) {
		device_destroy_context(dev);
		addrmap_fini(&dev->map);
	}
	return status;
}

static enum gaon_status device_open_card(struct rt_card *card, struct gaon_device **out)
{
	struct rt_device *dev = obj_alloc(OBJ_DEVICE, sizeof(*dev));
	void *handle;
	enum gaon_status status;

	if (!dev) {
		rt_card_put(card);
		return GAON_ERROR_OUT_OF_MEMORY;
	}
	handle = obj_handle(&dev->obj);
	status = device_start(dev, card);
	if (status) {
		obj_free(&dev->obj, false);
		rt_card_put(card);
		return status;
	}
	*out = handle;
	return GAON_OK;
}

enum gaon_status rt_device_open_winsys(struct gaon_winsys *ws, struct gaon_device **out)
{
	struct rt_card *card = rt_card_make(ws);

	return card ? device_open_card(card, out) : GAON_ERROR_OUT_OF_MEMORY;
}

GAON_API enum gaon_status gaon_device_open_with(const char *name,
						const struct gaon_device_config *config,
						struct gaon_device **out)
{
	struct gaon_device_config c = { .size = sizeof(c) };
	enum gaon_status status = GAON_OK;
	struct rt_card *card = NULL;

	if (!out)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the place for the result is NULL");
	if (config)
		status = gaon_struct_read(&c, sizeof(c), config, sizeof(size_t), "gaon_device_config");
	if (!status && (unsigned int)c.queues > GAON_QUEUES_KERNEL)
		status = gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "queues %d are unknown", (int)c.queues);
	if (!status)
		status = rt_card_get(name, &c, &card);
	return status ? status : device_open_card(card, out);
}

GAON_API enum gaon_status gaon_device_open(const char *name, struct gaon_device **out)
{
	return gaon_device_open_with(name, NULL, out);
}

GAON_API enum gaon_status gaon_device_retain(struct gaon_device *device)
{
	return rt_retain(OBJ_DEVICE, device);
}

/* --- closing --------------------------------------------------------------------------------- */

/* Takes things down in the order in which the device may still use them. */
static void device_take_down(struct rt_device *dev, enum obj_type type)
{
	struct obj *obj = dev->children;

	while (obj) {
		struct obj *next = obj->next;

		if (obj->type == type) {
			rt_disown(dev, obj);
			switch (type) {
			case OBJ_STREAM:
				rt_stream_unmake((struct rt_stream *)obj, 0);
				break;
			case OBJ_GRAPH:
				rt_graph_unmake((struct rt_graph *)obj);
				break;
			case OBJ_EVENT:
				rt_event_unmake((struct rt_event *)obj);
				break;
			case OBJ_MODULE:
				rt_module_unmake((struct rt_module *)obj);
				break;
			case OBJ_MEM:
				rt_mem_unmake((struct rt_mem *)obj);
				break;
			case OBJ_SEMAPHORE:
				rt_semaphore_unmake((struct rt_semaphore *)obj);
				break;
			default:
				break;
			}
			obj_free(obj, true);
			/* A module takes its kernels along: start again. */
			next = dev->children;
		}
		obj = next;
	}
}

static void device_invalidate(struct rt_device *dev)
{
	struct obj *obj;

	atomic_store(&dev->closing, true);
	pthread_mutex_lock(&dev->children_lock);
	for (obj = dev->children; obj; obj = obj->next) {
		obj->with_device = true;
		atomic_store(&obj->handle, 0);
	}
	pthread_mutex_unlock(&dev->children_lock);
	atomic_store(&dev->obj.handle, 0);
}

/* Everyone inside sees closing at the next slice. */
static void device_wait_left(struct rt_device *dev)
{
	struct timespec nap = { .tv_nsec = 50000 };

	while (atomic_load(&dev->obj.active))
		nanosleep(&nap, NULL);
}

static void device_close_last(struct rt_device *dev)
{
	static const enum obj_type order[] = {
		OBJ_STREAM, OBJ_GRAPH, OBJ_EVENT, OBJ_MODULE, OBJ_MEM, OBJ_SEMAPHORE,
	};
	size_t i;

	device_invalidate(dev);
	device_wait_left(dev);
	/* Objects that calls under way made meanwhile. */
	device_invalidate(dev);
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		device_take_down(dev, order[i]);
		if (order[i] == OBJ_STREAM)
			rt_pins_retire_slow(dev, true);
	}
	rt_pins_retire_slow(dev, true);
	rt_print_stop(dev);
	pool_fini(dev);
	words_fini(dev);
	device_destroy_context(dev);
	addrmap_fini(&dev->map);
	pthread_mutex_destroy(&dev->children_lock);
	pthread_mutex_destroy(&dev->fault_lock);
	pthread_mutex_destroy(&dev->pin_lock);
	pthread_mutex_destroy(&dev->sync_lock);
	rt_card_put(dev->card);
}

GAON_API enum gaon_status gaon_device_close(struct gaon_device *device)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev = rt_enter_blocking(OBJ_DEVICE, device, &status);
	bool last;

	if (!dev)
		return status;
	last = rt_put(&dev->obj);
	rt_leave(dev);
	if (!last)
		return GAON_OK;
	device_close_last(dev);
	obj_free(&dev->obj, false);
	return GAON_OK;
}

/* --- properties ------------------------------------------------------------------------------ */

GAON_API enum gaon_status gaon_device_get_info(struct gaon_device *device,
					       struct gaon_device_info *info)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev = rt_enter(OBJ_DEVICE, device, &status);
	struct gaon_device_info full;

	if (!dev)
		return status;
	rt_card_info(dev->ws, &full);
	status = gaon_struct_write(info, &full, sizeof(full), "gaon_device_info");
	rt_leave(dev);
	return status;
}

static uint64_t sum8(const uint64_t *v)
{
	return v[0] + v[1] + v[2] + v[3] + v[4] + v[5] + v[6] + v[7];
}

GAON_API enum gaon_status gaon_device_get_counters(struct gaon_device *device,
						   struct gaon_device_counters *counters)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev = rt_enter(OBJ_DEVICE, device, &status);
	struct gaon_device_counters full = { .size = sizeof(full) };
	struct gaon_telemetry t;

	if (!dev)
		return status;
	if (dev->ops->telemetry(dev->ws, &t) ||
	    dev->ops->correlate(dev->ws, &full.cycle, &full.host_ns)) {
		status = rt_lost(dev);
		rt_leave(dev);
		return status;
	}
	full.core_busy = sum8(t.core_busy);
	full.matrix_busy = sum8(t.matrix_busy);
	full.dma_busy = sum8(t.dma_busy);
	full.copy_busy = t.copy_busy[0] + t.copy_busy[1] + t.copy_busy[2] + t.copy_busy[3];
	full.hbm_read = t.hbm_read;
	full.hbm_written = t.hbm_write;
	full.host_read = t.host_read;
	full.host_written = t.host_write;
	full.packets = t.packets;
	full.launches = t.launches;
	full.workgroups = t.workgroups;
	full.instructions = t.instructions;
	full.doorbells = t.doorbells;
	full.faults = t.faults;
	full.preemptions = t.preemptions;
	full.tlb_misses = t.tlb_misses;
	full.energy_uj = t.energy_uj;
	full.power_mw = t.power_mw;
	full.temperature_mc = t.temp_mc;
	full.errors_corrected = t.hbm_ce + t.spm_ce + t.link_ce;
	full.errors_uncorrected = t.hbm_ue + t.spm_ue + t.link_ue;
	full.retired_pages = t.retired_pages;
	full.throttled_power = t.throttled_power;
	full.throttled_heat = t.throttled_heat;
	full.throttled_power_cycles = t.throttled_power_cycles;
	full.throttled_heat_cycles = t.throttled_heat_cycles;
	status = gaon_struct_write(counters, &full, sizeof(full), "gaon_device_counters");
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_device_get_board(struct gaon_device *device,
						struct gaon_device_board *board)
{
	struct gaon_device_board full = { .size = sizeof(full), .numa_node = -1 };
	enum gaon_status status = GAON_OK;
	struct rt_device *dev = rt_enter(OBJ_DEVICE, device, &status);
	struct gaon_telemetry t;

	if (!dev)
		return status;
	if (dev->ops->telemetry(dev->ws, &t)) {
		status = rt_lost(dev);
		rt_leave(dev);
		return status;
	}
	full.clock_khz = t.clock_khz;
	full.power_mw = t.power_mw;
	full.temperature_mc = t.temp_mc;
	full.power_cap_mw = t.power_cap_mw;
	full.clock_limit_khz = t.clock_limit_khz;
	full.throttle = t.throttle;
	if (dev->ops->board)
		dev->ops->board(dev->ws, &full);
	status = gaon_struct_write(board, &full, sizeof(full), "gaon_device_board");
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_device_get_memory(struct gaon_device *device, uint64_t *free_bytes,
						 uint64_t *total_bytes)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev = rt_enter(OBJ_DEVICE, device, &status);
	uint64_t free_now = 0, total = 0;

	if (!dev)
		return status;
	if (dev->ops->mem_info(dev->ws, &free_now, &total))
		status = rt_lost(dev);
	if (!status && free_bytes)
		*free_bytes = free_now;
	if (!status && total_bytes)
		*total_bytes = total;
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_device_wait(struct gaon_device *device, uint64_t timeout_ns)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev = rt_enter_blocking(OBJ_DEVICE, device, &status);

	if (!dev)
		return status;
	status = rt_device_drain(dev, timeout_ns);
	rt_leave(dev);
	return status;
}
