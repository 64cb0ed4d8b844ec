// SPDX-License-Identifier: MIT
#include "runtime_fake.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FAKE_QUEUES	16

struct fake_ws {
	struct gaon_winsys ws;
	struct gaon_identify identify;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop, rung;
	struct gaon_ws_queue *queues[FAKE_QUEUES];
	uint64_t launches;
};

struct gaon_ws_context {
	struct fake_ws *ws;
};

/* Device addresses are host addresses. */
struct gaon_ws_bo {
	struct gaon_ws_context *ctx;
	struct gaon_ws_bo_info info;
};

struct gaon_ws_queue {
	struct gaon_ws_context *ctx;
	struct gaon_packet *ring;
	struct gaon_queue_state *state;
	uint32_t log2, id;
	uint64_t read;
	bool faulted, told;
};

struct fake_control fake;

/* --- the device ------------------------------------------------------------------------------ */

static uint64_t *word_at(uint64_t va)
{
	return (uint64_t *)(uintptr_t)va;
}

static void packet_launch(struct fake_ws *ws, const struct gaon_packet *p)
{
	const uint64_t *args = word_at(p->launch.args_va);

	if (!args)
		return;
	atomic_fetch_add(&fake.launch_sum, args[0]);
	if (args[1] != ws->launches++)
		atomic_fetch_add(&fake.launch_disorder, 1);
}

/* False: it must wait. */
static bool packet_do(struct fake_ws *ws, const struct gaon_packet *p)
{
	uint64_t i;

	switch (p->type) {
	case GAON_PKT_WAIT:
		return __atomic_load_n(word_at(p->wait.va), __ATOMIC_ACQUIRE) >= p->wait.operand;
	case GAON_PKT_COPY:
		memcpy(word_at(p->copy.dst_va), word_at(p->copy.src_va), p->copy.bytes);
		break;
	case GAON_PKT_FILL:
		for (i = 0; i < p->fill.bytes; i += p->fill.pattern_size)
			memcpy((uint8_t *)word_at(p->fill.dst_va) + i, &p->fill.pattern,
			       p->fill.pattern_size);
		break;
	case GAON_PKT_TIMESTAMP:
		__atomic_store_n(word_at(p->timestamp.va), ws->launches, __ATOMIC_RELEASE);
		break;
	case GAON_PKT_LAUNCH:
		packet_launch(ws, p);
		break;
	}
	return true;
}

static bool queue_step(struct fake_ws *ws, struct gaon_ws_queue *q)
{
	uint64_t write = __atomic_load_n(&q->state->write, __ATOMIC_ACQUIRE);
	struct gaon_packet p;

	if (q->faulted || q->read == write || atomic_load(&fake.hold))
		return false;
	if ((int64_t)q->read == atomic_load(&fake.fault_at)) {
		q->faulted = true;
		q->told = false;
		__atomic_store_n(&q->state->status, GAON_QUEUE_FAULTED, __ATOMIC_RELEASE);
		return true;
	}
	p = q->ring[q->read & ((1u << q->log2) - 1)];
	if (!packet_do(ws, &p))
		return false;
	q->read++;
	atomic_fetch_add(&fake.packets, 1);
	__atomic_store_n(&q->state->read, q->read + atomic_load(&fake.read_lie), __ATOMIC_RELEASE);
	if (p.flags & GAON_PKT_F_SIGNAL)
		__atomic_store_n(word_at(p.signal_va), p.signal_value, __ATOMIC_RELEASE);
	if (p.flags & GAON_PKT_F_EVENT)
		atomic_fetch_add(&fake.events, 1);
	return true;
}

/*
 * Sleeps only after it has said at which index it wants the doorbell, and looked again. That index is its
 * own: one that it loads here would hide what was published since it looked last.
 */
static bool queues_sleep(struct fake_ws *ws)
{
	bool empty = true;
	int i;

	for (i = 0; i < FAKE_QUEUES; i++) {
		struct gaon_ws_queue *q = ws->queues[i];

		if (!q || q->faulted)
			continue;
		__atomic_store_n(&q->state->event_idx, q->read, __ATOMIC_RELAXED);
		atomic_thread_fence(memory_order_seq_cst);
		empty &= __atomic_load_n(&q->state->write, __ATOMIC_ACQUIRE) == q->read;
	}
	return empty;
}

