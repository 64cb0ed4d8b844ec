// SPDX-License-Identifier: MIT
/*
 * Host callbacks: a packet that signals, then one that waits for a word that the host stores when
 * the callback has returned.  One thread for each stream that has ever had a callback.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "callback.h"
#include "error.h"
#include "pin.h"
#include "fault.h"
#include "print.h"

struct rt_callback {
	struct rt_callback *next;
	void (*fn)(void *arg);
	void *arg;
	void (*release)(void *arg);	/* work of the library, which may block; NULL: the program's */
	uint64_t value;			/* of the stream, when it is due */
	uint64_t number;		/* what the word becomes */
};

struct rt_callbacks {
	struct rt_device *dev;
	struct rt_timeline *timeline;
	struct gaon_ws_queue *queue;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;		/* the thread */
	pthread_cond_t ended;		/* who drops what it runs */
	struct rt_callback *first, **end;
	const struct rt_callback *running;
	struct word *word;
	uint64_t number;		/* given out; stream's obj.lock */
	uint64_t dropped;		/* the last that was; running may be among them */
	uint64_t base;			/* word's value at the start */
	bool stop;
};

static _Thread_local bool in_callback;
static _Thread_local struct rt_callbacks *current;

static void callback_free(struct rt_callback *cb)
{
	if (cb && cb->release)
		cb->release(cb->arg);
	free(cb);
}

/* c->lock held: the stream does not go on behind what runs now. */
static bool callback_stopped(const struct rt_callbacks *c)
{
	return c->stop || c->running->number <= c->dropped;
}

bool rt_callback_stopped(void)
{
	bool stopped;

	if (!current)
		return false;
	pthread_mutex_lock(&current->lock);
	stopped = callback_stopped(current);
	pthread_mutex_unlock(&current->lock);
	return stopped;
}

bool rt_in_callback(void)
{
	return in_callback;
}

static void callback_done(struct rt_callbacks *c, uint64_t number)
{
	__atomic_store_n(c->word->cpu, c->base + number, __ATOMIC_RELEASE);
	atomic_thread_fence(memory_order_seq_cst);
	/* The queue waits for a word in memory: it looks again when its doorbell rings. */
	c->dev->ops->queue_doorbell(c->queue);
}

/*
 * Until it is due; false if it was dropped or the thread shall stop. c->lock held at entry and
 * exit.
 */
static bool callback_wait(struct rt_callbacks *c, struct rt_callback *cb)
{
	while (!c->stop && c->first == cb) {
		uint64_t value = cb->value;	/* it may be dropped while the lock is not held */
		int err;

		if (rt_timeline_reached(c->timeline, value))
			return true;
		pthread_mutex_unlock(&c->lock);
		err = c->dev->ops->wait(c->dev->ctx, c->timeline->word->cpu, value, WAIT_SLICE_NS);
		if (err && err != -ETIME)
			rt_fault_collect(c->dev);
		/* A lost device stays so until it is closed, and with it this thread ended. */
		if (err == -ENODEV || (err && rt_fault_blocks(c->dev, c->timeline, value))) {
			struct timespec nap = { .tv_nsec = WAIT_SLICE_NS };

			nanosleep(&nap, NULL);
		}
		pthread_mutex_lock(&c->lock);
	}
	return false;
}

/* c->lock held at entry and exit. */
static void callback_run(struct rt_callbacks *c, struct rt_callback *cb)
{
	bool stopped;

	c->first = cb->next;
	if (!c->first)
		c->end = &c->first;
	c->running = cb;
	pthread_mutex_unlock(&c->lock);
	rt_pins_retire(c->dev);
	rt_print_drain(c->dev);
	in_callback = !cb->release;
	cb->fn(cb->arg);
	pthread_mutex_lock(&c->lock);
	stopped = callback_stopped(c);
	pthread_mutex_unlock(&c->lock);
	/* What was told to stop may not have done what the stream waits for. */
	if (!stopped)
		callback_done(c, cb->number);
	pthread_mutex_lock(&c->lock);
	c->running = NULL;
	pthread_cond_broadcast(&c->ended);
	callback_free(cb);
}

