/* SPDX-License-Identifier: MIT */
/*
 * Handles.  What programs hold is no pointer: it names a slot and a generation, so that a stale, double
 * freed or foreign handle is found out.  The objects behind lie in memory that is never returned, so
 * that a thread that lost a race with a destroy reads a dead object, never foreign memory; every user
 * checks the handle again under the object's or its device's protection.
 */
#ifndef GAON_RUNTIME_OBJ_H
#define GAON_RUNTIME_OBJ_H

#include <pthread.h>
#include <stdatomic.h>

#include <gaon/gaon.h>

enum obj_type {
	OBJ_NONE,
	OBJ_DEVICE,
	OBJ_MEM,
	OBJ_STREAM,
	OBJ_EVENT,
	OBJ_MODULE,
	OBJ_KERNEL,
	OBJ_GRAPH,
	OBJ_SEMAPHORE,
	OBJ_TYPES,
};

struct rt_device;

/* First member of every object. */
struct obj {
	_Atomic uint64_t handle;	/* 0 while the slot is free */
	_Atomic uint32_t refs;
	_Atomic uint32_t active;	/* devices: calls under way; survives the object, see rt_enter() */
	uint32_t epoch;			/* of the process that made it, see obj_epoch() */
	uint32_t index;
	_Atomic uint32_t generation;
	uint8_t type;
	_Atomic bool with_device;	/* died because its device was closed */
	/* Outlives the object: who locks it late finds the handle dead. */
	pthread_mutex_t lock;
	struct obj *next_free;
	/* Owner and its list of children; the device's own lock guards the links. */
	struct rt_device *_Atomic dev;
	struct obj *prev, *next;
};

/*
 * A zeroed object of @size bytes (the same for every object of @type) with one reference, NULL if
 * out of memory.
 */
void *obj_alloc(enum obj_type type, size_t size);
/* The handle dies; the memory stays. @with_device: only for a better error text later. */
void obj_free(struct obj *obj, bool with_device);

/* The live object behind a handle, or NULL with the thread's error set to the reason. */
void *obj_find(enum obj_type type, const void *handle, enum gaon_status *status);

static inline bool obj_alive(struct obj *obj, const void *handle)
{
	return atomic_load_explicit(&obj->handle, memory_order_acquire) == (uintptr_t)handle;
}

static inline void *obj_handle(struct obj *obj)
{
	return (void *)(uintptr_t)atomic_load_explicit(&obj->handle, memory_order_relaxed);
}

/* Number of forks that lie between the first process and this one. */
uint32_t obj_epoch(void);

#endif
