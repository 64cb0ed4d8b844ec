// SPDX-License-Identifier: MIT
/* Waits, events, callbacks, semaphores. */
#include "replay.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

/* --- waits ------------------------------------------------------------------------------------ */

/* It must end as it ended for the program: in order, or by a fault. */
static enum replay_result waited(struct replay *r, enum gaon_status status)
{
	if (r->entry->status != GAON_ERROR_FAULT)
		return replay_status(r, status);
	if (status == GAON_ERROR_FAULT || r->entry->call->op == RECORD_SETTLE)
		return REPLAY_SAME;
	if (!status)
		return replay_differs(r, "GAON_ERROR_FAULT", "GAON_OK",
				      "the fault that the program met is not met");
	return replay_status(r, status);
}

#define LOOK_NS		50000000ull

/*
 * A stream that has faulted reaches no callback and raises no semaphore any more. @only: NULL: any of them.
 * SAME: none has, or the program met a fault, too, and knew what not to wait for.
 */
static enum replay_result streams_look(struct replay *r, const struct gaon_stream *only)
{
	for (size_t i = 0; i < r->object_room && !r->fault_expected; i++) {
		const struct replay_object *o = &r->objects[i];

		if (o->key && o->type == REPLAY_STREAM && (!only || o->handle == only) &&
		    gaon_stream_query(o->handle) == GAON_ERROR_FAULT)
			return replay_status(r, GAON_ERROR_FAULT);
	}
	return REPLAY_SAME;
}

static void time_after(struct timespec *time, uint64_t ns)
{
	ns += (uint64_t)time->tv_nsec;
	time->tv_sec += (time_t)(ns / 1000000000);
	time->tv_nsec = (long)(ns % 1000000000);
}

/* The device that the program's handle names; NULL: it names none. */
static struct gaon_device *device_of(struct replay *r, uint64_t key)
{
	for (size_t i = 0; i < r->object_room; i++)
		if (r->objects[i].key == key && r->objects[i].type == REPLAY_DEVICE)
			return r->objects[i].handle;
	return NULL;
}

/* Other threads may have given more while the program waited. */
static enum replay_result point_add(struct replay *r, const struct replay_object *stream,
				    uint64_t number)
{
	struct replay_point *p = calloc(1, sizeof(*p));
	enum gaon_status status;

	if (!p)
		return replay_fail(r, "there is no memory for it");
	p->number = number;
	for (const struct replay_callback *c = r->callbacks; c && !p->behind; c = c->next)
		p->behind = c->stream == stream->handle && !c->released ? c : NULL;
	status = gaon_event_create(stream->dev, 0, &p->event);
	if (!status)
		status = gaon_event_record(stream->handle, p->event);
	if (status) {
		/* A stream that is gone, being recorded, or faulted, has no point: the wait itself
		 * sees to it. */
		if (p->event)
			gaon_event_destroy(p->event);
		free(p);
		return REPLAY_SAME;
	}
	p->next = r->points;
	r->points = p;
	return REPLAY_SAME;
}

enum replay_result replay_wait_begin(struct replay *r, const struct record_call *call,
				     const uint8_t *data)
{
	const struct gaon_device *dev = device_of(r, call->object);
	enum replay_result result = REPLAY_SAME;

	(void)data;
	for (size_t i = 0; i < r->object_room && !result; i++) {
		const struct replay_object *o = &r->objects[i];

		if (o->key && o->type == REPLAY_STREAM &&
		    (o->key == call->object || (dev && o->dev == dev)))
			result = point_add(r, o, call->a);
	}
	return result;
}

/* All points of the wait; a fault, if there was one, counts. */
static enum gaon_status points_wait(struct replay *r, uint64_t number)
{
	struct replay_point **link = &r->points;
	enum gaon_status status = GAON_OK, one;

	while (*link) {
		struct replay_point *p = *link;

		if (p->number != number) {
			link = &p->next;
			continue;
		}
		/* A callback that is not over was given by another thread when the wait had begun.
		 */
		one = p->behind && !p->behind->released ? GAON_OK
							: gaon_event_wait(p->event, r->timeout_ns);
		/* Of a stream that was destroyed meanwhile nothing can be said. */
		if (one && one != GAON_ERROR_STATE && one != GAON_ERROR_CLOSED)
			status = one;
		gaon_event_destroy(p->event);
		*link = p->next;
		free(p);
	}
	return status;
}