static void *callback_thread(void *arg)
{
	struct rt_callbacks *c = arg;

	current = c;
	pthread_mutex_lock(&c->lock);
	while (!c->stop) {
		struct rt_callback *cb = c->first;

		if (!cb) {
			pthread_cond_wait(&c->wake, &c->lock);
			continue;
		}
		if (callback_wait(c, cb))
			callback_run(c, cb);
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

static enum gaon_status callbacks_start(struct rt_stream *s)
{
	struct rt_callbacks *c = calloc(1, sizeof(*c));

	if (!c)
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for callbacks");
	c->dev = s->dev;
	c->timeline = s->timeline;
	c->queue = s->queue;
	c->end = &c->first;
	c->word = words_take(s->dev);
	if (!c->word) {
		free(c);
		return GAON_ERROR_OUT_OF_MEMORY;
	}
	c->base = *c->word->cpu;
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	pthread_cond_init(&c->ended, NULL);
	if (pthread_create(&c->thread, NULL, callback_thread, c)) {
		words_put(s->dev, c->word);
		free(c);
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no thread for callbacks");
	}
	s->callbacks = c;
	return GAON_OK;
}

/* c->lock held. */
static void callbacks_empty(struct rt_callbacks *c)
{
	while (c->first) {
		struct rt_callback *cb = c->first;

		c->first = cb->next;
		callback_free(cb);
	}
	c->end = &c->first;
	pthread_cond_signal(&c->wake);
}

void rt_callbacks_drop(struct rt_stream *s)
{
	struct rt_callbacks *c = s->callbacks;

	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	callbacks_empty(c);
	c->dropped = c->number;
	/* A program's may do what it likes, give work to this stream, too: its end cannot be waited for. */
	while (c->running && c->running->release)
		pthread_cond_wait(&c->ended, &c->lock);
	pthread_mutex_unlock(&c->lock);
}

void rt_callbacks_stop(struct rt_stream *s)
{
	struct rt_callbacks *c = s->callbacks;

	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
}

void rt_callbacks_free(struct rt_stream *s)
{
	struct rt_callbacks *c = s->callbacks;

	if (!c)
		return;
	s->callbacks = NULL;
	pthread_mutex_lock(&c->lock);
	callbacks_empty(c);
	pthread_mutex_unlock(&c->lock);
	words_put(s->dev, c->word);
	pthread_mutex_destroy(&c->lock);
	pthread_cond_destroy(&c->wake);
	pthread_cond_destroy(&c->ended);
	free(c);
}

/* obj.lock held. There is room for two packets; the thread has @cb afterwards. */
static void callback_put(struct rt_stream *s, struct rt_callback *cb)
{
	struct rt_callbacks *c = s->callbacks;
	struct gaon_packet *packet = rt_stream_slot(s);

	packet->type = GAON_PKT_NOP;
	cb->value = rt_stream_put(s, packet, RT_OP_CALLBACK);
	cb->number = ++c->number;
	pthread_mutex_lock(&c->lock);
	*c->end = cb;
	c->end = &cb->next;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	packet = rt_stream_slot(s);
	packet->type = GAON_PKT_WAIT;
	packet->wait.va = c->word->va;
	packet->wait.operand = c->base + c->number;
	packet->wait.op = GAON_WAIT_GE;
	rt_stream_put(s, packet, RT_OP_CALLBACK);
}

/* obj.lock held. @like is copied. There will be room for @more packets behind it. */
static enum gaon_status callback_queue(struct rt_stream *s, const struct rt_callback *like, uint64_t more)
{
	struct rt_callback *cb = malloc(sizeof(*cb));
	enum gaon_status status = GAON_OK;

	if (!cb) {
		if (like->release)
			like->release(like->arg);
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for a callback");
	}
	*cb = *like;
	if (!s->callbacks)
		status = callbacks_start(s);
	if (!status)
		status = rt_stream_room(s, 2 + more);
	if (status)
		callback_free(cb);
	else
		callback_put(s, cb);
	return status;
}

enum gaon_status rt_callback_own(struct rt_stream *s, void (*fn)(void *arg), void (*release)(void *arg),
				 void *arg)
{
	return callback_queue(s, &(struct rt_callback){ .fn = fn, .arg = arg, .release = release }, 1);
}

GAON_API enum gaon_status gaon_stream_callback(struct gaon_stream *stream, void (*fn)(void *arg),
					       void *arg)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s;

	if (!fn)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the callback is NULL");
	s = rt_stream_enter(stream, "a callback", &status);
	if (!s)
		return status;
	status = callback_queue(s, &(struct rt_callback){ .fn = fn, .arg = arg }, 0);
	rt_stream_leave(s);
	return status;
}
