// SPDX-License-Identifier: MIT
/*
 * Kernel-owned queues that stand before a WAIT. One thread for each context takes them further: it sleeps
 * until a job that may store such a word is done, by the timeline syncobjs of their queues, or until somebody
 * signals a syncobj of its own. Words that the host stores need no thread: who stores one rings the doorbell.
 */
#include "drm.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#define HELD_AGAIN_NS	10000000ull	/* between attempts when the kernel had no room */
#define HELD_SLEEP_NS	500000000ull	/* the removal of a card wakes nobody who waits for a syncobj */

/* What the thread sleeps for. */
struct held_sleep {
	uint32_t count, room;
	uint32_t *handles;
	uint64_t *points;
	/* Of the queues, to tell afterwards whose job was of no use. Element 0 is the thread's own. */
	struct held_reason { uint64_t holder, serial; } *reasons;
	uint64_t deadline;
};

static void held_signal(struct gaon_ws_context *ctx)
{
	struct drm_held *held = &ctx->held;

	held->point++;
	if (held->first)
		drm_sync_signal(ctx->ws, held->syncobj, held->point);
	pthread_cond_signal(&held->wake);
}

void drm_held_note(struct gaon_ws_queue *queue, unsigned int pumped)
{
	struct gaon_ws_context *ctx = queue->ctx;
	struct drm_held *held = &ctx->held;

	if (!(pumped & DRM_KQ_HELD) && !(pumped & DRM_KQ_MOVED && atomic_load(&held->count)))
		return;
	pthread_mutex_lock(&held->lock);
	if (pumped & DRM_KQ_HELD && !queue->kq->listed) {
		queue->kq->listed = true;
		queue->kq->next_held = held->first;
		held->first = queue;
		atomic_fetch_add(&held->count, 1);
		held_signal(ctx);
	} else if (pumped & DRM_KQ_MOVED) {
		/* It may stand before another word now; or others wait for what has moved. */
		held_signal(ctx);
	}
	pthread_mutex_unlock(&held->lock);
}

static void held_unlist(struct drm_held *held, struct gaon_ws_queue *queue)
{
	struct gaon_ws_queue **link;

	for (link = &held->first; *link && *link != queue; link = &(*link)->kq->next_held)
		;
	if (*link) {
		*link = queue->kq->next_held;
		atomic_fetch_sub(&held->count, 1);
	}
	queue->kq->listed = false;
}

void drm_held_remove(struct gaon_ws_queue *queue)
{
	struct drm_held *held = &queue->ctx->held;
	struct gaon_ws_queue *other;

	pthread_mutex_lock(&held->lock);
	held_signal(queue->ctx);	/* its syncobj goes, too */
	held_unlist(held, queue);
	for (other = held->first; other; other = other->kq->next_held) {
		if (other->kq->dep.serial == queue->kq->serial)
			other->kq->dep.serial = 0;
	}
	pthread_mutex_unlock(&held->lock);
}

/* --- the thread; held->lock held ------------------------------------------------------------- */

/* One may be what another stands for. */
static void held_pump(struct drm_held *held)
{
	struct gaon_ws_queue *queue, *next;
	unsigned int done;
	bool moved;

	do {
		moved = false;
		for (queue = held->first; queue; queue = next) {
			next = queue->kq->next_held;
			done = drm_kq_pump(queue);
			moved |= done & DRM_KQ_MOVED;
			if (!(done & DRM_KQ_HELD))
				held_unlist(held, queue);
		}
	} while (moved);
}

static bool sleep_add(struct held_sleep *s, uint32_t handle, uint64_t point, struct held_reason reason)
{
	if (s->count == s->room) {
		uint32_t room = s->room ? 2 * s->room : 16;
		uint32_t *handles = realloc(s->handles, room * sizeof(*handles));
		uint64_t *points;
		struct held_reason *reasons;

		if (!handles)
			return false;
		s->handles = handles;
		points = realloc(s->points, room * sizeof(*points));
		if (!points)
			return false;
		s->points = points;
		reasons = realloc(s->reasons, room * sizeof(*reasons));
		if (!reasons)
			return false;
		s->reasons = reasons;
		s->room = room;
	}
	s->handles[s->count] = handle;
	s->points[s->count] = point;
	s->reasons[s->count++] = reason;
	return true;
}

/* The job of another queue that ends the WAIT of @queue; none, if it was not submitted yet. */
static struct drm_kq_job held_find(struct gaon_ws_queue *queue, const struct gaon_packet *wait)
{
	struct gaon_ws_context *ctx = queue->ctx;
	struct drm_kq_job job = { 0 };
	struct gaon_ws_queue *other;

	pthread_mutex_lock(&ctx->lock);
	for (other = ctx->queues; other && !job.serial; other = other->next) {
		uint64_t point = other == queue ? 0 : drm_kq_find(other, wait);

		if (point)
			job = (struct drm_kq_job){ other->kq->serial, point, other->kq->syncobj };
	}
	pthread_mutex_unlock(&ctx->lock);
	return job;
}