/* Without the lock, as it is when the thread loses its processor. */
static void nap(struct fake_ws *ws)
{
	const struct timespec nap = { .tv_nsec = 20000 };

	pthread_mutex_unlock(&ws->lock);
	nanosleep(&nap, NULL);
	pthread_mutex_lock(&ws->lock);
}

static void drowse(struct fake_ws *ws)
{
	while (atomic_load(&fake.drowse) && !ws->stop) {
		atomic_store(&fake.drowsing, true);
		nap(ws);
	}
	atomic_store(&fake.drowsing, false);
}

static void *fake_thread(void *arg)
{
	struct fake_ws *ws = arg;
	int i;

	pthread_mutex_lock(&ws->lock);
	while (!ws->stop) {
		bool moved = false, waiting = atomic_load(&fake.hold);

		for (i = 0; i < FAKE_QUEUES; i++) {
			struct gaon_ws_queue *q = ws->queues[i];

			if (!q)
				continue;
			moved |= queue_step(ws, q);
			waiting |= !q->faulted && q->read != __atomic_load_n(&q->state->write,
									      __ATOMIC_ACQUIRE);
		}
		if (moved)
			continue;
		if (waiting) {		/* in a WAIT: memory is looked at now and then */
			nap(ws);
			continue;
		}
		drowse(ws);
		if (queues_sleep(ws)) {
			while (!ws->rung && !ws->stop)
				pthread_cond_wait(&ws->wake, &ws->lock);
			ws->rung = false;
		}
	}
	pthread_mutex_unlock(&ws->lock);
	return NULL;
}

/* --- the winsys ------------------------------------------------------------------------------ */

static void ring(struct fake_ws *ws)
{
	pthread_mutex_lock(&ws->lock);
	ws->rung = true;
	pthread_cond_signal(&ws->wake);
	pthread_mutex_unlock(&ws->lock);
}

static void fake_close(struct gaon_winsys *winsys)
{
	struct fake_ws *ws = (struct fake_ws *)winsys;

	pthread_mutex_lock(&ws->lock);
	ws->stop = true;
	pthread_cond_signal(&ws->wake);
	pthread_mutex_unlock(&ws->lock);
	pthread_join(ws->thread, NULL);
	free(ws);
}

static const struct gaon_identify *fake_identify(struct gaon_winsys *ws)
{
	return &((struct fake_ws *)ws)->identify;
}

static int fake_mem_info(struct gaon_winsys *ws, uint64_t *free_bytes, uint64_t *total)
{
	(void)ws;
	*free_bytes = *total = 1 << 30;
	return 0;
}

static int fake_context_create(struct gaon_winsys *ws, struct gaon_ws_context **out)
{
	*out = calloc(1, sizeof(**out));
	(*out)->ws = (struct fake_ws *)ws;
	atomic_fetch_add(&fake.contexts, 1);
	return 0;
}

static void fake_context_destroy(struct gaon_ws_context *ctx)
{
	atomic_fetch_sub(&fake.contexts, 1);
	free(ctx);
}

static uint32_t fake_context_id(struct gaon_ws_context *ctx)
{
	(void)ctx;
	return 1;
}

static struct gaon_print_ring *fake_print(struct gaon_ws_context *ctx)
{
	(void)ctx;
	return NULL;
}

static int fake_bo_create(struct gaon_ws_context *ctx, uint64_t bytes,
			  enum gaon_ws_placement placement, uint32_t flags, void *user,
			  struct gaon_ws_bo **out)
{
	uint64_t offset = (uintptr_t)user & 4095;
	struct gaon_ws_bo *bo;

	(void)flags;
	if (atomic_load(&fake.bo_fail_in) && atomic_fetch_sub(&fake.bo_fail_in, 1) == 1)
		return -ENOMEM;
	bo = calloc(1, sizeof(*bo));
	bo->ctx = ctx;
	bo->info.placement = placement;
	bo->info.bytes = (bytes + offset + 4095) & ~4095ull;
	bo->info.cpu = placement == GAON_WS_USER ? (uint8_t *)user - offset :
		       aligned_alloc(4096, bo->info.bytes);
	bo->info.va = (uintptr_t)bo->info.cpu;
	if (placement != GAON_WS_USER)
		memset(bo->info.cpu, 0, bo->info.bytes);
	atomic_fetch_add(&fake.bos, 1);
	*out = bo;
	return 0;
}

