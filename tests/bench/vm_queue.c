// SPDX-License-Identifier: MIT
/* Giving work to the device: SUBMIT, and the ring of a user-mode queue. CPU time of the calling thread. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"
#include "queue_lib.h"
#include "vm_bench.h"

#define LIST		0x1000	/* offsets in the memory of struct lib */
#define GATE		0x2000
#define GATE_LIST	0x3000
#define WAIT_MS		60000
#define QUEUE_LOG2	10

/* --- SUBMIT ---------------------------------------------------------------------------------- */

/* The list lies in memory that belongs to the address space alone, as memory that is not shared should. */
static bool make_private(struct lib *lib)
{
	munmap(lib->mem, LIB_MEM_BYTES);
	if (!bench_errno_ok(uapi_unmap(lib->fd, lib->vm, LIB_MEM_VA, LIB_MEM_BYTES), "unmap") ||
	    !bench_errno_ok(uapi_bo_close(lib->fd, lib->bo), "close"))
		return false;
	lib->bo = uapi_bo(lib->fd, LIB_MEM_BYTES, DRM_GAON_BO_HOST, lib->vm);
	lib->mem = lib->bo ? uapi_mmap(lib->fd, lib->bo, LIB_MEM_BYTES) : NULL;
	return lib->mem &&
	       bench_errno_ok(uapi_map(lib->fd, lib->vm, lib->bo, 0, LIB_MEM_VA, LIB_MEM_BYTES, 0),
			      "map");
}

/* What keeps a queue from going on, so that nothing but the calls themselves is measured. */
struct gate {
	struct lib_queue queue;		/* runs a launch until the word at GATE is set */
	uint32_t syncobj;		/* signalled by it */
};

static bool make_gate(struct lib *lib, struct gate *gate)
{
	lib_code(lib);
	*(struct gaon_packet *)(lib->mem + GATE_LIST) = lib_launch(LIB_CODE_VA + LIB_CODE_UNTIL,
								     lib_va(GATE), 1);
	gate->syncobj = lib_syncobj(lib->fd);
	return bench_errno_ok(lib_kernel_queue(lib, &gate->queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "QUEUE_CREATE");
}

static bool shut(struct gate *gate, struct lib_queue *queue)
{
	*lib_word(queue->lib, GATE) = 0;
	return bench_errno_ok(lib_submit(&gate->queue, lib_va(GATE_LIST), 1, 0, 0, gate->syncobj, 0), "SUBMIT") &&
	       bench_errno_ok(lib_submit(queue, 0, 0, gate->syncobj, 0, 0, 0), "SUBMIT that waits");
}

/*
 * CPU seconds per SUBMIT of the list's first packet; then waits until all are done. Without @gate
 * the device completes jobs meanwhile, and the interrupts and wake-ups that happen to hit the
 * calling thread count too.
 */
static double submit_batch(struct lib_queue *queue, uint32_t syncobj, struct gate *gate, unsigned int count)
{
	double start, seconds;
	int err = 0;

	if (gate && !shut(gate, queue))
		return -1;
	start = bench_thread_cpu();
	for (unsigned int i = 0; i < count && !err; i++)
		err = lib_submit(queue, lib_va(LIST), 1, 0, 0, 0, 0);
	seconds = (bench_thread_cpu() - start) / count;
	*lib_word(queue->lib, GATE) = 1;
	if (!bench_errno_ok(err, "SUBMIT") ||
	    !bench_errno_ok(lib_submit(queue, 0, 0, 0, 0, syncobj, 0), "SUBMIT of nothing but a syncobj") ||
	    !bench_errno_ok(lib_syncobj_wait(queue->lib->fd, syncobj, 0, WAIT_MS), "wait for a syncobj"))
		return -1;
	return seconds;
}

/* What DRM itself takes for three calls that do next to nothing. */
static double syncobj_batch(int fd, unsigned int count)
{
	double start = bench_thread_cpu();

	for (unsigned int i = 0; i < count; i++) {
		struct drm_syncobj_create create = { 0 };
		struct drm_syncobj_destroy destroy = { 0 };
		struct drm_syncobj_array array = { .count_handles = 1 };

		if (!bench_errno_ok(uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_CREATE, &create), "SYNCOBJ_CREATE"))
			return -1;
		array.handles = (uintptr_t)&create.handle;
		destroy.handle = create.handle;
		if (!bench_errno_ok(uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_SIGNAL, &array), "SYNCOBJ_SIGNAL") ||
		    !bench_errno_ok(uapi_ioctl(fd, DRM_IOCTL_SYNCOBJ_DESTROY, &destroy), "SYNCOBJ_DESTROY"))
			return -1;
	}
	return (bench_thread_cpu() - start) / count;
}

