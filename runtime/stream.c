// SPDX-License-Identifier: MIT
#include "stream.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "debug.h"
#include "error.h"
#include "fault.h"
#include "graph.h"
#include "log.h"
#include "pin.h"

#define STREAM_RING_LOG2	10
#define STREAM_ARGS_MIN		(256ull << 10)
#define STREAM_ARGS_PER_SLOT	256
#define STREAM_DESTROY_NS	(10ull * 1000000000)

/* --- making ---------------------------------------------------------------------------------- */

static struct rt_timeline *timeline_take(struct rt_device *dev)
{
	struct word *word = words_take_timeline(dev);
	struct rt_timeline *t;

	if (!word)
		return NULL;
	/* Kept with the word: an event of the word's former stream may still look at it. */
	t = word->timeline;
	if (!t) {
		t = calloc(1, sizeof(*t));
		if (!t) {
			words_put(dev, word);
			gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for a stream");
			return NULL;
		}
		t->word = word;
		word->timeline = t;
		atomic_store(&t->last, *word->cpu);
	}
	return t;
}

static enum gaon_status stream_fail_queue(struct rt_device *dev, int err)
{
	switch (err) {
	case -ENOSPC:
		return gaon_fail_hint(GAON_ERROR_LIMIT, "destroy streams that are no longer used",
				      "the device has no queue left (%u in all)",
				      dev->identify->queues);
	case -ENODEV:
		return rt_lost(dev);
	case -ENOMEM:
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no host memory for a stream");
	case -ERANGE:
		return gaon_fail_hint(GAON_ERROR_LIMIT,
				      "GAON_QUEUE=user has no such bound; or a smaller launch_limit_ns",
				      "the kernel's queues take no launches that may run so long");
	case -EACCES:
		return gaon_fail_hint(GAON_ERROR_PERMISSION,
				      "use GAON_STREAM_NORMAL, or give the program CAP_SYS_NICE",
				      "a stream of high priority may hold up those of other users");
	default:
		return gaon_fail_errno(GAON_ERROR_INTERNAL, -err,
				       "the device refused to make a queue: %s", strerror(-err));
	}
}

static uint8_t stream_band(enum gaon_priority priority)
{
	switch (priority) {
	case GAON_STREAM_LOW:
		return GAON_PRIORITY_LOW;
	case GAON_STREAM_HIGH:
		return GAON_PRIORITY_HIGH;
	default:
		return GAON_PRIORITY_NORMAL;
	}
}

/* Cycles of the watchdog, 0 for the device's default. */
static enum gaon_status stream_limit(const struct rt_device *dev, uint64_t limit_ns, uint64_t *out)
{
	const char *env = limit_ns ? NULL : getenv("GAON_LAUNCH_LIMIT_MS");
	unsigned __int128 ns = limit_ns, cycles;
	char *end;

	if (env && *env) {
		ns = (unsigned __int128)strtoull(env, &end, 10) * 1000000;
		if (*env < '0' || *env > '9' || *end)
			return gaon_fail(GAON_ERROR_INVALID_ARGUMENT,
					 "GAON_LAUNCH_LIMIT_MS is '%s', not a number of milliseconds", env);
	}
	cycles = ns * dev->identify->clock_khz / 1000000;
	*out = cycles > UINT64_MAX ? UINT64_MAX : cycles || !ns ? (uint64_t)cycles : 1;
	return GAON_OK;
}

