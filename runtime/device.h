/* SPDX-License-Identifier: MIT */
/*
 * An opened device: one context on a card, and everything made from it.
 *
 * Every public call enters the device of its object first (rt_enter) and leaves it last: closing
 * makes all handles die, then waits until nobody is inside, then takes things down. Calls that wait
 * look every WAIT_SLICE_NS whether the device is being closed.
 *
 * Locks, outer to inner: stream's obj.lock, dev->print's lock, dev->fault_lock, dev->pin_lock,
 * dev->pool.lock,
 * dev->words.lock, dev->children_lock, dev->map.lock.
 */
#ifndef GAON_RUNTIME_DEVICE_H
#define GAON_RUNTIME_DEVICE_H

#include "addrmap.h"
#include "clock.h"
#include "obj.h"
#include "pool.h"
#include "winsys/winsys.h"
#include "words.h"

#define WAIT_SLICE_NS	20000000ull

struct rt_stream;
struct rt_pin;
struct rt_print;
struct rt_limbo;
struct rt_module;
struct rt_card;

struct rt_device {
	struct obj obj;
	_Atomic bool closing;
	struct rt_card *card;
	struct gaon_winsys *ws;
	const struct gaon_winsys_ops *ops;
	struct gaon_ws_context *ctx;
	const struct gaon_identify *identify;
	uint32_t context;

	pthread_mutex_t children_lock;
	struct obj *children;
	struct rt_module *modules;

	struct addrmap map;
	struct words words;
	struct pool pool;

	/* Streams' fault state; guards timelines' failed ranges. */
	pthread_mutex_t fault_lock;
	struct rt_stream *streams;	/* all, newest first; children_lock */
	_Atomic uint32_t faulted;	/* streams that stand still */
	uint32_t next_stream;
	_Atomic uint32_t next_kernel;

	/* Host memory pinned for single copies, until their stream has passed them. */
	pthread_mutex_t pin_lock;
	struct rt_pin *pins;
	_Atomic uint32_t pin_count, pin_writes;

	/* Blocking copies go through a stream of the library's own. */
	pthread_mutex_t sync_lock;
	struct rt_stream *sync;

	struct rt_print *print;
	struct rt_limbo *limbo;		/* words still to be written by the device; pin_lock */
};

/*
 * The object behind @handle, its device entered; NULL with *@status (and the thread's error) set.
 * A device object enters itself.
 */
void *rt_enter(enum obj_type type, const void *handle, enum gaon_status *status);
/* The same for a call that may block: refused on callback threads. */
void *rt_enter_blocking(enum obj_type type, const void *handle, enum gaon_status *status);
void rt_leave(struct rt_device *dev);

/* Hang @obj below its device, whose handles it shares the end of. */
void rt_adopt(struct rt_device *dev, struct obj *obj);
void rt_disown(struct rt_device *dev, struct obj *obj);

/* Drops one reference; true if it was the last, whose taker destroys. */
bool rt_put(struct obj *obj);
/* One more reference to what is behind @handle, for a public retain. */
enum gaon_status rt_retain(enum obj_type type, const void *handle);

enum gaon_status rt_lost(struct rt_device *dev);

/* Opens @ws, which the device owns from then on, also on failure. For tests with another winsys. */
enum gaon_status rt_device_open_winsys(struct gaon_winsys *ws, struct gaon_device **out);

#endif
