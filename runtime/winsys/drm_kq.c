// SPDX-License-Identifier: MIT
/*
 * Kernel-owned queues behind the same ring. A doorbell makes a job of each packet that was published: its
 * list is the packet and one more, which stores the read index, so that ring and completion values work
 * as with a user-mode queue. One job per packet, so that the number of a job that faults names the packet.
 *
 * Life of a list: its two packets are the ring entry's own, written when the packet is handed over and again
 * only when the producer uses the entry again, which it does when the read index has passed it (the device
 * has fetched both by then) or the queue was cleared (the kernel has taken it off the device by then).
 *
 * The device refuses WAIT there. The packet is handed over as a NOP when the word is as it must be, and what
 * is behind it stays here until then: drm_held.c. The order of queues is thus kept by the host:
 * were it left to the kernel's fences, work would start on the results of a job that failed.
 */
#include "drm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define KQ_DEPTH_LOG2_MAX	10
#define KQ_CLEAR_NS		(300ull * 1000000000)	/* jobs given up: a reset, at worst */
#define KQ_SETTLE_NS		(1000ull * 1000000)
#define KQ_SETTLE_BATCH		64
#define SCOPE_HOST		(GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4)

/* --- words that WAITs look at ---------------------------------------------------------------- */

static const uint64_t *word_find(struct gaon_ws_context *ctx, uint64_t va)
{
	const uint64_t *word = NULL;
	struct gaon_ws_bo *bo;

	pthread_mutex_lock(&ctx->words_lock);
	for (bo = ctx->words; bo && !word; bo = bo->next_word) {
		if (va >= bo->va && va - bo->va < bo->bytes)
			word = (const uint64_t *)(bo->cpu + (va - bo->va));
	}
	pthread_mutex_unlock(&ctx->words_lock);
	return word;
}

static bool wait_is_over(const struct gaon_pkt_wait *wait, uint64_t value)
{
	switch (wait->op) {
	case GAON_WAIT_GE:
		return value >= wait->operand;
	case GAON_WAIT_EQ:
		return value == wait->operand;
	default:
		return value & wait->operand;
	}
}

bool drm_kq_satisfied(struct gaon_ws_context *ctx, const struct gaon_packet *packet)
{
	const uint64_t *word = NULL;

	if (packet->wait.op <= GAON_WAIT_MASK && !(packet->wait.va & 7))
		word = word_find(ctx, packet->wait.va);
	return !word || wait_is_over(&packet->wait, __atomic_load_n(word, __ATOMIC_ACQUIRE));
}

/* --- handing over ---------------------------------------------------------------------------- */

/* The list of ring entry @index; false: it waits, and so does what is behind it. */
static bool kq_write_list(struct gaon_ws_queue *queue, uint64_t index)
{
	uint64_t entry = index & ((1ull << queue->ring_log2) - 1);
	struct drm_kq *kq = queue->kq;
	struct gaon_packet packet = queue->ring[entry];

	if (packet.type == GAON_PKT_WAIT && word_find(queue->ctx, packet.wait.va)) {
		if (!drm_kq_satisfied(queue->ctx, &packet))
			return false;
		packet.type = GAON_PKT_NOP;
		memset(packet.payload, 0, sizeof(packet.payload));
	}
	kq->list[2 * entry] = packet;
	kq->list[2 * entry + 1] = (struct gaon_packet){
		.type = GAON_PKT_SIGNAL,
		.scope = SCOPE_HOST,
		.flags = GAON_PKT_F_BARRIER | GAON_PKT_F_SIGNAL,
		.signal_va = kq->read_va,
		.signal_value = index + 1,
	};
	return true;
}

/* What is published now. Who publishes more rings: the same dance as the device's before it sleeps. */
static uint64_t kq_published(struct gaon_ws_queue *queue)
{
	struct gaon_queue_state *state = queue->state;
	uint64_t write, seen;

	do {
		write = __atomic_load_n(&state->write, __ATOMIC_ACQUIRE);
		__atomic_store_n(&state->event_idx, write, __ATOMIC_RELAXED);
		atomic_thread_fence(memory_order_seq_cst);
		seen = __atomic_load_n(&state->write, __ATOMIC_ACQUIRE);
	} while (seen != write);
	return write;
}