static enum gaon_status stream_make_memory(struct rt_stream *s, uint32_t log2,
					   const struct gaon_stream_config *config)
{
	struct rt_device *dev = s->dev;
	struct gaon_ws_queue_info queue;
	struct gaon_ws_bo_info args;
	enum gaon_status status;
	uint64_t limit;
	int err;

	status = stream_limit(dev, config->launch_limit_ns, &limit);
	if (status)
		return status;
	s->size = 1ull << log2;
	s->mask = s->size - 1;
	s->args_size = s->size * STREAM_ARGS_PER_SLOT;
	if (s->args_size < STREAM_ARGS_MIN)
		s->args_size = STREAM_ARGS_MIN;
	s->ops = calloc(s->size, sizeof(*s->ops));
	if (!s->ops)
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for a stream");
	err = dev->ops->bo_create(dev->ctx, s->args_size, GAON_WS_HOST, GAON_WS_BO_CPU | GAON_WS_BO_OWN,
				  NULL, &s->args_bo);
	if (!err)
		err = dev->ops->queue_create(dev->ctx, log2, stream_band(config->priority),
					     limit, &s->queue);
	if (err)
		return stream_fail_queue(dev, err);
	dev->ops->bo_info(s->args_bo, &args);
	s->args = args.cpu;
	s->args_va = args.va;
	if (rt_debugger)
		rt_debugger->queue_made(dev->ctx, s->queue);
	dev->ops->queue_info(s->queue, &queue);
	s->ring = queue.ring;
	s->queue_id = queue.id;
	s->state = queue.state;
	return GAON_OK;
}

static void stream_destroy_queue(struct rt_stream *s)
{
	if (rt_debugger)
		rt_debugger->queue_gone(s->queue);
	s->dev->ops->queue_destroy(s->queue);
}

static void stream_free_memory(struct rt_stream *s)
{
	struct rt_device *dev = s->dev;

	if (s->queue)
		stream_destroy_queue(s);
	if (s->args_bo)
		dev->ops->bo_destroy(s->args_bo);
	if (s->peer_bo)
		dev->ops->bo_destroy(s->peer_bo);
	if (s->timeline)
		words_put(dev, s->timeline->word);
	free(s->ops);
	free(s->deps);
	s->queue = NULL;
	s->args_bo = NULL;
	s->peer_bo = NULL;
	s->ops = NULL;
	s->deps = NULL;
}

enum gaon_status rt_stream_make(struct rt_device *dev, const struct gaon_stream_config *config,
				struct rt_stream **out)
{
	uint32_t log2 = config->ring_log2 ? config->ring_log2 : STREAM_RING_LOG2;
	struct rt_stream *s = obj_alloc(OBJ_STREAM, sizeof(*s));
	enum gaon_status status;

	if (!s)
		return GAON_ERROR_OUT_OF_MEMORY;
	s->dev = dev;
	status = stream_make_memory(s, log2, config);
	if (!status) {
		s->timeline = timeline_take(dev);
		if (!s->timeline)
			status = GAON_ERROR_OUT_OF_MEMORY;
	}
	if (status) {
		stream_free_memory(s);
		obj_free(&s->obj, false);
		return status;
	}
	s->base = atomic_load(&s->timeline->last);
	snprintf(s->name, sizeof(s->name), "%s", config->name ? config->name : "");
	pthread_mutex_lock(&dev->fault_lock);
	s->timeline->stream = s;
	pthread_mutex_lock(&dev->children_lock);
	s->number = dev->next_stream++;
	s->next = dev->streams;
	dev->streams = s;
	pthread_mutex_unlock(&dev->children_lock);
	pthread_mutex_unlock(&dev->fault_lock);
	rt_adopt(dev, &s->obj);
	*out = s;
	return GAON_OK;
}

static void stream_unlink(struct rt_stream *s)
{
	struct rt_stream **link;

	pthread_mutex_lock(&s->dev->fault_lock);
	pthread_mutex_lock(&s->dev->children_lock);
	for (link = &s->dev->streams; *link; link = &(*link)->next) {
		if (*link == s) {
			*link = s->next;
			break;
		}
	}
	s->timeline->stream = NULL;
	pthread_mutex_unlock(&s->dev->children_lock);
	pthread_mutex_unlock(&s->dev->fault_lock);
}

/* Whoever waits for the stream, host or device, goes on; what was dropped counts as failed. */
static void stream_end_timeline(struct rt_stream *s)
{
	struct rt_timeline *t = s->timeline;

	pthread_mutex_lock(&s->dev->fault_lock);
	rt_timeline_give_up(s->dev, t, atomic_load(&t->last));
	if (s->has_fault)
		atomic_fetch_sub(&s->dev->faulted, 1);
	s->has_fault = false;
	s->fault_noted = false;
	atomic_store(&t->faulted, false);
	pthread_mutex_unlock(&s->dev->fault_lock);
}

