// SPDX-License-Identifier: MIT
/*
 * Waiting for points of streams.  A device behind a bus wakes a sleeper only when a packet asks for it,
 * and an interrupt for every packet would cost more than the packet: so who is about to sleep puts a
 * packet that asks behind the work it waits for.
 */
#include <errno.h>
#include <stdlib.h>

#include "error.h"
#include "fault.h"
#include "pin.h"
#include "print.h"
#include "stream.h"

#define WAIT_SPIN_NS	20000ull	/* what is done sooner is not worth an interrupt */

static enum gaon_status timeline_done(struct rt_device *dev, struct rt_timeline *t, uint64_t value)
{
	rt_pins_retire(dev);
	rt_print_drain(dev);
	if (atomic_load_explicit(&t->failed_count, memory_order_relaxed) &&
	    rt_timeline_failed(dev, t, value))
		return gaon_fail(GAON_ERROR_FAULT, "the work was dropped after a fault");
	return GAON_OK;
}

/* The stream of @t with its lock held, if it lives and nobody else has the lock; else NULL. */
static struct rt_stream *timeline_try_lock(struct rt_device *dev, struct rt_timeline *t)
{
	struct rt_stream *s;

	pthread_mutex_lock(&dev->fault_lock);
	s = t->stream;
	pthread_mutex_unlock(&dev->fault_lock);
	if (!s || pthread_mutex_trylock(&s->obj.lock))
		return NULL;
	/* Its memory outlives it: it may have become another stream. */
	if (s->timeline == t && s->queue && atomic_load(&s->obj.handle))
		return s;
	pthread_mutex_unlock(&s->obj.lock);
	return NULL;
}

/*
 * Behind everything that was put so far, a packet that wakes sleepers.  If there is no room or the
 * producer is at work the sleeper looks again by itself.
 */
static void timeline_ask_wake(struct rt_device *dev, struct rt_timeline *t)
{
	struct rt_stream *s = timeline_try_lock(dev, t);
	enum gaon_status status = GAON_OK;
	struct gaon_packet *packet;

	if (!s)
		return;
	if (s->write - s->read >= s->size)
		s->read = __atomic_load_n(&s->state->read, __ATOMIC_ACQUIRE);
	/* Never wait for room here. */
	if (s->write - s->read < s->size && !atomic_load(&t->faulted) &&
	    !rt_timeline_reached(t, atomic_load(&t->last))) {
		packet = rt_stream_packet(s, &status);
		if (packet) {
			packet->type = GAON_PKT_NOP;
			rt_stream_put(s, packet, RT_OP_WAKER);
			s->wakers++;
		}
	}
	pthread_mutex_unlock(&s->obj.lock);
}

/* As the winsys' wait(); *@asked: somebody will be woken. */
int rt_timeline_sleep(struct rt_device *dev, struct rt_timeline *t, uint64_t value,
		      uint64_t timeout_ns, bool *asked)
{
	uint64_t first = timeout_ns < WAIT_SPIN_NS ? timeout_ns : WAIT_SPIN_NS;
	int err;

	if (*asked || !dev->ws->wake_flags)
		return dev->ops->wait(dev->ctx, t->word->cpu, value, timeout_ns);
	err = dev->ops->wait(dev->ctx, t->word->cpu, value, first);
	if (err != -ETIME || first == timeout_ns)
		return err;
	timeline_ask_wake(dev, t);
	*asked = true;
	return dev->ops->wait(dev->ctx, t->word->cpu, value, timeout_ns - first);
}

enum gaon_status rt_timeline_wait(struct rt_device *dev, struct rt_timeline *t, uint64_t value,
				  uint64_t timeout_ns)
{
	uint64_t start = 0, spent = 0;
	bool asked = false;

	for (;;) {
		uint64_t slice = timeout_ns - spent < WAIT_SLICE_NS ? timeout_ns - spent : WAIT_SLICE_NS;
		int err;

		if (rt_timeline_reached(t, value))
			return timeline_done(dev, t, value);
		if (rt_fault_blocks(dev, t, value)) {
			rt_print_drain(dev);
			return rt_fault_fail(dev, t);
		}
		err = rt_timeline_sleep(dev, t, value, slice, &asked);
		if (!err)
			return timeline_done(dev, t, value);
		if (err == -EIO) {
			rt_fault_collect(dev);
			continue;
		}
		if (err == -ENODEV)
			return rt_lost(dev);
		if (atomic_load(&dev->closing))
			return gaon_fail(GAON_ERROR_CLOSED, "the device is being closed");
		if (!timeout_ns)
			return gaon_fail(GAON_ERROR_NOT_READY, "the work is not finished");
		if (timeout_ns == GAON_FOREVER)
			continue;
		if (!start)
			start = rt_now_ns() - slice;
		spent = rt_now_ns() - start;
		if (spent >= timeout_ns)
			return gaon_fail(GAON_ERROR_TIMEOUT, "not finished after %llu ns",
					 (unsigned long long)timeout_ns);
	}
}

/* Timelines of all live streams; they outlive the streams. The list is the caller's to free. */
static struct rt_dependency *device_points(struct rt_device *dev, uint32_t *count)
{
	struct rt_dependency *points;
	struct rt_stream *s;
	uint32_t n = 0;

	pthread_mutex_lock(&dev->children_lock);
	for (s = dev->streams; s; s = s->next)
		n++;
	points = malloc((n + 1) * sizeof(*points));
	*count = points ? n : 0;
	for (s = dev->streams, n = 0; points && s; s = s->next, n++)
		points[n] = (struct rt_dependency){ s->timeline, atomic_load(&s->timeline->last) };
	pthread_mutex_unlock(&dev->children_lock);
	return points;
}

enum gaon_status rt_device_drain(struct rt_device *dev, uint64_t timeout_ns)
{
	uint64_t start = rt_now_ns();
	enum gaon_status first = GAON_OK;
	struct rt_dependency *points;
	uint32_t i, count;

	points = device_points(dev, &count);
	if (!points)
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory to wait for the device");
	for (i = 0; i < count; i++) {
		uint64_t spent = rt_now_ns() - start;
		uint64_t left = timeout_ns == GAON_FOREVER ? timeout_ns :
				spent < timeout_ns ? timeout_ns - spent : 0;
		enum gaon_status status;

		if (rt_timeline_reached(points[i].timeline, points[i].value))
			continue;
		status = rt_timeline_wait(dev, points[i].timeline, points[i].value, left);
		if (status == GAON_ERROR_NOT_READY)
			status = gaon_fail(GAON_ERROR_TIMEOUT, "the device's streams are not finished");
		if (status && !first)
			first = status;
		if (status && status != GAON_ERROR_FAULT)
			break;
	}
	free(points);
	if (!first) {
		rt_pins_retire(dev);
		rt_print_drain(dev);
	}
	return first;
}
