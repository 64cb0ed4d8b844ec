// SPDX-License-Identifier: MIT
#include "pin.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "fault.h"

struct rt_limbo {
	struct rt_limbo *next;
	struct word *word;
	struct rt_timeline *timeline;
	uint64_t value;
};

/* Pinned host memory of the library's own instead of the caller's. */
static int pin_stand_in(struct rt_device *dev, struct rt_pin *pin, const void *ptr, uint64_t bytes)
{
	struct gaon_ws_bo_info info;
	int err = dev->ops->bo_create(dev->ctx, bytes, GAON_WS_HOST, GAON_WS_BO_CPU | GAON_WS_BO_OWN,
				      NULL, &pin->bo);

	if (err)
		return err;
	dev->ops->bo_info(pin->bo, &info);
	pin->user = (void *)(uintptr_t)ptr;
	pin->stand_in = info.cpu;
	pin->bytes = bytes;
	/* Also what the device writes in parts only. */
	memcpy(pin->stand_in, ptr, bytes);
	return 0;
}

struct rt_pin *rt_pin_make(struct rt_device *dev, const void *ptr, uint64_t bytes, bool writes,
			   enum gaon_status *status)
{
	struct rt_pin *pin = calloc(1, sizeof(*pin));
	struct gaon_ws_bo_info info;
	int err = -ENOMEM;

	if (pin) {
		pin->writes = writes;
		err = dev->ops->bo_create(dev->ctx, bytes, GAON_WS_USER,
					  GAON_WS_BO_OWN | (writes ? 0 : GAON_WS_BO_READONLY),
					  (void *)(uintptr_t)ptr, &pin->bo);
		if (err == -EOPNOTSUPP)
			err = pin_stand_in(dev, pin, ptr, bytes);
	}
	if (err) {
		free(pin);
		if (err == -EFAULT)
			*status = gaon_fail(GAON_ERROR_INVALID_ADDRESS,
					    "host memory %p, %llu bytes, is not mapped%s", ptr,
					    (unsigned long long)bytes, writes ? " for writing" : "");
		else if (err == -ENODEV)
			*status = rt_lost(dev);
		else
			*status = gaon_fail_errno(GAON_ERROR_OUT_OF_MEMORY, -err,
						  "cannot pin %llu bytes of host memory",
						  (unsigned long long)bytes);
		return NULL;
	}
	dev->ops->bo_info(pin->bo, &info);
	pin->va = info.va;
	if (!pin->stand_in)
		pin->va += (uint64_t)((const uint8_t *)ptr - (const uint8_t *)info.cpu);
	return pin;
}

/* The newest of those that stand in for part of the range and are written by the device. */
static bool pin_find(struct rt_device *dev, const uint8_t *ptr, uint64_t bytes,
		     struct rt_dependency *point)
{
	const struct rt_pin *pin;

	pthread_mutex_lock(&dev->pin_lock);
	for (pin = dev->pins; pin; pin = pin->next) {
		const uint8_t *user = pin->user;

		if (pin->stand_in && pin->writes && ptr < user + pin->bytes && user < ptr + bytes)
			break;
	}
	if (pin)
		*point = (struct rt_dependency){ pin->timeline, pin->value };
	pthread_mutex_unlock(&dev->pin_lock);
	return pin != NULL;
}

enum gaon_status rt_pins_settle(struct rt_stream *s, const void *ptr, uint64_t bytes)
{
	enum gaon_status status = GAON_OK;
	struct rt_dependency point;

	while (!status && atomic_load(&s->dev->pin_writes) && pin_find(s->dev, ptr, bytes, &point)) {
		status = rt_stream_wait_point(s, &point);
		/* What did not come will not: the memory is as it is. */
		if (status == GAON_ERROR_FAULT)
			return GAON_OK;
	}
	return status;
}

void rt_pin_drop(struct rt_device *dev, struct rt_pin *pin)
{
	dev->ops->bo_destroy(pin->bo);
	free(pin);
}

void rt_pin_arm(struct rt_device *dev, struct rt_pin *pin, struct rt_timeline *timeline,
		uint64_t value)
{
	pin->timeline = timeline;
	pin->value = value;
	pthread_mutex_lock(&dev->pin_lock);
	pin->next = dev->pins;
	dev->pins = pin;
	atomic_fetch_add(&dev->pin_count, 1);
	if (pin->writes)
		atomic_fetch_add(&dev->pin_writes, 1);
	pthread_mutex_unlock(&dev->pin_lock);
}

void rt_word_retire(struct rt_device *dev, struct word *word, struct rt_timeline *timeline,
		    uint64_t value)
{
	struct rt_limbo *limbo = malloc(sizeof(*limbo));

	if (!limbo)		/* the word is lost until the device closes */
		return;
	*limbo = (struct rt_limbo){ .word = word, .timeline = timeline, .value = value };
	pthread_mutex_lock(&dev->pin_lock);
	limbo->next = dev->limbo;
	dev->limbo = limbo;
	atomic_fetch_add(&dev->pin_count, 1);
	pthread_mutex_unlock(&dev->pin_lock);
}

static void limbo_retire(struct rt_device *dev, bool all)
{
	struct rt_limbo **link = &dev->limbo;

	while (*link) {
		struct rt_limbo *limbo = *link;

		if (!all && !rt_timeline_reached(limbo->timeline, limbo->value)) {
			link = &limbo->next;
			continue;
		}
		*link = limbo->next;
		atomic_fetch_sub(&dev->pin_count, 1);
		words_put(dev, limbo->word);
		free(limbo);
	}
}

void rt_pins_retire_slow(struct rt_device *dev, bool all)
{
	struct rt_pin **link, *done = NULL;

	/*
	 * Unmapped under the lock: a thread that finds the list empty may tell its caller that the
	 * memory is free, so it must be.
	 */
	pthread_mutex_lock(&dev->fault_lock);
	pthread_mutex_lock(&dev->pin_lock);
	limbo_retire(dev, all);
	link = &dev->pins;
	while (*link) {
		struct rt_pin *pin = *link;

		if (!all && !rt_timeline_reached(pin->timeline, pin->value)) {
			link = &pin->next;
			continue;
		}
		*link = pin->next;
		pin->next = done;
		done = pin;
	}
	while (done) {
		struct rt_pin *pin = done;

		done = pin->next;
		if (pin->writes)
			atomic_fetch_sub(&dev->pin_writes, 1);
		/* After a fault, or at the end, the caller may have freed its memory. */
		if (pin->stand_in && pin->writes && !all &&
		    !rt_timeline_failed_locked(pin->timeline, pin->value))
			memcpy(pin->user, pin->stand_in, pin->bytes);
		rt_pin_drop(dev, pin);
		atomic_fetch_sub(&dev->pin_count, 1);
	}
	pthread_mutex_unlock(&dev->pin_lock);
	pthread_mutex_unlock(&dev->fault_lock);
}