void rt_stream_unmake(struct rt_stream *s, uint64_t wait_ns)
{
	struct rt_device *dev = s->dev;

	if (wait_ns)
		rt_timeline_wait(dev, s->timeline, atomic_load(&s->timeline->last), wait_ns);
	rt_callbacks_stop(s);
	/* A call that found the handle alive may still be inside. */
	pthread_mutex_lock(&s->obj.lock);
	pthread_mutex_unlock(&s->obj.lock);
	rt_graph_abandon(s);
	stream_unlink(s);
	stream_destroy_queue(s);
	s->queue = NULL;
	rt_callbacks_free(s);
	stream_end_timeline(s);
	rt_pins_retire(dev);
	stream_free_memory(s);
}

static enum gaon_status stream_fail_crowded(const struct rt_stream *s)
{
	return gaon_fail_hint(GAON_ERROR_WRONG_THREAD, "make the stream with a larger ring_log2",
			      "stream %u is full, and a callback must not wait for room in it", s->number);
}

enum gaon_status rt_stream_lock(struct rt_stream *s)
{
	const struct timespec nap = { .tv_nsec = 20000 };

	if (!rt_in_callback()) {
		pthread_mutex_lock(&s->obj.lock);
		return GAON_OK;
	}
	while (pthread_mutex_trylock(&s->obj.lock)) {
		if (atomic_load(&s->crowded))
			return stream_fail_crowded(s);
		nanosleep(&nap, NULL);
	}
	return GAON_OK;
}

struct rt_stream *rt_stream_enter(struct gaon_stream *handle, const char *what, enum gaon_status *status)
{
	struct rt_stream *s = rt_enter(OBJ_STREAM, handle, status);

	if (!s)
		return NULL;
	*status = rt_stream_lock(s);
	if (*status) {
		rt_leave(s->dev);
		return NULL;
	}
	if (!obj_alive(&s->obj, handle))
		*status = gaon_fail(GAON_ERROR_CLOSED, "the stream was destroyed");
	else
		*status = what ? rt_stream_check_live(s, what) : GAON_OK;
	if (!*status)
		return s;
	rt_stream_leave(s);
	return NULL;
}

void rt_stream_leave(struct rt_stream *s)
{
	struct rt_device *dev = s->dev;

	pthread_mutex_unlock(&s->obj.lock);
	rt_leave(dev);
}

/* --- packets --------------------------------------------------------------------------------- */

enum gaon_status rt_stream_check_live(struct rt_stream *s, const char *what)
{
	if (s->recording)
		return gaon_fail(GAON_ERROR_STATE, "%s cannot be recorded in a graph", what);
	return GAON_OK;
}

static enum gaon_status stream_wait_value(struct rt_stream *s, const uint64_t *cpu, uint64_t value)
{
	struct rt_device *dev = s->dev;

	for (;;) {
		int err = dev->ops->wait(dev->ctx, cpu, value, WAIT_SLICE_NS);

		if (!err)
			return GAON_OK;
		if (err == -EIO)
			rt_fault_collect(dev);
		if (err == -ENODEV)
			return rt_lost(dev);
		if (atomic_load(&dev->closing))
			return gaon_fail(GAON_ERROR_CLOSED, "the device is being closed");
		if (rt_fault_blocks(dev, s->timeline, atomic_load(&s->timeline->last)))
			return rt_fault_fail(dev, s->timeline);
	}
}

/* The ring or the arguments are full: wait for the device to take something. */
static enum gaon_status stream_wait_room(struct rt_stream *s, const uint64_t *cpu, uint64_t value)
{
	enum gaon_status status;

	if (rt_in_callback())
		return stream_fail_crowded(s);
	atomic_store(&s->crowded, true);
	status = stream_wait_value(s, cpu, value);
	atomic_store(&s->crowded, false);
	return status;
}

enum gaon_status rt_stream_wait_point(struct rt_stream *s, const struct rt_dependency *point)
{
	enum gaon_status status;