/* Its addresses are the host's: there is no choice. */
static int fake_bo_create_at(struct gaon_ws_context *ctx, uint64_t va, uint64_t bytes,
			     enum gaon_ws_placement placement, uint32_t flags, struct gaon_ws_bo **out)
{
	(void)ctx;
	(void)va;
	(void)bytes;
	(void)placement;
	(void)flags;
	(void)out;
	return -EADDRINUSE;
}

static void fake_bo_info(const struct gaon_ws_bo *bo, struct gaon_ws_bo_info *out)
{
	*out = bo->info;
}

static int fake_bo_protect(struct gaon_ws_bo *bo, uint64_t offset, uint64_t bytes, uint32_t flags)
{
	(void)flags;
	return offset + bytes <= bo->info.bytes ? 0 : -EINVAL;
}

static void fake_bo_flush(struct gaon_ws_bo *bo)
{
	(void)bo;
	atomic_fetch_add(&fake.flushes, 1);
}

static int fake_bo_export(struct gaon_ws_bo *bo, int *fd)
{
	(void)bo;
	(void)fd;
	return -EOPNOTSUPP;
}

static int fake_bo_import(struct gaon_ws_context *ctx, int fd, uint32_t flags,
			  struct gaon_ws_bo **out)
{
	(void)ctx;
	(void)fd;
	(void)flags;
	(void)out;
	return -EOPNOTSUPP;
}

static void fake_bo_destroy(struct gaon_ws_bo *bo)
{
	if (bo->info.placement != GAON_WS_USER)
		free(bo->info.cpu);
	free(bo);
	atomic_fetch_sub(&fake.bos, 1);
}

static int fake_queue_create(struct gaon_ws_context *ctx, uint32_t ring_log2, uint8_t priority,
			     uint64_t limit_cycles, struct gaon_ws_queue **out)
{
	struct gaon_ws_queue *q = calloc(1, sizeof(*q));
	uint32_t id = 0;

	(void)priority;
	(void)limit_cycles;
	q->ctx = ctx;
	q->log2 = ring_log2;
	q->ring = aligned_alloc(64, sizeof(*q->ring) << ring_log2);
	q->state = aligned_alloc(64, sizeof(*q->state));
	memset(q->state, 0, sizeof(*q->state));
	pthread_mutex_lock(&ctx->ws->lock);
	while (id < FAKE_QUEUES && ctx->ws->queues[id])
		id++;
	if (id < FAKE_QUEUES)
		ctx->ws->queues[id] = q;
	pthread_mutex_unlock(&ctx->ws->lock);
	if (id == FAKE_QUEUES) {
		free(q->ring);
		free(q->state);
		free(q);
		return -ENOSPC;
	}
	q->id = id;
	atomic_fetch_add(&fake.queues, 1);
	*out = q;
	return 0;
}

static void fake_queue_info(const struct gaon_ws_queue *q, struct gaon_ws_queue_info *out)
{
	*out = (struct gaon_ws_queue_info){ q->ring, q->state, q->log2, q->id };
}

static void fake_queue_doorbell(struct gaon_ws_queue *q)
{
	struct timespec slow = { .tv_nsec = atomic_load(&fake.doorbell_ns) };

	if (slow.tv_nsec)
		nanosleep(&slow, NULL);
	atomic_fetch_add(&fake.doorbells, 1);
	ring(q->ctx->ws);
}

static int fake_queue_fault(struct gaon_ws_queue *q, struct gaon_fault_record *out)
{
	pthread_mutex_lock(&q->ctx->ws->lock);
	*out = (struct gaon_fault_record){ 0 };
	if (q->faulted) {
		*out = fake.fault;
		out->sequence = q->read;
		q->told = true;
	}
	pthread_mutex_unlock(&q->ctx->ws->lock);
	return 0;
}

static int fake_queue_clear(struct gaon_ws_queue *q)
{
	pthread_mutex_lock(&q->ctx->ws->lock);
	q->faulted = q->told = false;
	atomic_store(&fake.fault_at, -1);
	q->read = __atomic_load_n(&q->state->write, __ATOMIC_ACQUIRE);
	__atomic_store_n(&q->state->read, q->read, __ATOMIC_RELEASE);
	pthread_mutex_unlock(&q->ctx->ws->lock);
	ring(q->ctx->ws);
	return 0;
}