enum replay_result replay_device_wait(struct replay *r, const struct record_call *call,
				      const uint8_t *data)
{
	struct replay_object *dev = replay_find(r, call->object, REPLAY_DEVICE);
	enum gaon_status status;

	(void)data;
	if (!dev)
		return REPLAY_FAILED;
	status = points_wait(r, call->a);
	/* What faulted before has no point. */
	if (!status && r->entry->status == GAON_ERROR_FAULT)
		status = gaon_device_wait(dev->handle, r->timeout_ns);
	return waited(r, status);
}

/* What the recorder waited for: a device or a stream. */
enum replay_result replay_settle(struct replay *r, const struct record_call *call,
				 const uint8_t *data)
{
	(void)data;
	return waited(r, points_wait(r, call->a));
}

enum replay_result replay_stream_wait(struct replay *r, const struct record_call *call,
				      const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	enum gaon_status status = GAON_OK;

	(void)data;
	if (!stream)
		return REPLAY_FAILED;
	if (call->a)
		status = points_wait(r, call->a);
	if (!status && (!call->a || r->entry->status == GAON_ERROR_FAULT))
		status = gaon_stream_wait(stream->handle, r->timeout_ns);
	return waited(r, status);
}

enum replay_result replay_event_wait(struct replay *r, const struct record_call *call,
				     const uint8_t *data)
{
	struct replay_object *event = replay_find(r, call->object, REPLAY_EVENT);

	(void)data;
	return event ? waited(r, gaon_event_wait(event->handle, r->timeout_ns)) : REPLAY_FAILED;
}

enum replay_result replay_stream_clear_fault(struct replay *r, const struct record_call *call,
					     const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);

	(void)data;
	return stream ? replay_status(r, gaon_stream_clear_fault(stream->handle)) : REPLAY_FAILED;
}

/* --- order within and between streams --------------------------------------------------------- */

enum replay_result replay_event_record(struct replay *r, const struct record_call *call,
				       const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	struct replay_object *event = stream ? replay_find(r, call->other, REPLAY_EVENT) : NULL;

	(void)data;
	return event ? replay_given(r, gaon_event_record(stream->handle, event->handle))
		     : REPLAY_FAILED;
}

enum replay_result replay_stream_wait_event(struct replay *r, const struct record_call *call,
					    const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	struct replay_object *event = stream ? replay_find(r, call->other, REPLAY_EVENT) : NULL;

	(void)data;
	return event ? replay_given(r, gaon_stream_wait_event(stream->handle, event->handle))
		     : REPLAY_FAILED;
}

enum replay_result replay_stream_timestamp(struct replay *r, const struct record_call *call,
					   const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	enum replay_result result;

	(void)data;
	if (!stream)
		return REPLAY_FAILED;
	result = replay_stamp_add(r, stream->dev, call->c);
	return result ? result : replay_given(r, gaon_stream_timestamp(stream->handle, call->c));
}

/* --- callbacks -------------------------------------------------------------------------------- */

/* On a thread of the library: its stream stands still until the file says that the program's
 * callback was over. */
static void callback_run(void *arg)
{
	struct replay_callback *c = arg;
	struct replay *r = c->replay;

	pthread_mutex_lock(&r->lock);
	c->entered = true;
	pthread_cond_broadcast(&r->changed);
	while (!c->released && !r->stopping)
		pthread_cond_wait(&r->changed, &r->lock);
	pthread_mutex_unlock(&r->lock);
}

enum replay_result replay_stream_callback(struct replay *r, const struct record_call *call,
					  const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	struct replay_callback *c = stream ? calloc(1, sizeof(*c)) : NULL;

	(void)data;
	if (!stream)
		return REPLAY_FAILED;
	if (!c)
		return replay_fail(r, "there is no memory for it");
	*c = (struct replay_callback){ .next = r->callbacks,
				       .replay = r,
				       .stream = stream->handle,
				       .dev = stream->dev,
				       .number = call->a };
	r->callbacks = c;
	r->held++;
	return replay_given(r, gaon_stream_callback(stream->handle, callback_run, c));
}

static struct replay_callback *callback_find(struct replay *r, uint64_t number)
{
	struct replay_callback *c;

	for (c = r->callbacks; c && c->number != number; c = c->next)
		;
	if (!c)
		replay_fail(r, "the file does not give callback %llu to a stream",
			    (unsigned long long)number);
	return c;
}

