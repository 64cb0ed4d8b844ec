// SPDX-License-Identifier: MIT
/*
 * Timeline syncobjs, and kernel-owned queues: in the kernel that is none these are user-mode queues
 * of its own, into whose ring the packets of jobs are copied one by one. It refuses what a
 * kernel-owned queue refuses.
 */
#include "drm_kernel_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <hw/gaon_pte.h>

#define RING_LOG2	14
#define RING_VA(id)	(KERNEL_VA_MAX + ((uint64_t)(id) << 24))
#define EXPORTS		64

/* A point of a timeline; pending while @queue is set and its job @job is not over. */
struct kpoint {
	uint64_t value, job;
	struct kqueue *queue;
};

struct ksync {
	int refs;
	struct ksync *next;		/* all there are */
	uint64_t done;			/* all up to here are signalled */
	struct kpoint *points;		/* behind it, ascending */
	uint32_t count, room;
};

static struct ksync *all;
static struct { ino_t inode; struct ksync *sync; } exports[EXPORTS];

/* --- jobs ------------------------------------------------------------------------------------ */

/* Over: completed, or dropped since its queue stands still or was cleared. */
static bool job_is_over(const struct kqueue *q, uint64_t job)
{
	const struct gaon_queue_state *state = q->direct->state;

	return job < q->dropped || __atomic_load_n(&state->read, __ATOMIC_ACQUIRE) >= q->ends[job] ||
	       __atomic_load_n(&state->status, __ATOMIC_ACQUIRE) == GAON_QUEUE_FAULTED;
}

int kernel_kq_create(struct kqueue *q, uint32_t id, const struct drm_gaon_queue_create *args)
{
	uint64_t bytes = (sizeof(struct gaon_packet) << RING_LOG2) + GAON_PAGE_SIZE;
	int err;

	if (args->ring_log2 < 4 || args->ring_log2 > 10 || args->ring_va || args->state_va ||
	    args->limit_cycles > (uint64_t)kernel_card->identify.clock_khz * 10000)
		return -EINVAL;
	err = direct_host_alloc(kernel_card, bytes, &q->ring);
	if (err)
		return err;
	q->ring_va = RING_VA(id);
	err = direct_vm_map(&q->vm->direct->vm, q->ring_va, GAON_PA_HOST | q->ring.iova, bytes,
			    GAON_PTE_U | GAON_PTE_R | GAON_PTE_W);
	if (err) {
		direct_host_free(kernel_card, &q->ring);
		return err;
	}
	err = direct_queue_create_at(q->vm->direct, RING_LOG2, (uint8_t)args->priority,
				     args->limit_cycles, q->ring.cpu, q->ring_va, &q->direct);
	if (err) {
		direct_vm_unmap(&q->vm->direct->vm, q->ring_va, bytes);
		direct_host_free(kernel_card, &q->ring);
		return err;
	}
	q->kernel = true;
	return 0;
}

void kernel_kq_destroy(struct kqueue *q)
{
	struct ksync *sync;
	uint32_t i;

	for (sync = all; sync; sync = sync->next) {
		for (i = 0; i < sync->count; i++) {
			if (sync->points[i].queue == q)
				sync->points[i].queue = NULL;
		}
	}
	direct_vm_unmap(&q->vm->direct->vm, q->ring_va,
			(sizeof(struct gaon_packet) << RING_LOG2) + GAON_PAGE_SIZE);
	direct_host_free(kernel_card, &q->ring);
	free(q->ends);
}

void kernel_kq_clear(struct kqueue *q)
{
	q->dropped = q->jobs;
}

/* The job whose packet is at @sequence of the ring, and where in its list. */
void kernel_kq_locate(const struct kqueue *q, const struct gaon_packet *ring, uint64_t *sequence,
		      uint32_t *list_index)
{
	uint64_t job = 0, start;

	while (job < q->jobs && q->ends[job] <= *sequence)
		job++;
	start = job ? q->ends[job - 1] : 0;
	if (ring[*sequence & ((1u << RING_LOG2) - 1)].type != GAON_PKT_INDIRECT)
		*list_index = (uint32_t)(*sequence - start - 1);
	*sequence = job;
}

uint64_t kernel_kq_ring_index(const struct kqueue *q)
{
	return q->direct->state->write + 1;
}

static int job_check(const struct kqueue *q, const struct drm_gaon_job *job)
{
	/* Only as winsys/drm makes them: then a job takes as many entries as with the driver. */
	if (job->flags || job->value_base || job->args_base || job->list_va % 64 ||
	    job->count != DRM_GAON_JOB_PACKETS - 1)
		return -EINVAL;
	return kernel_vm_cpu(q->vm, job->list_va, job->count * sizeof(struct gaon_packet)) ? 0 : -EFAULT;
}

static struct gaon_packet *ring_entry(struct kqueue *q, uint64_t index)
{
	return &q->direct->ring[index & ((1u << RING_LOG2) - 1)];
}

/*
 * What stands before the list, as the driver's first packet does, and the list. A WAIT becomes a
 * CALL, which a user-mode queue refuses for the same reason.
 */