	if (rt_in_callback())
		return stream_fail_crowded(s);
	atomic_store(&s->crowded, true);
	status = rt_timeline_wait(s->dev, point->timeline, point->value, GAON_FOREVER);
	atomic_store(&s->crowded, false);
	return status;
}

enum gaon_status rt_stream_room(struct rt_stream *s, uint64_t packets)
{
	uint64_t used = s->size - packets;	/* that many at most, without them */
	enum gaon_status status;

	if (atomic_load_explicit(&s->timeline->faulted, memory_order_relaxed))
		return rt_fault_fail(s->dev, s->timeline);
	if (s->write - s->read <= used)
		return GAON_OK;
	s->read = __atomic_load_n(&s->state->read, __ATOMIC_ACQUIRE);
	if (s->write - s->read > used) {
		status = stream_wait_room(s, &s->state->read, s->write - used);
		if (status)
			return status;
		s->read = __atomic_load_n(&s->state->read, __ATOMIC_ACQUIRE);
	}
	/* The word is the device's: it is believed only as far as it can be true. */
	if (s->read > s->write || s->write - s->read > used)
		return gaon_fail(GAON_ERROR_DEVICE_LOST, "stream %u: the device's read index is impossible",
				 s->number);
	return GAON_OK;
}

struct gaon_packet *rt_stream_slot(struct rt_stream *s)
{
	struct gaon_packet *packet = &s->ring[s->write & s->mask];

	memset(packet, 0, sizeof(*packet));
	return packet;
}

struct gaon_packet *rt_stream_packet(struct rt_stream *s, enum gaon_status *status)
{
	*status = rt_stream_room(s, 1);
	return *status ? NULL : rt_stream_slot(s);
}

uint64_t rt_stream_put(struct rt_stream *s, struct gaon_packet *packet, enum rt_op_type type)
{
	uint64_t old = s->write, value = s->base + old + 1;
	struct rt_op *op = &s->ops[old & s->mask];

	op->args_end = s->args_head;
	atomic_store_explicit(&op->type, (uint8_t)type, memory_order_relaxed);
	atomic_store_explicit(&op->wakers, s->wakers, memory_order_relaxed);
	packet->scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4;
	packet->flags |= GAON_PKT_F_BARRIER | GAON_PKT_F_SIGNAL;
	/* Who waits for room in the ring is woken a few times per turn of it. */
	if (rt_op_wakes(type) || !(old & (s->mask >> 2)))
		packet->flags |= s->dev->ws->wake_flags;
	packet->signal_va = s->timeline->word->va;
	packet->signal_value = value;
	s->write = old + 1;
	atomic_store_explicit(&s->timeline->last, value, memory_order_relaxed);
	__atomic_store_n(&s->state->write, old + 1, __ATOMIC_RELEASE);
	atomic_thread_fence(memory_order_seq_cst);
	if (gaon_doorbell_due(old, old + 1, __atomic_load_n(&s->state->event_idx, __ATOMIC_RELAXED)))
		s->dev->ops->queue_doorbell(s->queue);
	return value;
}

uint64_t rt_stream_args_most(const struct rt_stream *s)
{
	return s->args_size / 4;
}

/* Where the space of the packets that are done ends. */
static void stream_args_reclaim(struct rt_stream *s)
{
	uint64_t done = __atomic_load_n(s->timeline->word->cpu, __ATOMIC_ACQUIRE) - s->base;

	if (done > s->write)
		done = s->write;
	if (done && s->write - done < s->size)
		s->args_tail = s->ops[(done - 1) & s->mask].args_end;
	if (done == s->write)
		s->args_tail = s->args_head;
}

/* The first packet whose completion leaves @bytes free after @head. */
static uint64_t stream_args_goal(struct rt_stream *s, uint64_t head, uint64_t bytes)
{
	uint64_t first = s->write > s->size ? s->write - s->size : 0;
	uint64_t at;

	for (at = first; at < s->write; at++) {
		uint64_t tail = s->ops[at & s->mask].args_end;

		if (tail >= s->args_tail && head + bytes - tail <= s->args_size)
			return at + 1;
	}
	return s->write;
}