/* Jobs of the next packets; how many. */
static uint32_t kq_gather(struct gaon_ws_queue *queue, struct drm_gaon_job *jobs)
{
	uint64_t write = kq_published(queue), entry;
	struct drm_kq *kq = queue->kq;
	uint32_t n = 0;

	kq->holds = false;
	while (n < DRM_GAON_SUBMIT_MAX_JOBS && kq->submitted + n < write) {
		if (!kq_write_list(queue, kq->submitted + n)) {
			kq->holds = true;
			break;
		}
		entry = (kq->submitted + n) & ((1ull << queue->ring_log2) - 1);
		jobs[n++] = (struct drm_gaon_job){
			.list_va = kq->list_va + 2 * entry * sizeof(struct gaon_packet),
			.count = 2,
		};
	}
	return n;
}

/* Fences of a queue are signalled in order: the last one's stands for all. */
static int kq_submit(struct gaon_ws_queue *queue, struct drm_gaon_job *jobs, uint32_t count)
{
	struct drm_kq *kq = queue->kq;
	struct drm_gaon_sync sync = {
		.flags = DRM_GAON_SYNC_TIMELINE | DRM_GAON_SYNC_SIGNAL,
		.handle = kq->syncobj,
		.timeline_value = kq->jobs + count,
	};
	struct drm_gaon_submit submit = {
		.queue_id = queue->handle,
		.jobs = { .stride = sizeof(*jobs), .count = count, .array = (uintptr_t)jobs },
	};

	jobs[count - 1].syncs = (struct drm_gaon_obj_array){
		.stride = sizeof(sync), .count = 1, .array = (uintptr_t)&sync,
	};
	return drm_sys.ioctl(queue->ctx->ws->fd, DRM_IOCTL_GAON_SUBMIT, &submit);
}

/* kq->lock held. */
static void kq_refused(struct gaon_ws_queue *queue, int err)
{
	struct drm_kq *kq = queue->kq;

	switch (err) {
	case -EIO:		/* it has faulted: who waits asks for the fault */
	case -ECANCELED:	/* for good */
		atomic_store(&kq->stopped, true);
		break;
	case -ENOMEM:
	case -EBUSY:		/* a reset is under way */
		kq->again = true;
		break;
	default:
		atomic_store(&kq->stopped, true);
		drm_lose(queue->ctx->ws, err == -ENODEV ? "the device or its driver was removed" :
			 strerror(-err));
	}
}

unsigned int drm_kq_pump(struct gaon_ws_queue *queue)
{
	struct drm_gaon_job jobs[DRM_GAON_SUBMIT_MAX_JOBS];
	struct drm_kq *kq = queue->kq;
	unsigned int done = 0;
	uint32_t count;
	int err = 0;

	pthread_mutex_lock(&kq->lock);
	if (kq->holds || kq->again)
		done |= DRM_KQ_WAS_HELD;
	kq->again = false;
	while (!err && !atomic_load(&kq->stopped) && (count = kq_gather(queue, jobs))) {
		err = kq_submit(queue, jobs, count);
		if (err) {
			kq_refused(queue, err);
			break;
		}
		kq->submitted += count;
		kq->jobs += count;
		done |= DRM_KQ_MOVED;
	}
	if (atomic_load(&kq->stopped))
		kq->holds = false;
	if (kq->holds || kq->again)
		done |= DRM_KQ_HELD;
	pthread_mutex_unlock(&kq->lock);
	return done;
}

void drm_kq_doorbell(struct gaon_ws_queue *queue)
{
	drm_held_note(queue, drm_kq_pump(queue));
}

void drm_kq_resume(struct gaon_ws_queue *queue)
{
	if (atomic_exchange(&queue->kq->stopped, false))
		drm_kq_doorbell(queue);
}

/* --- what others want to know ---------------------------------------------------------------- */

bool drm_kq_held(struct gaon_ws_queue *queue, struct drm_kq_hold *out)
{
	struct drm_kq *kq = queue->kq;
	bool held;

	pthread_mutex_lock(&kq->lock);
	held = kq->holds || kq->again;
	out->again = kq->again;
	out->at = kq->submitted;
	if (kq->holds)
		out->wait = queue->ring[kq->submitted & ((1ull << queue->ring_log2) - 1)];
	pthread_mutex_unlock(&kq->lock);
	return held;
}