static void job_copy(struct kqueue *q, const struct drm_gaon_job *job)
{
	const struct gaon_packet *list = (void *)kernel_vm_cpu(q->vm, job->list_va,
							       job->count * sizeof(*list));
	struct gaon_queue_state *state = q->direct->state;
	uint64_t write = state->write;
	uint32_t i;

	*ring_entry(q, write++) = (struct gaon_packet){ .type = GAON_PKT_NOP, .flags = GAON_PKT_F_BARRIER };
	for (i = 0; i < job->count; i++, write++) {
		struct gaon_packet *to = ring_entry(q, write);

		*to = list[i];
		to->flags |= GAON_PKT_F_BARRIER;
		if (to->type == GAON_PKT_WAIT)
			to->type = GAON_PKT_CALL;
	}
	if (!(q->jobs & (q->jobs - 1)))
		q->ends = realloc(q->ends, (q->jobs ? 2 * q->jobs : 1) * sizeof(*q->ends));
	q->ends[q->jobs++] = write;
	__atomic_store_n(&state->write, write, __ATOMIC_RELEASE);
	atomic_fetch_add(&drm_kernel.jobs, 1);
}

static struct ksync *sync_of(struct kfile *file, uint32_t handle)
{
	return handle < KERNEL_HANDLES ? file->syncs[handle] : NULL;
}

static void sync_add(struct ksync *sync, struct kpoint point)
{
	if (sync->count == sync->room) {
		sync->room = sync->room ? 2 * sync->room : 8;
		sync->points = realloc(sync->points, sync->room * sizeof(*sync->points));
	}
	sync->points[sync->count++] = point;
}

/* Only what winsys/drm asks for: points to signal, of the last job. */
static int submit_sync(struct kfile *file, const struct kqueue *q, const struct drm_gaon_job *job,
		       const struct drm_gaon_sync **out)
{
	const struct drm_gaon_sync *sync = (void *)(uintptr_t)job->syncs.array;

	(void)q;
	*out = NULL;
	if (!job->syncs.count)
		return job->syncs.stride || job->syncs.array ? -EINVAL : 0;
	if (job->syncs.count != 1 || job->syncs.stride != sizeof(*sync) ||
	    sync->flags != DRM_GAON_SYNC_FLAGS || !sync->timeline_value)
		return -EINVAL;
	*out = sync;
	return sync_of(file, sync->handle) ? 0 : -ENOENT;
}

int kernel_submit(struct kfile *file, struct drm_gaon_submit *args)
{
	struct kqueue *q = args->queue_id < KERNEL_HANDLES ? file->queues[args->queue_id] : NULL;
	const struct drm_gaon_job *jobs = (void *)(uintptr_t)args->jobs.array;
	const struct drm_gaon_sync *sync;
	uint64_t packets = 0;
	uint32_t i;
	int err = 0;

	if (!q || !q->kernel)
		return q ? -EINVAL : -ENOENT;
	if (args->flags || args->jobs.stride != sizeof(*jobs) || !args->jobs.count ||
	    args->jobs.count > DRM_GAON_SUBMIT_MAX_JOBS)
		return -EINVAL;
	for (i = 0; i < args->jobs.count && !err; i++, packets += DRM_GAON_JOB_PACKETS) {
		err = job_check(q, &jobs[i]);
		if (!err)
			err = submit_sync(file, q, &jobs[i], &sync);
	}
	if (err)
		return err;
	if (__atomic_load_n(&q->direct->state->status, __ATOMIC_ACQUIRE) == GAON_QUEUE_FAULTED)
		return -EIO;
	if (q->direct->state->write + packets - __atomic_load_n(&q->direct->state->read, __ATOMIC_ACQUIRE) >
	    1u << RING_LOG2)
		return -ENOMEM;
	for (i = 0; i < args->jobs.count; i++) {
		job_copy(q, &jobs[i]);
		submit_sync(file, q, &jobs[i], &sync);
		if (sync)
			sync_add(sync_of(file, sync->handle),
				 (struct kpoint){ sync->timeline_value, q->jobs - 1, q });
	}
	direct_queue_doorbell(q->direct);
	return 0;
}

/* --- syncobjs -------------------------------------------------------------------------------- */

static void sync_put(struct ksync *sync)
{
	struct ksync **link;
	int i;

	if (--sync->refs)
		return;
	for (link = &all; *link != sync; link = &(*link)->next)
		;
	*link = sync->next;
	for (i = 0; i < EXPORTS; i++) {
		if (exports[i].sync == sync)
			exports[i].sync = NULL;
	}
	free(sync->points);
	free(sync);
	atomic_fetch_sub(&drm_kernel.syncobjs, 1);
}

int kernel_sync_create(struct kfile *file, struct drm_syncobj_create *args)
{
	uint32_t id = kernel_handle((void **)file->syncs);

	if (args->flags || args->handle)
		return -EINVAL;
	if (!id)
		return -ENOMEM;
	file->syncs[id] = calloc(1, sizeof(struct ksync));
	file->syncs[id]->refs = 1;
	file->syncs[id]->next = all;
	all = file->syncs[id];
	args->handle = id;
	atomic_fetch_add(&drm_kernel.syncobjs, 1);
	return 0;
}

