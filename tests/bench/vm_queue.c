// SPDX-License-Identifier: MIT
/* Giving work to the device: SUBMIT, and the ring of a user-mode queue. CPU time of the calling thread. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "queue_lib.h"
#include "vm_bench.h"

#define LIST		0x1000	/* offsets in the memory of struct lib */
#define GATE		0x2000
#define WAIT_MS		60000
#define QUEUE_LOG2	10

/* --- SUBMIT ---------------------------------------------------------------------------------- */

/* CPU seconds per SUBMIT of the list's first packet; then waits until all are done. */
static double submit_batch(struct lib_queue *queue, uint32_t syncobj, unsigned int count)
{
	double start = bench_thread_cpu(), seconds;
	int err = 0;

	for (unsigned int i = 0; i < count && !err; i++)
		err = lib_submit(queue, lib_va(LIST), 1, 0, 0, 0, 0);
	seconds = (bench_thread_cpu() - start) / count;
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

static double submit_ioctl(void)
{
	enum { ROUNDS = 41, BATCH = 32 };
	double ours[ROUNDS], theirs[ROUNDS];
	struct lib_queue queue;
	uint32_t syncobj;
	struct lib lib;

	uapi_quiet = true;
	lib_open(&lib, 0);
	if (!bench_errno_ok(lib_kernel_queue(&lib, &queue, QUEUE_LOG2, DRM_GAON_PRIORITY_NORMAL, 0), "QUEUE_CREATE"))
		return -1;
	*(struct gaon_packet *)(lib.mem + LIST) = lib_nop(0, 0, 0);
	syncobj = lib_syncobj(lib.fd);
	for (int i = -2; i < ROUNDS; i++) {
		double a = submit_batch(&queue, syncobj, BATCH), b = syncobj_batch(lib.fd, BATCH);

		if (a < 0 || b < 0)
			return -1;
		if (i >= 0) {
			ours[i] = a * 1e6;
			theirs[i] = b * 1e6;
		}
	}
	lib_queue_destroy(&queue);
	lib_close(&lib);
	bench_peer_figure = bench_median(theirs, ROUNDS);
	return bench_median(ours, ROUNDS);
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
	if (!bench_errno_ok(lib_user_queue(&lr, &user, QUEUE_LOG2, DRM_GAON_PRIORITY_NORMAL, UINT64_MAX), "QUEUE_CREATE") ||
	    !bench_errno_ok(lib_kernel_queue(&fence, &kernel, QUEUE_LOG2, DRM_GAON_PRIORITY_NORMAL, 0), "QUEUE_CREATE"))
		return -1;
	*(struct gaon_packet *)(fence.mem + LIST) = lib_launch(LIB_CODE_VA + LIB_CODE_RET, 0, 1);
	syncobj = lib_syncobj(fence.fd);
	for (int i = -1; i < ROUNDS; i++) {
		double a = launch_batch(&user, BATCH), b = submit_batch(&kernel, syncobj, SUBMITS);

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
	{ "userq_launch", userq_launch },
	{ NULL, NULL },
};