static bool sleep_add_job(struct held_sleep *s, struct gaon_ws_queue *queue,
			  const struct drm_kq_hold *hold)
{
	struct drm_kq *kq = queue->kq;

	if (kq->dep_at != hold->at + 1 || !kq->dep.serial) {
		kq->dep = held_find(queue, &hold->wait);
		kq->dep_at = hold->at + 1;
	}
	if (!kq->dep.serial ||
	    (kq->dep.serial == kq->failed.serial && kq->dep.point == kq->failed.point))
		return true;
	return sleep_add(s, kq->dep.syncobj, kq->dep.point,
			 (struct held_reason){ kq->serial, kq->dep.serial });
}

/* False: look again at once. */
static bool sleep_prepare(struct held_sleep *s, struct gaon_ws_context *ctx)
{
	struct gaon_ws_queue *queue;
	struct drm_kq_hold hold;
	bool enough;

	s->count = 0;
	s->deadline = rt_now_ns() + HELD_SLEEP_NS;
	enough = sleep_add(s, ctx->held.syncobj, ctx->held.point + 1, (struct held_reason){ 0 });
	for (queue = ctx->held.first; queue; queue = queue->kq->next_held) {
		if (!drm_kq_held(queue, &hold))
			continue;
		if (hold.again) {
			enough = false;
			continue;
		}
		enough &= sleep_add_job(s, queue, &hold);
		/* The job may have been done, and its place in the ring used again, in between. */
		if (drm_kq_satisfied(ctx, &hold.wait))
			return false;
	}
	if (!enough)
		s->deadline = rt_now_ns() + HELD_AGAIN_NS;
	return true;
}

/* The job that was waited for is over. If the word is not there it failed. */
static void sleep_judge(struct drm_held *held, const struct held_sleep *s, uint32_t first)
{
	struct gaon_ws_queue *queue;
	struct drm_kq_hold hold;

	for (queue = held->first; queue; queue = queue->kq->next_held) {
		if (!first || queue->kq->serial != s->reasons[first].holder)
			continue;
		if (drm_kq_held(queue, &hold) && !hold.again && !drm_kq_satisfied(queue->ctx, &hold.wait)) {
			queue->kq->failed = (struct drm_kq_job){
				.serial = s->reasons[first].serial, .point = s->points[first],
			};
		}
	}
}

static void *held_thread(void *arg)
{
	struct gaon_ws_context *ctx = arg;
	struct drm_held *held = &ctx->held;
	struct held_sleep sleep = { 0 };
	uint32_t first = 0;
	int err = 0;

	pthread_mutex_lock(&held->lock);
	while (!held->stop && !atomic_load(&ctx->ws->lost)) {
		held_pump(held);
		if (!held->first) {
			pthread_cond_wait(&held->wake, &held->lock);
			continue;
		}
		if (!sleep_prepare(&sleep, ctx))
			continue;
		pthread_mutex_unlock(&held->lock);
		if (sleep.count)
			err = drm_sync_wait(ctx->ws, sleep.handles, sleep.points, sleep.count,
					    sleep.deadline, &first);
		if (!sleep.count || (err && err != -ETIME && err != -ENOENT)) {
			/* No memory, here or there. */
			const struct timespec nap = { .tv_nsec = HELD_AGAIN_NS };

			nanosleep(&nap, NULL);
		}
		pthread_mutex_lock(&held->lock);
		if (!err && sleep.count)
			sleep_judge(held, &sleep, first);
	}
	pthread_mutex_unlock(&held->lock);
	free(sleep.handles);
	free(sleep.points);
	free(sleep.reasons);
	return NULL;
}

/* --- life ------------------------------------------------------------------------------------ */

int drm_held_start(struct gaon_ws_context *ctx)
{
	struct drm_held *held = &ctx->held;
	int err = 0;

	pthread_mutex_lock(&held->lock);
	if (!held->running) {
		pthread_cond_init(&held->wake, NULL);
		err = drm_sync_create(ctx->ws, &held->syncobj);
		if (!err && pthread_create(&held->thread, NULL, held_thread, ctx)) {
			drm_sync_destroy(ctx->ws, held->syncobj);
			err = -ENOMEM;
		}
		held->running = !err;
	}
	pthread_mutex_unlock(&held->lock);
	return err;
}

void drm_held_stop(struct gaon_ws_context *ctx)
{
	struct drm_held *held = &ctx->held;

	if (!held->running)
		return;
	pthread_mutex_lock(&held->lock);
	held->stop = true;
	held_signal(ctx);
	pthread_mutex_unlock(&held->lock);
	pthread_join(held->thread, NULL);
	pthread_cond_destroy(&held->wake);
	drm_sync_destroy(ctx->ws, held->syncobj);
}