uint64_t drm_kq_find(struct gaon_ws_queue *queue, const struct gaon_packet *wait)
{
	uint64_t size = 1ull << queue->ring_log2, at, point = 0;
	struct drm_kq *kq = queue->kq;

	pthread_mutex_lock(&kq->lock);
	at = kq->submitted > size && kq->submitted - size > kq->first ? kq->submitted - size : kq->first;
	for (; at < kq->submitted && !point; at++) {
		const struct gaon_packet *packet = &kq->list[2 * (at & (size - 1))];

		if (packet->flags & GAON_PKT_F_SIGNAL && packet->signal_va == wait->wait.va &&
		    wait_is_over(&wait->wait, packet->signal_value))
			point = kq->jobs - (kq->submitted - at) + 1;
	}
	pthread_mutex_unlock(&kq->lock);
	return point;
}

uint64_t drm_kq_packet(struct gaon_ws_queue *queue, uint64_t job)
{
	struct drm_kq *kq = queue->kq;
	uint64_t packet;

	pthread_mutex_lock(&kq->lock);
	packet = kq->submitted - kq->jobs + job;
	pthread_mutex_unlock(&kq->lock);
	return packet;
}

/* An index of the hardware's ring: it lies among those of the jobs since the queue was made or cleared. */
uint32_t drm_kq_launch(struct gaon_ws_queue *queue, uint32_t index)
{
	struct drm_kq *kq = queue->kq;
	uint64_t end, at;
	uint32_t packet;

	pthread_mutex_lock(&kq->lock);
	end = kq->ring_index + (kq->submitted - kq->first) * DRM_GAON_JOB_PACKETS;
	at = end - (uint32_t)(end - index);
	packet = (uint32_t)(kq->first + (at - kq->ring_index) / DRM_GAON_JOB_PACKETS);
	pthread_mutex_unlock(&kq->lock);
	return packet;
}

/* The point of what the device has completed, if the kernel may not know it yet; else 0. */
static uint64_t kq_unsettled(struct gaon_ws_queue *queue)
{
	uint64_t read = __atomic_load_n(&queue->state->read, __ATOMIC_ACQUIRE), point = 0;
	struct drm_kq *kq = queue->kq;

	pthread_mutex_lock(&kq->lock);
	if (read > kq->first && read <= kq->submitted)
		point = kq->jobs - (kq->submitted - read);
	if (point <= kq->settled)
		point = 0;
	else
		kq->settled = point;
	pthread_mutex_unlock(&kq->lock);
	return point;
}

void drm_kq_settle(struct gaon_ws_context *ctx)
{
	uint32_t handles[KQ_SETTLE_BATCH], count = 0, i;
	uint64_t points[KQ_SETTLE_BATCH], point;
	struct gaon_ws_queue *queue;

	pthread_mutex_lock(&ctx->lock);
	for (queue = ctx->queues; queue && count < KQ_SETTLE_BATCH; queue = queue->next) {
		point = kq_unsettled(queue);
		if (!point)
			continue;
		handles[count] = queue->kq->syncobj;
		points[count++] = point;
	}
	pthread_mutex_unlock(&ctx->lock);
	for (i = 0; i < count; i++)
		drm_sync_wait(ctx->ws, &handles[i], &points[i], 1, rt_now_ns() + KQ_SETTLE_NS, NULL);
}

/* --- life ------------------------------------------------------------------------------------ */

static int kq_make_memory(struct gaon_ws_queue *queue)
{
	uint64_t ring_bytes = winsys_ring_bytes(queue->ring_log2);
	struct drm_kq *kq = queue->kq;
	int err;

	err = drm_bo_create(queue->ctx, 2 * ring_bytes + sizeof(struct gaon_queue_state), GAON_WS_HOST,
			    GAON_WS_BO_CPU | GAON_WS_BO_OWN, NULL, &queue->bo);
	if (err)
		return err;
	kq->list = (struct gaon_packet *)queue->bo->cpu;
	kq->list_va = queue->bo->va;
	queue->state = (struct gaon_queue_state *)(queue->bo->cpu + 2 * ring_bytes);
	kq->read_va = kq->list_va + 2 * ring_bytes + offsetof(struct gaon_queue_state, read);
	queue->ring = aligned_alloc(sizeof(struct gaon_packet), ring_bytes);
	if (!queue->ring)
		return -ENOMEM;
	memset(queue->ring, 0, ring_bytes);
	return 0;
}