void *rt_stream_args(struct rt_stream *s, uint64_t bytes, uint64_t *va, enum gaon_status *status)
{
	uint64_t head = (s->args_head + 63) & ~63ull;
	uint64_t offset = head % s->args_size;

	bytes = (bytes + 63) & ~63ull;
	if (offset + bytes > s->args_size)	/* blocks do not wrap */
		head += s->args_size - offset;
	if (head + bytes - s->args_tail > s->args_size) {
		stream_args_reclaim(s);
		if (head + bytes - s->args_tail > s->args_size && s->args_tail != s->args_head) {
			uint64_t goal = stream_args_goal(s, head, bytes);

			*status = stream_wait_room(s, s->timeline->word->cpu, s->base + goal);
			if (*status)
				return NULL;
			stream_args_reclaim(s);
		}
		if (s->args_tail == s->args_head)	/* nothing in flight: start anywhere */
			s->args_tail = head;
	}
	s->args_head = head + bytes;
	*va = s->args_va + head % s->args_size;
	return s->args + head % s->args_size;
}

/* --- public ---------------------------------------------------------------------------------- */

GAON_API enum gaon_status gaon_stream_create(struct gaon_device *device,
					     const struct gaon_stream_config *config,
					     struct gaon_stream **out)
{
	struct gaon_stream_config c = { .size = sizeof(c) };
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = NULL;
	struct rt_device *dev;

	if (!out)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the place for the result is NULL");
	if (config)
		status = gaon_struct_read(&c, sizeof(c), config, sizeof(size_t), "gaon_stream_config");
	if (status)
		return status;
	if (c.ring_log2 && (c.ring_log2 < GAON_RING_LOG2_MIN || c.ring_log2 > GAON_RING_LOG2_MAX))
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "ring_log2 %u is not from %u to %u",
				 c.ring_log2, GAON_RING_LOG2_MIN, GAON_RING_LOG2_MAX);
	if ((unsigned int)c.priority > GAON_STREAM_HIGH)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "priority %d is unknown",
				 (int)c.priority);
	dev = rt_enter(OBJ_DEVICE, device, &status);
	if (!dev)
		return status;
	status = rt_stream_make(dev, &c, &s);
	if (!status)
		*out = obj_handle(&s->obj);
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_stream_retain(struct gaon_stream *stream)
{
	return rt_retain(OBJ_STREAM, stream);
}

GAON_API enum gaon_status gaon_stream_destroy(struct gaon_stream *stream)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = rt_enter_blocking(OBJ_STREAM, stream, &status);
	struct rt_device *dev;

	if (!s)
		return status;
	dev = s->dev;
	if (rt_put(&s->obj)) {
		/* The handle dies first, under the lock: nothing is queued after that. */
		pthread_mutex_lock(&s->obj.lock);
		atomic_store(&s->obj.handle, 0);
		pthread_mutex_unlock(&s->obj.lock);
		rt_stream_unmake(s, STREAM_DESTROY_NS);
		rt_disown(dev, &s->obj);
		obj_free(&s->obj, false);
	}
	rt_leave(dev);
	return GAON_OK;
}

static enum gaon_status stream_wait(struct rt_stream *s, uint64_t timeout_ns)
{
	struct rt_device *dev = s->dev;
	enum gaon_status status;

	status = rt_timeline_wait(dev, s->timeline, atomic_load(&s->timeline->last), timeout_ns);
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_stream_wait(struct gaon_stream *stream, uint64_t timeout_ns)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = rt_enter_blocking(OBJ_STREAM, stream, &status);

	if (!s)
		return status;
	status = stream_wait(s, timeout_ns);
	return status == GAON_ERROR_NOT_READY ? gaon_fail(GAON_ERROR_TIMEOUT, "the stream is not finished") :
						status;
}

GAON_API enum gaon_status gaon_stream_query(struct gaon_stream *stream)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = rt_enter(OBJ_STREAM, stream, &status);

	return s ? stream_wait(s, 0) : status;
}