enum replay_result replay_callback_begin(struct replay *r, const struct record_call *call,
					 const uint8_t *data)
{
	struct replay_callback *c = callback_find(r, call->a);
	enum replay_result result = REPLAY_SAME;
	uint64_t left = r->timeout_ns, slice;
	struct timespec until;
	bool entered = false;

	(void)data;
	if (!c)
		return REPLAY_FAILED;
	for (; left && !entered && !result; left -= slice) {
		slice = left < LOOK_NS ? left : LOOK_NS;
		clock_gettime(CLOCK_REALTIME, &until);
		time_after(&until, slice);
		pthread_mutex_lock(&r->lock);
		while (!c->entered && !pthread_cond_timedwait(&r->changed, &r->lock, &until))
			;
		entered = c->entered;
		pthread_mutex_unlock(&r->lock);
		if (!entered)
			result = streams_look(r, c->stream);
	}
	if (entered || result)
		return result;
	replay_fail(r, "the callback is not reached");
	result = streams_look(r, NULL);
	return result ? result : REPLAY_TIMEOUT;
}

enum replay_result replay_callback_end(struct replay *r, const struct record_call *call,
				       const uint8_t *data)
{
	struct replay_callback *c = callback_find(r, call->a);

	(void)data;
	if (!c)
		return REPLAY_FAILED;
	pthread_mutex_lock(&r->lock);
	r->held -= !c->released;
	c->released = true;
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
	return r->held ? REPLAY_SAME : replay_catch_up(r);
}

bool replay_put_off(struct replay *r, const struct record_call *call)
{
	struct replay_late *late;

	if (!r->held || r->catching_up)
		return false;
	late = calloc(1, sizeof(*late));
	if (!late)
		return false;
	late->call = call;
	*r->late_end = late;
	r->late_end = &late->next;
	return true;
}

enum replay_result replay_catch_up(struct replay *r)
{
	enum replay_result result = REPLAY_SAME;

	r->catching_up = true;
	while (r->late) {
		struct replay_late *late = r->late;
		const struct record_call *call = late->call;

		r->late = late->next;
		if (!result)
			result = call->op == RECORD_MEM_FREE ? replay_mem_free(r, call, NULL)
				 : call->op == RECORD_MODULE_UNLOAD
					 ? replay_module_unload(r, call, NULL)
					 : replay_graph_destroy(r, call, NULL);
		free(late);
	}
	r->late_end = &r->late;
	r->catching_up = false;
	return result;
}

void replay_callbacks_stop(struct replay *r, const struct gaon_device *dev)
{
	pthread_mutex_lock(&r->lock);
	r->stopping |= !dev;
	for (struct replay_callback *c = r->callbacks; c; c = c->next) {
		if (c->released || (dev && c->dev != dev))
			continue;
		c->released = true;
		r->held--;
	}
	pthread_cond_broadcast(&r->changed);
	pthread_mutex_unlock(&r->lock);
}

/* --- semaphores ------------------------------------------------------------------------------- */

enum replay_result replay_semaphore_signal(struct replay *r, const struct record_call *call,
					   const uint8_t *data)
{
	struct replay_object *s = replay_find(r, call->object, REPLAY_SEMAPHORE);

	(void)data;
	return s ? replay_status(r, gaon_semaphore_signal(s->handle, call->a)) : REPLAY_FAILED;
}

/* Of a semaphore that others have too: they have raised it. */
enum replay_result replay_semaphore_wait(struct replay *r, const struct record_call *call,
					 const uint8_t *data)
{
	struct replay_object *s = replay_find(r, call->object, REPLAY_SEMAPHORE);
	enum replay_result result, fault = REPLAY_SAME;

	(void)data;
	if (!s)
		return REPLAY_FAILED;
	if (s->foreign)
		gaon_semaphore_signal(s->handle, call->a);
	result = replay_status(r, gaon_semaphore_wait(s->handle, call->a, r->timeout_ns));
	/* Who raises it is not known before: the program may have left a stream faulted, and gone on. */
	if (result == REPLAY_TIMEOUT)
		fault = streams_look(r, NULL);
	return fault ? fault : result;
}

enum replay_result replay_stream_signal_semaphore(struct replay *r, const struct record_call *call,
						  const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	struct replay_object *s = stream ? replay_find(r, call->other, REPLAY_SEMAPHORE) : NULL;

	(void)data;
	return s ? replay_given(r, gaon_stream_signal_semaphore(stream->handle, s->handle, call->a))
		 : REPLAY_FAILED;
}

enum replay_result replay_stream_wait_semaphore(struct replay *r, const struct record_call *call,
						const uint8_t *data)
{
	struct replay_object *stream = replay_find(r, call->object, REPLAY_STREAM);
	struct replay_object *s = stream ? replay_find(r, call->other, REPLAY_SEMAPHORE) : NULL;

	(void)data;
	if (s && s->foreign)
		gaon_semaphore_signal(s->handle, call->a);
	return s ? replay_given(r, gaon_stream_wait_semaphore(stream->handle, s->handle, call->a))
		 : REPLAY_FAILED;
}