int kernel_sync_destroy(struct kfile *file, const struct drm_syncobj_destroy *args)
{
	struct ksync *sync = sync_of(file, args->handle);

	if (!sync || args->pad)
		return -EINVAL;
	file->syncs[args->handle] = NULL;
	sync_put(sync);
	return 0;
}

int kernel_sync_signal(struct kfile *file, const struct drm_syncobj_timeline_array *args)
{
	const uint32_t *handles = (void *)(uintptr_t)args->handles;
	const uint64_t *points = (void *)(uintptr_t)args->points;
	struct ksync *sync;
	uint32_t i;

	if (args->flags || !args->count_handles)
		return -EINVAL;
	for (i = 0; i < args->count_handles; i++) {
		sync = sync_of(file, handles[i]);
		if (!sync)
			return -ENOENT;
		sync_add(sync, (struct kpoint){ .value = points[i] });
	}
	return 0;
}

static bool sync_reached(struct ksync *sync, uint64_t point)
{
	uint32_t i;

	for (i = 0; i < sync->count; i++) {
		if (sync->points[i].queue && !job_is_over(sync->points[i].queue, sync->points[i].job))
			break;
		if (sync->points[i].value > sync->done)
			sync->done = sync->points[i].value;
	}
	if (!i)
		return sync->done >= point;
	sync->count -= i;
	memmove(sync->points, sync->points + i, sync->count * sizeof(*sync->points));
	return sync->done >= point;
}

int kernel_sync_query(struct kfile *file, const struct drm_syncobj_timeline_array *args)
{
	const uint32_t *handles = (void *)(uintptr_t)args->handles;
	uint64_t *points = (void *)(uintptr_t)args->points;
	uint32_t i;

	if (args->flags || !args->count_handles)
		return -EINVAL;
	for (i = 0; i < args->count_handles; i++) {
		struct ksync *sync = sync_of(file, handles[i]);

		if (!sync)
			return -ENOENT;
		sync_reached(sync, 0);
		points[i] = sync->done;
	}
	return 0;
}

/* 0: *@args->first_signaled is; -EAGAIN: none is. */
static int wait_look(struct kfile *file, struct drm_syncobj_timeline_wait *args)
{
	const uint32_t *handles = (void *)(uintptr_t)args->handles;
	const uint64_t *points = (void *)(uintptr_t)args->points;
	uint32_t i;

	for (i = 0; i < args->count_handles; i++) {
		if (!sync_of(file, handles[i]))
			return -ENOENT;
	}
	for (i = 0; i < args->count_handles; i++) {
		if (sync_reached(sync_of(file, handles[i]), points[i])) {
			args->first_signaled = i;
			return 0;
		}
	}
	return -EAGAIN;
}

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

int kernel_sync_wait(struct kfile *file, struct drm_syncobj_timeline_wait *args)
{
	const struct timespec nap = { .tv_nsec = 100000 };
	int err;

	if (args->flags != DRM_SYNCOBJ_WAIT_FLAGS_WAIT_FOR_SUBMIT || !args->count_handles || args->pad)
		return -EINVAL;
	for (;;) {
		pthread_mutex_lock(&kernel_lock);
		err = atomic_load(&drm_kernel.removed) ? -ENODEV : wait_look(file, args);
		pthread_mutex_unlock(&kernel_lock);
		if (err != -EAGAIN)
			return err;
		if (now() >= args->timeout_nsec)
			return -ETIME;
		nanosleep(&nap, NULL);
	}
}

void kernel_sync_clean(struct kfile *file)
{
	uint32_t i;

	for (i = 1; i < KERNEL_HANDLES; i++) {
		if (file->syncs[i])
			sync_put(file->syncs[i]);
		file->syncs[i] = NULL;
	}
}

/* As with dma-bufs: a file that stands for it. */
int kernel_sync_export(struct kfile *file, struct drm_syncobj_handle *args)
{
	struct ksync *sync = sync_of(file, args->handle);
	struct stat st;
	int i;

	if (!sync || args->flags || args->pad)
		return -EINVAL;
	for (i = 0; i < EXPORTS && exports[i].sync; i++)
		;
	if (i == EXPORTS)
		return -ENFILE;
	args->fd = memfd_create("syncobj", MFD_CLOEXEC);
	fstat(args->fd, &st);
	exports[i].inode = st.st_ino;
	exports[i].sync = sync;
	return 0;
}

int kernel_sync_import(struct kfile *file, struct drm_syncobj_handle *args)
{
	uint32_t id = kernel_handle((void **)file->syncs);
	struct stat st;
	int i;

	if (args->flags || args->pad || args->handle)
		return -EINVAL;
	if (fstat(args->fd, &st))
		return -EINVAL;
	for (i = 0; i < EXPORTS; i++) {
		if (exports[i].sync && exports[i].inode == st.st_ino && id) {
			exports[i].sync->refs++;
			file->syncs[id] = exports[i].sync;
			args->handle = id;
			return 0;
		}
	}
	return id ? -EINVAL : -ENOMEM;
}
