// SPDX-License-Identifier: MIT
#include "event.h"

#include <stdlib.h>

#include "copy.h"
#include "error.h"
#include "fault.h"
#include "graph.h"
#include "pin.h"

struct event_point {
	struct rt_device *dev;
	struct rt_timeline *timeline;
	uint64_t value;
};

void rt_event_unmake(struct rt_event *e)
{
	if (!e->stamp)
		return;
	/* A late timestamp must not land in somebody else's word. */
	if (e->timeline && !rt_timeline_reached(e->timeline, e->value))
		rt_word_retire(e->dev, e->stamp, e->timeline, e->value);
	else
		words_put(e->dev, e->stamp);
	e->stamp = NULL;
}

GAON_API enum gaon_status gaon_event_create(struct gaon_device *device, uint32_t flags,
					    struct gaon_event **out)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev;
	struct rt_event *e;

	if (!out || (flags & ~GAON_EVENT_TIMED))
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "event flags %#x%s", flags,
				 out ? "" : ", no place for the result");
	dev = rt_enter(OBJ_DEVICE, device, &status);
	if (!dev)
		return status;
	e = obj_alloc(OBJ_EVENT, sizeof(*e));
	if (!e) {
		status = GAON_ERROR_OUT_OF_MEMORY;
		goto out;
	}
	e->dev = dev;
	if (flags & GAON_EVENT_TIMED) {
		e->stamp = words_take(dev);
		if (!e->stamp) {
			obj_free(&e->obj, false);
			status = GAON_ERROR_OUT_OF_MEMORY;
			goto out;
		}
	}
	rt_adopt(dev, &e->obj);
	*out = obj_handle(&e->obj);
out:
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_event_destroy(struct gaon_event *event)
{
	enum gaon_status status = GAON_OK;
	struct rt_event *e = rt_enter(OBJ_EVENT, event, &status);
	struct rt_device *dev;
	bool mine;

	if (!e)
		return status;
	dev = e->dev;
	pthread_mutex_lock(&e->obj.lock);
	mine = obj_alive(&e->obj, event);
	if (mine) {
		atomic_store(&e->obj.handle, 0);
		rt_event_unmake(e);
	}
	pthread_mutex_unlock(&e->obj.lock);
	if (mine) {
		rt_disown(dev, &e->obj);
		obj_free(&e->obj, false);
	}
	rt_leave(dev);
	return GAON_OK;
}

static struct rt_event *event_of(struct rt_stream *s, struct gaon_event *event, enum gaon_status *status)
{
	struct rt_event *e = obj_find(OBJ_EVENT, event, status);

	if (!e || atomic_load(&e->obj.dev) == s->dev)
		return e;
	*status = gaon_fail(GAON_ERROR_INVALID_ARGUMENT,
			    "the event and the stream belong to different devices");
	return NULL;
}

GAON_API enum gaon_status gaon_event_record(struct gaon_stream *stream, struct gaon_event *event)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = rt_stream_enter(stream, "an event record", &status);
	struct gaon_packet *packet;
	struct rt_event *e;

	if (!s)
		return status;
	e = event_of(s, event, &status);
	if (!e)
		goto out;
	pthread_mutex_lock(&e->obj.lock);
	if (!obj_alive(&e->obj, event)) {
		status = gaon_fail(GAON_ERROR_CLOSED, "the event was destroyed");
		goto unlock;
	}
	if (!e->stamp) {
		/* A point of the stream is a number: nothing to queue. */
		e->value = atomic_load(&s->timeline->last);
	} else {
		packet = rt_stream_packet(s, &status);
		if (!packet)
			goto unlock;
		packet->type = GAON_PKT_TIMESTAMP;
		packet->timestamp.va = e->stamp->va;
		e->value = rt_stream_put(s, packet, RT_OP_RECORD);
	}
	e->timeline = s->timeline;
	e->seen_ns = 0;
unlock:
	pthread_mutex_unlock(&e->obj.lock);
out:
	rt_stream_leave(s);
	return status;
}

/* obj.lock held. */
static enum gaon_status timestamp_put(struct rt_stream *s, uint64_t va)
{
	struct gaon_packet *packet, local = { .type = GAON_PKT_TIMESTAMP };
	struct copy_side side;
	enum gaon_status status;

	if (va % 8)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "a timestamp's address, %#llx, is no multiple of 8",
				 (unsigned long long)va);
	status = copy_side_device(s, va, 8, true, &side);
	if (status)
		return status;
	local.timestamp.va = side.va;
	if (s->recording)
		return rt_graph_put(s, &local);
	packet = rt_stream_packet(s, &status);
	if (!packet)
		return status;
	*packet = local;
	rt_stream_put(s, packet, RT_OP_TIMESTAMP);
	return GAON_OK;
}

GAON_API enum gaon_status gaon_stream_timestamp(struct gaon_stream *stream, uint64_t va)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = rt_stream_enter(stream, NULL, &status);

	if (!s)
		return status;
	status = timestamp_put(s, va);
	rt_stream_leave(s);
	return status;
}

/* Enters the event's device; the caller leaves it on success. */
static enum gaon_status event_point(struct rt_event *e, struct gaon_event *event,
				    struct event_point *point)
{
	pthread_mutex_lock(&e->obj.lock);
	*point = (struct event_point){ e->dev, e->timeline, e->value };
	pthread_mutex_unlock(&e->obj.lock);
	if (!obj_alive(&e->obj, event))
		return gaon_fail(GAON_ERROR_CLOSED, "the event was destroyed");
	if (!point->timeline)
		return gaon_fail_hint(GAON_ERROR_STATE, "call gaon_event_record() first",
				      "the event was never recorded");
	return GAON_OK;
}