/*
 * CPU seconds per SUBMIT to a queue that has nothing to do: each wakes whoever gives the job to the
 * device, runs, and is over before the next, so that what is counted is the call and no interrupt of
 * another job. What reading the clock costs, a system call, is measured beside it and left out.
 */
static double submit_each(struct lib_queue *queue, uint32_t syncobj, unsigned int count)
{
	double calls = 0, reads = 0;

	for (unsigned int i = 0; i < count; i++) {
		double start = bench_thread_cpu(), before = bench_thread_cpu(), after;
		int err = lib_submit(queue, lib_va(LIST), 1, 0, 0, 0, 0);

		after = bench_thread_cpu();
		calls += after - before;
		reads += before - start;
		if (!bench_errno_ok(err, "SUBMIT") ||
		    !bench_errno_ok(lib_submit(queue, 0, 0, 0, 0, syncobj, 0), "SUBMIT of nothing but a syncobj") ||
		    !bench_errno_ok(lib_syncobj_wait(queue->lib->fd, syncobj, 0, WAIT_MS), "wait for a syncobj"))
			return -1;
	}
	return (calls - reads) / count;
}

enum submit_kind {
	SUBMIT_RUNNING,	/* while the queue runs what came before; its interrupts hit whom they hit */
	SUBMIT_QUEUED,	/* to one that stands still: what the queue does later is not the call's */
	SUBMIT_IDLE,	/* to one without work, on an idle machine */
};

static double measure_submit(enum submit_kind kind)
{
	enum { ROUNDS = 41, BATCH = 32 };
	double ours[ROUNDS], theirs[ROUNDS];
	struct lib_queue queue;
	struct gate gate;
	uint32_t syncobj;
	struct lib lib;

	uapi_quiet = true;
	lib_open(&lib, 0);
	if (!make_private(&lib) || !make_gate(&lib, &gate) ||
	    !bench_errno_ok(lib_kernel_queue(&lib, &queue, QUEUE_LOG2, DRM_GAON_PRIORITY_NORMAL, 0), "QUEUE_CREATE"))
		return -1;
	*(struct gaon_packet *)(lib.mem + LIST) = lib_nop(0, 0, 0);
	syncobj = lib_syncobj(lib.fd);
	for (int i = -2; i < ROUNDS; i++) {
		double a = kind == SUBMIT_IDLE ? submit_each(&queue, syncobj, BATCH) :
			   submit_batch(&queue, syncobj, kind == SUBMIT_QUEUED ? &gate : NULL, BATCH);
		double b = syncobj_batch(lib.fd, BATCH);

		if (a < 0 || b < 0)
			return -1;
		if (i >= 0) {
			ours[i] = a * 1e6;
			theirs[i] = b * 1e6;
		}
	}
	lib_queue_destroy(&queue);
	lib_close(&lib);
	/* The lower quartile of both: interrupts, of whomever, only ever add. */
	bench_median(theirs, ROUNDS);	/* sorts */
	bench_median(ours, ROUNDS);
	bench_peer_figure = theirs[ROUNDS / 4];
	return ours[ROUNDS / 4];
}

static double submit_ioctl(void)
{
	return measure_submit(SUBMIT_RUNNING);
}

static double submit_queued(void)
{
	return measure_submit(SUBMIT_QUEUED);
}

static double submit_idle(void)
{
	return measure_submit(SUBMIT_IDLE);
}

/* --- user-mode queues ------------------------------------------------------------------------ */

static bool read_doorbells(int fd, uint64_t *count)
{
	struct drm_gaon_query_telemetry telemetry;

	if (!bench_errno_ok(uapi_query(fd, DRM_GAON_QUERY_TELEMETRY, &telemetry, sizeof(telemetry)), "telemetry"))
		return false;
	*count = telemetry.doorbells;
	return true;
}