/* Nothing of the queue is under way. */
static int kq_ask_index(struct gaon_ws_queue *queue)
{
	struct drm_gaon_queue_query query = { .queue_id = queue->handle };
	int err = drm_call(queue->ctx->ws, DRM_IOCTL_GAON_QUEUE_STATE, &query);

	queue->kq->ring_index = query.ring_index;
	return err;
}

static int kq_start(struct gaon_ws_queue *queue, uint8_t priority, uint64_t limit_cycles)
{
	struct gaon_ws_context *ctx = queue->ctx;
	struct drm_gaon_queue_create create = {
		.vm_id = ctx->vm,
		.priority = priority,
		.ring_log2 = queue->ring_log2 < KQ_DEPTH_LOG2_MAX ? queue->ring_log2 : KQ_DEPTH_LOG2_MAX,
		.limit_cycles = limit_cycles,
	};
	int err = drm_call(ctx->ws, DRM_IOCTL_GAON_QUEUE_CREATE, &create);

	if (err)	/* all else is right: the driver bounds the work of its queues */
		return err == -EMFILE ? -ENOSPC : err == -ECANCELED ? -ENODEV :
		       err == -EINVAL && limit_cycles ? -ERANGE : err;
	queue->handle = create.queue_id;
	queue->hw_id = create.hw_id;
	err = kq_ask_index(queue);
	if (err) {
		drm_queue_destroy_handle(queue);
		return err;
	}
	pthread_mutex_lock(&ctx->lock);
	queue->kq->serial = ++ctx->serials;
	queue->next = ctx->queues;
	ctx->queues = queue;
	pthread_mutex_unlock(&ctx->lock);
	return 0;
}

/* What is not the kernel's queue. */
static void kq_free(struct gaon_ws_queue *queue)
{
	struct drm_kq *kq = queue->kq;

	if (kq->syncobj)
		drm_sync_destroy(queue->ctx->ws, kq->syncobj);
	free(queue->ring);
	if (queue->bo)
		drm_bo_destroy(queue->bo);
	pthread_mutex_destroy(&kq->lock);
	free(kq);
}

int drm_kq_create(struct gaon_ws_queue *queue, uint8_t priority, uint64_t limit_cycles)
{
	int err;

	queue->kq = calloc(1, sizeof(*queue->kq));
	if (!queue->kq)
		return -ENOMEM;
	pthread_mutex_init(&queue->kq->lock, NULL);
	err = drm_held_start(queue->ctx);
	if (!err)
		err = kq_make_memory(queue);
	if (!err)
		err = drm_sync_create(queue->ctx->ws, &queue->kq->syncobj);
	if (!err)
		err = kq_start(queue, priority, limit_cycles);
	if (err)
		kq_free(queue);
	return err;
}

/* Already off the context's list: nobody finds it there. */
void drm_kq_destroy(struct gaon_ws_queue *queue)
{
	drm_held_remove(queue);
	drm_queue_destroy_handle(queue);
	kq_free(queue);
}

/* The kernel signals the fences of what it dropped when the device has nothing of it any more. */
int drm_kq_clear(struct gaon_ws_queue *queue)
{
	struct drm_gaon_queue_clear clear = { .queue_id = queue->handle };
	struct gaon_queue_state *state = queue->state;
	struct drm *ws = queue->ctx->ws;
	struct drm_kq *kq = queue->kq;
	uint64_t point;
	int err = 0;

	pthread_mutex_lock(&kq->lock);
	atomic_store(&kq->stopped, true);
	point = kq->jobs;
	pthread_mutex_unlock(&kq->lock);
	if (point)
		err = drm_sync_wait(ws, &kq->syncobj, &point, 1, rt_now_ns() + KQ_CLEAR_NS, NULL);
	if (!err)
		err = drm_call(ws, DRM_IOCTL_GAON_QUEUE_CLEAR, &clear);
	if (err)
		return err;
	pthread_mutex_lock(&kq->lock);
	kq_ask_index(queue);	/* if that fails the device is lost */
	/* What was published while it stood still moved the index on, and nobody asked to hear of more. */
	kq->submitted = kq_published(queue);
	kq->first = kq->submitted;
	kq->holds = kq->again = false;
	kq->settled = point;
	__atomic_store_n(&state->read, kq->submitted, __ATOMIC_RELEASE);
	atomic_store(&kq->stopped, false);
	pthread_mutex_unlock(&kq->lock);
	return 0;
}