static void event_seen(struct rt_event *e, const struct event_point *point)
{
	pthread_mutex_lock(&e->obj.lock);
	if (!e->seen_ns && e->timeline == point->timeline && e->value == point->value)
		e->seen_ns = rt_now_ns();
	pthread_mutex_unlock(&e->obj.lock);
}

static enum gaon_status event_wait(struct gaon_event *event, uint64_t timeout_ns, bool query)
{
	enum gaon_status status = GAON_OK;
	struct event_point point;
	struct rt_event *e;
	struct rt_device *dev;

	e = query ? rt_enter(OBJ_EVENT, event, &status) :
	    rt_enter_blocking(OBJ_EVENT, event, &status);
	if (!e)
		return status;
	dev = atomic_load(&e->obj.dev);
	status = event_point(e, event, &point);
	if (!status)
		status = rt_timeline_wait(dev, point.timeline, point.value, query ? 0 : timeout_ns);
	if (status == GAON_OK)
		event_seen(e, &point);
	else if (status == GAON_ERROR_NOT_READY && !query)
		status = gaon_fail(GAON_ERROR_TIMEOUT, "the event is not reached");
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_event_wait(struct gaon_event *event, uint64_t timeout_ns)
{
	return event_wait(event, timeout_ns, false);
}

GAON_API enum gaon_status gaon_event_query(struct gaon_event *event)
{
	return event_wait(event, 0, true);
}

/* Cycle and host time of a timed event that is reached. */
static enum gaon_status event_times(struct gaon_event *event, uint64_t *cycle, uint64_t *host_ns,
				    uint32_t *clock_khz, struct rt_device **owner)
{
	enum gaon_status status = event_wait(event, 0, true);
	struct rt_event *e;

	if (status)
		return status;
	e = rt_enter(OBJ_EVENT, event, &status);
	if (!e)
		return status;
	pthread_mutex_lock(&e->obj.lock);
	*owner = e->dev;
	*clock_khz = e->dev->identify->clock_khz;
	*host_ns = e->seen_ns;
	if (e->stamp)
		*cycle = __atomic_load_n(e->stamp->cpu, __ATOMIC_ACQUIRE);
	else
		status = gaon_fail_hint(GAON_ERROR_STATE, "create it with GAON_EVENT_TIMED",
					"the event takes no time");
	pthread_mutex_unlock(&e->obj.lock);
	rt_leave(*owner);
	return status;
}

GAON_API enum gaon_status gaon_event_elapsed(struct gaon_event *start, struct gaon_event *end,
					     int64_t *device_ns, int64_t *host_ns)
{
	uint64_t cycles[2], host[2];
	uint32_t khz[2];
	struct rt_device *owner[2];
	enum gaon_status status;
	int64_t delta;

	status = event_times(start, &cycles[0], &host[0], &khz[0], &owner[0]);
	if (!status)
		status = event_times(end, &cycles[1], &host[1], &khz[1], &owner[1]);
	if (status)
		return status;
	if (owner[0] != owner[1])
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the events belong to different devices");
	delta = (int64_t)(cycles[1] - cycles[0]);
	if (device_ns)
		*device_ns = khz[0] ? (int64_t)((__int128)delta * 1000000 / khz[0]) : 0;
	if (host_ns)
		*host_ns = (int64_t)(host[1] - host[0]);
	return GAON_OK;
}

/* Remembers that @s hangs on (@t, @value), without what is over. */
static enum gaon_status add_dependency(struct rt_stream *s, struct rt_timeline *t, uint64_t value)
{
	enum gaon_status status = GAON_OK;
	uint32_t i, n = 0;

	pthread_mutex_lock(&s->dev->fault_lock);
	for (i = 0; i < s->dep_count; i++) {
		if (!rt_timeline_reached(s->deps[i].timeline, s->deps[i].value))
			s->deps[n++] = s->deps[i];
	}
	s->dep_count = n;
	if (n == s->dep_room) {
		uint32_t room = n ? 2 * n : 8;
		struct rt_dependency *deps = realloc(s->deps, room * sizeof(*deps));

		if (deps) {
			s->deps = deps;
			s->dep_room = room;
		} else {
			status = gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for a stream wait");
		}
	}
	if (!status)
		s->deps[s->dep_count++] = (struct rt_dependency){ t, value };
	pthread_mutex_unlock(&s->dev->fault_lock);
	return status;
}

static enum gaon_status stream_wait_point(struct rt_stream *s, const struct event_point *point)
{
	enum gaon_status status;
	struct gaon_packet *packet;

	if (point->timeline == s->timeline || rt_timeline_reached(point->timeline, point->value))
		return GAON_OK;
	status = add_dependency(s, point->timeline, point->value);
	if (status)
		return status;
	packet = rt_stream_packet(s, &status);
	if (!packet)
		return status;
	packet->type = GAON_PKT_WAIT;
	packet->wait.va = point->timeline->word->va;
	packet->wait.operand = point->value;
	packet->wait.op = GAON_WAIT_GE;
	rt_stream_put(s, packet, RT_OP_WAIT);
	return GAON_OK;
}

GAON_API enum gaon_status gaon_stream_wait_event(struct gaon_stream *stream,
						 struct gaon_event *event)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = rt_stream_enter(stream, "a wait for an event", &status);
	struct event_point point;
	struct rt_event *e;

	if (!s)
		return status;
	e = event_of(s, event, &status);
	if (e)
		status = event_point(e, event, &point);
	if (!status)
		status = stream_wait_point(s, &point);
	rt_stream_leave(s);
	return status;
}