static void fake_queue_destroy(struct gaon_ws_queue *q)
{
	pthread_mutex_lock(&q->ctx->ws->lock);
	q->ctx->ws->queues[q->id] = NULL;
	pthread_mutex_unlock(&q->ctx->ws->lock);
	atomic_fetch_sub(&fake.queues, 1);
	free(q->ring);
	free(q->state);
	free(q);
}

static bool any_untold(struct fake_ws *ws)
{
	bool any = false;
	int i;

	pthread_mutex_lock(&ws->lock);
	for (i = 0; i < FAKE_QUEUES; i++)
		any |= ws->queues[i] && ws->queues[i]->faulted && !ws->queues[i]->told;
	pthread_mutex_unlock(&ws->lock);
	return any;
}

static int fake_wait(struct gaon_ws_context *ctx, const uint64_t *cpu, uint64_t value,
		     uint64_t timeout_ns)
{
	uint64_t start = rt_now_ns();
	struct timespec nap = { .tv_nsec = 20000 };
	/* A sleeper of a device that must be asked notices nothing else than events. */
	bool deaf = atomic_load(&fake.wake_flags) && timeout_ns > 100000;
	uint32_t events = atomic_load(&fake.events);

	for (;;) {
		if (deaf && events == atomic_load(&fake.events) && !any_untold(ctx->ws) &&
		    !atomic_load(&fake.lost) && rt_now_ns() - start < timeout_ns) {
			nanosleep(&nap, NULL);
			continue;
		}
		events = atomic_load(&fake.events);
		if (__atomic_load_n(cpu, __ATOMIC_ACQUIRE) >= value)
			return 0;
		if (any_untold(ctx->ws))
			return -EIO;
		if (atomic_load(&fake.lost))
			return -ENODEV;
		if (rt_now_ns() - start >= timeout_ns)
			return -ETIME;
		nanosleep(&nap, NULL);
	}
}

static int fake_telemetry(struct gaon_winsys *ws, struct gaon_telemetry *out)
{
	(void)ws;
	memset(out, 0, sizeof(*out));
	return atomic_load(&fake.lost) ? -ENODEV : 0;
}

static int fake_correlate(struct gaon_winsys *ws, uint64_t *cycle, uint64_t *host_ns)
{
	(void)ws;
	*cycle = *host_ns = rt_now_ns();
	return 0;
}

static const struct gaon_winsys_ops fake_ops = {
	.name = "fake", .close = fake_close, .identify = fake_identify, .telemetry = fake_telemetry,
	.mem_info = fake_mem_info, .correlate = fake_correlate,
	.context_create = fake_context_create, .context_destroy = fake_context_destroy,
	.context_id = fake_context_id, .context_print_ring = fake_print,
	.bo_create = fake_bo_create, .bo_create_at = fake_bo_create_at,
	.bo_info = fake_bo_info, .bo_protect = fake_bo_protect,
	.bo_flush = fake_bo_flush, .bo_export = fake_bo_export, .bo_import = fake_bo_import,
	.bo_destroy = fake_bo_destroy, .queue_create = fake_queue_create,
	.queue_info = fake_queue_info, .queue_doorbell = fake_queue_doorbell,
	.queue_fault = fake_queue_fault, .queue_clear = fake_queue_clear,
	.queue_destroy = fake_queue_destroy, .wait = fake_wait,
};

enum gaon_status fake_open(struct gaon_device **dev)
{
	struct fake_ws *ws = calloc(1, sizeof(*ws));
	uint16_t wake_flags = atomic_load(&fake.wake_flags);

	memset(&fake, 0, sizeof(fake));
	atomic_store(&fake.wake_flags, wake_flags);
	ws->ws.wake_flags = wake_flags;
	atomic_store(&fake.fault_at, -1);
	ws->ws.ops = &fake_ops;
	ws->ws.transport = "fake";
	strcpy(ws->ws.name, "fake");
	ws->identify.cores = 4;
	ws->identify.vlen = 4096;
	ws->identify.spm_bytes = 4 << 20;
	ws->identify.clock_khz = 1000000;
	ws->identify.queues = FAKE_QUEUES;
	pthread_mutex_init(&ws->lock, NULL);
	pthread_cond_init(&ws->wake, NULL);
	pthread_create(&ws->thread, NULL, fake_thread, ws);
	return rt_device_open_winsys(&ws->ws, dev);
}