/* The first packet of a batch keeps the device awake until the gate opens. */
static bool shut_gate(struct lib_queue *queue)
{
	struct gaon_packet until = lib_launch(LIB_CODE_VA + LIB_CODE_UNTIL, lib_va(GATE), 1);
	int64_t end = lib_now() + WAIT_MS * 1000000ll;

	*lib_word(queue->lib, GATE) = 0;
	lib_push(queue, &until);
	/* It is awake when it asks for no doorbell at the next index. */
	while (gaon_doorbell_due(queue->write, queue->write + 1,
				 __atomic_load_n(&queue->state->event_idx, __ATOMIC_ACQUIRE))) {
		if (lib_now() > end)
			return bench_errno_ok(ETIME, "the device does not wake up");
	}
	return true;
}

static bool open_gate(struct lib_queue *queue)
{
	int64_t end = lib_now() + WAIT_MS * 1000000ll;

	*lib_word(queue->lib, GATE) = 1;
	while (__atomic_load_n(&queue->state->read, __ATOMIC_ACQUIRE) != queue->write) {
		if (lib_now() > end)
			return bench_errno_ok(ETIME, "launches of a user-mode queue");
	}
	return true;
}

/* CPU seconds per launch while the device is awake. Fails if it took a system call or a doorbell. */
static double launch_batch(struct lib_queue *queue, unsigned int count)
{
	struct gaon_packet launch = lib_launch(LIB_CODE_VA + LIB_CODE_RET, 0, 1);
	uint64_t before, after;
	unsigned int calls;
	double seconds;

	if (!shut_gate(queue) || !read_doorbells(queue->lib->fd, &before))
		return -1;
	if (!bench_syscalls_begin()) {
		bench_errno_ok(errno, "counting system calls");
		return -1;
	}
	/* The clock of the thread is a system call itself: first the count, then the time. */
	for (unsigned int i = 0; i < count; i++)
		lib_push(queue, &launch);
	calls = bench_syscalls_end();
	seconds = bench_thread_cpu();
	for (unsigned int i = 0; i < count; i++)
		lib_push(queue, &launch);
	seconds = (bench_thread_cpu() - seconds) / count;
	if (!read_doorbells(queue->lib->fd, &after) || !open_gate(queue))
		return -1;
	if (calls || after != before) {
		fprintf(stderr, "gaon-bench-vm: %u launches took %u system calls and %llu doorbells, not none\n",
			2 * count, calls, (unsigned long long)(after - before));
		return -1;
	}
	return seconds;
}

static double userq_launch(void)
{
	enum { ROUNDS = 21, BATCH = 256, SUBMITS = 32 };
	struct lib_queue user, kernel;
	double ours[ROUNDS], theirs[ROUNDS];
	struct lib lr, fence;
	uint32_t syncobj;

	uapi_quiet = true;
	lib_open(&lr, DRM_GAON_VM_LR);
	lib_code(&lr);
	lib_open(&fence, 0);
	lib_code(&fence);
	if (!bench_errno_ok(lib_user_queue(&lr, &user, QUEUE_LOG2, DRM_GAON_PRIORITY_NORMAL,
					   UINT64_MAX), "QUEUE_CREATE") ||
	    !bench_errno_ok(lib_kernel_queue(&fence, &kernel, QUEUE_LOG2, DRM_GAON_PRIORITY_NORMAL,
					     0), "QUEUE_CREATE"))
		return -1;
	*(struct gaon_packet *)(fence.mem + LIST) = lib_launch(LIB_CODE_VA + LIB_CODE_RET, 0, 1);
	syncobj = lib_syncobj(fence.fd);
	for (int i = -1; i < ROUNDS; i++) {
		double a = launch_batch(&user, BATCH), b = submit_batch(&kernel, syncobj, NULL, SUBMITS);

		if (a < 0 || b < 0)
			return -1;
		if (i >= 0) {
			ours[i] = a * 1e6;
			theirs[i] = b * 1e6;
		}
	}
	lib_queue_destroy(&user);
	lib_queue_destroy(&kernel);
	lib_close(&lr);
	lib_close(&fence);
	bench_peer_figure = bench_median(theirs, ROUNDS);
	return bench_median(ours, ROUNDS);
}

const struct bench_probe bench_probes_vm_queue[] = {
	{ "submit_ioctl", submit_ioctl },
	{ "submit_queued", submit_queued },	/* no rows: for the record, and for tracing */
	{ "submit_idle", submit_idle },
	{ "userq_launch", userq_launch },
	{ NULL, NULL },
};
