// SPDX-License-Identifier: MIT
/*
 * Ends of queues: processes that are killed, jobs that take too long, a driver that is unbound or
 * unloaded under them. Run as root; afterwards the module is loaded and everything as before.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/sync_file.h>

#include "queue_lib.h"

#define WORD	0x0
#define LIST	0x1000
#define LIST2	0x2000
#define QUEUES	"/sys/kernel/debug/accel/*/queues"	/* kernels differ in the name between */
#define TIMEOUT	"/sys/module/gaon/parameters/job_timeout_ms"

/* Lines of a file below the first; -1 if it cannot be read. */
static int lines(const char *path)
{
	glob_t found;
	FILE *file;
	int c, n = 0;

	if (glob(path, 0, NULL, &found))
		return -1;
	file = fopen(found.gl_pathv[0], "r");
	globfree(&found);
	if (!file)
		return -1;
	while ((c = getc(file)) != EOF)
		n += c == '\n';
	fclose(file);
	return n - 1;
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

static void list_set(struct lib *lib, uint64_t offset, struct gaon_packet packet)
{
	memcpy(lib->mem + offset, &packet, sizeof(packet));
}

/* --- killed ---------------------------------------------------------------------------------- */

/* An address space with memory. Anything may fail: the device may be reset at any time. */
static bool victim_open(struct lib *lib, uint32_t flags)
{
	struct drm_gaon_vm_create vm = { .flags = flags };
	int fd = open(getenv("GAON_NODE") ? getenv("GAON_NODE") : "/dev/accel/accel0", O_RDWR);
	uint32_t bo;

	*lib = (struct lib){ .fd = fd };
	if (uapi_ioctl(fd, DRM_IOCTL_GAON_VM_CREATE, &vm))
		goto fail;
	lib->vm = vm.vm_id;
	bo = uapi_bo(fd, LIB_MEM_BYTES, DRM_GAON_BO_HOST, 0);
	lib->mem = bo ? uapi_mmap(fd, bo, LIB_MEM_BYTES) : NULL;
	if (!lib->mem)
		goto fail;
	if (!uapi_map(fd, lib->vm, bo, 0, LIB_MEM_VA, LIB_MEM_BYTES, 0))
		return true;
	munmap(lib->mem, LIB_MEM_BYTES);
fail:
	close(fd);
	return false;
}

static void victim_code(struct lib *lib)
{
	static const uint32_t spin = 0x0000006f;	/* j . */
	uint32_t bo = uapi_bo(lib->fd, 4096, DRM_GAON_BO_HOST, 0);
	uint32_t *cpu = bo ? uapi_mmap(lib->fd, bo, 4096) : NULL;

	if (!cpu)
		return;
	*cpu = spin;
	munmap(cpu, 4096);
	uapi_map(lib->fd, lib->vm, bo, 0, LIB_CODE_VA, 4096, DRM_GAON_VM_BIND_EXEC);
	uapi_bo_close(lib->fd, bo);
}

/* Uses all there is, for ever. */
static void victim(void)
{
	struct lib_queue user, endless, kernel;
	struct lib lr, fence;
	struct gaon_packet packet;
	uint32_t out;
	uint64_t i;

	freopen("/dev/null", "w", stdout);
	for (;;) {
		if (!victim_open(&lr, DRM_GAON_VM_LR))
			continue;
		if (!victim_open(&fence, 0)) {
			lib_close(&lr);
			continue;
		}
		victim_code(&lr);
		victim_code(&fence);
		out = lib_syncobj(fence.fd);
		if (lib_user_queue(&lr, &user, 4, DRM_GAON_PRIORITY_NORMAL, 0) ||
		    lib_user_queue(&lr, &endless, 4, DRM_GAON_PRIORITY_LOW, UINT64_MAX)) {
			lib_close(&fence);
			lib_close(&lr);
			continue;
		}
		lib_kernel_queue(&fence, &kernel, 4, DRM_GAON_PRIORITY_NORMAL, 0);
		packet = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 4);
		lib_push(&endless, &packet);
		list_set(&fence, LIST, lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 4));
		list_set(&fence, LIST2, lib_nop(0, 0, 0));
		for (i = 1; i < 20; i++) {
			packet = lib_nop(lib_va(WORD), i, GAON_PKT_F_EVENT);
			lib_push(&user, &packet);
			lib_submit(&kernel, lib_va(LIST2), 1, 0, 0, out, i);
			lib_wait(&lr, lib_word(&lr, WORD), i, 1000);
		}
		lib_submit(&kernel, lib_va(LIST), 1, 0, 0, out, 100);
		lib_submit(&kernel, lib_va(LIST2), 1, out, 100, out, 101);
		lib_queue_destroy(&kernel);
		lib_close(&fence);
		lib_close(&lr);
	}
}

static void test_killed(void)
{
	uint64_t before[2], after[2];
	int fd = uapi_open(), status;
	unsigned int i, n;
	pid_t pids[3];

	uapi_memory_used(fd, before);
	CHECK(lines(QUEUES) == 0, "no queues at first");
	for (i = 0; i < 10; i++) {
		for (n = 0; n < 3; n++) {
			pids[n] = fork();
			if (!pids[n])
				victim();
		}
		usleep(1000 + uapi_random() % 400000);
		for (n = 0; n < 3; n++)
			kill(pids[n], SIGKILL);
		for (n = 0; n < 3; n++)
			waitpid(pids[n], &status, 0);
	}
	uapi_memory_used(fd, after);
	CHECK(lines(QUEUES) == 0, "after 30 kills no queue is left (%d)", lines(QUEUES));
	CHECK(before[0] == after[0] && before[1] == after[1],
	      "nor memory: host %llu to %llu, HBM %llu to %llu", (unsigned long long)before[0],
	      (unsigned long long)after[0], (unsigned long long)before[1], (unsigned long long)after[1]);
	close(fd);
}

/* --- too long -------------------------------------------------------------------------------- */

static void test_timeout(void)
{
	struct drm_gaon_queue_query query;
	struct lib_queue queue, innocent;
	uint32_t out[3], i;
	struct lib lib;
	int64_t start;

	lib_open(&lib, 0);
	lib_code(&lib);
	for (i = 0; i < 3; i++)
		out[i] = lib_syncobj(lib.fd);
	REQUIRE(write_file(TIMEOUT, "1000"), "a time limit of 1 s");
	REQUIRE(!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 10000ull * 1000000) &&
		!lib_kernel_queue(&lib, &innocent, 4, DRM_GAON_PRIORITY_NORMAL, 0), "two queues");
	/* Each launch is within its limit, but there are many. */
	for (i = 0; i < 64; i++)
		list_set(&lib, 0x4000 + 64 * i, lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 1));
	list_set(&lib, LIST2, lib_nop(lib_va(WORD), 7, 0));
	start = lib_now();
	CHECK_ERRNO(lib_submit(&queue, lib_va(0x4000), 64, 0, 0, out[0], 0), 0, "a job that takes long");
	CHECK_ERRNO(lib_submit(&queue, lib_va(LIST2), 1, 0, 0, out[1], 0), 0, "one behind it");
	CHECK_ERRNO(lib_submit(&innocent, lib_va(LIST2), 1, 0, 0, out[2], 0), 0, "one beside it");
	CHECK_ERRNO(lib_syncobj_wait(lib.fd, out[2], 0, 20000), 0, "which ends");
	CHECK_ERRNO(-lib_syncobj_status(lib.fd, out[2]), 0, "well");
	CHECK_ERRNO(lib_syncobj_wait(lib.fd, out[0], 0, 60000), 0, "the long one ends");
	CHECK(lib_now() - start >= 1000000000, "after %lld ms", (long long)(lib_now() - start) / 1000000);
	CHECK_ERRNO(-lib_syncobj_status(lib.fd, out[0]), EIO, "with an error");
	CHECK_ERRNO(lib_syncobj_wait(lib.fd, out[1], 0, 20000), 0, "the one behind it too");
	CHECK_ERRNO(-lib_syncobj_status(lib.fd, out[1]), ECANCELED, "for its sake");
	CHECK_ERRNO(lib_state(&queue, &query, 0), 0, "state");
	CHECK(query.state & DRM_GAON_QUEUE_GUILTY && query.lost == 1, "state %#x, fault %u, %llu lost",
	      query.state, query.fault.type, (unsigned long long)query.lost);
	CHECK_ERRNO(lib_clear(&queue), 0, "clear");
	CHECK_ERRNO(lib_submit(&queue, lib_va(LIST2), 1, 0, 0, out[0], 0), 0, "another job");
	CHECK_ERRNO(lib_syncobj_wait(lib.fd, out[0], 0, 20000), 0, "ends");
	CHECK_ERRNO(-lib_syncobj_status(lib.fd, out[0]), 0, "well");
	write_file(TIMEOUT, "0");
	lib_close(&lib);
}

/* --- a reset of the device ------------------------------------------------------------------- */

static char device[64];		/* 0000:00:06.0 */

static void find_device(void)
{
	char path[256];
	ssize_t n = readlink("/sys/class/accel/accel0/device", path, sizeof(path) - 1);

	REQUIRE(n > 0, "the device of accel0");
	path[n] = '\0';
	snprintf(device, sizeof(device), "%.60s", strrchr(path, '/') + 1);
}

static bool debugfs_reset(const char *what)
{
	glob_t found;
	bool good;

	if (glob("/sys/kernel/debug/accel/*/reset", 0, NULL, &found))
		return false;
	good = write_file(found.gl_pathv[0], what);
	globfree(&found);
	return good;
}

/* By the driver: the chip. */
static bool device_reset(void)
{
	return debugfs_reset("1");
}

static bool engines_reset(void)
{
	return debugfs_reset("engines");
}

/* By the kernel: the function. */
static bool function_reset(void)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", device);
	return write_file(path, "1");
}

static uint32_t resets(int fd)
{
	struct drm_gaon_query_device query = { 0 };

	uapi_query(fd, DRM_GAON_QUERY_DEVICE, &query, sizeof(query));
	return query.resets;
}

/* Both kinds of address space, with code, and two syncobjs for jobs to signal. */
static void open_both(struct lib *lr, struct lib *fence, uint32_t out[2])
{
	lib_open(lr, DRM_GAON_VM_LR);
	lib_open(fence, 0);
	lib_code(lr);
	lib_code(fence);
	out[0] = lib_syncobj(fence->fd);
	out[1] = lib_syncobj(fence->fd);
}

/* A queue of each kind, busy without end. */
static void start_both(struct lib *lr, struct lib_queue *user, struct lib *fence, struct lib_queue *kernel,
		       uint32_t out)
{
	struct gaon_packet packet = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 4);

	REQUIRE(!lib_user_queue(lr, user, 4, DRM_GAON_PRIORITY_NORMAL, UINT64_MAX) &&
		!lib_kernel_queue(fence, kernel, 4, DRM_GAON_PRIORITY_NORMAL, 0), "two queues");
	lib_push(user, &packet);
	list_set(fence, LIST, packet);
	CHECK_ERRNO(lib_submit(kernel, lib_va(LIST), 1, 0, 0, out, 0), 0, "a long job");
}

static void *sleeper_run(void *arg)
{
	struct lib *lib = arg;

	return (void *)(intptr_t)lib_wait(lib, lib_word(lib, 0x800), 1, 60000);
}

static void test_reset(bool (*reset)(void))
{
	struct drm_gaon_query_telemetry telemetry;
	struct drm_gaon_vm_state state = { 0 };
	struct drm_gaon_event_fault event;
	struct lib_queue user, kernel, idle;
	struct drm_gaon_queue_query query;
	struct gaon_packet packet;
	struct lib lr, fence;
	uint32_t out[2], before;
	pthread_t thread;
	void *ret;

	open_both(&lr, &fence, out);
	before = resets(lr.fd);
	REQUIRE(!lib_kernel_queue(&fence, &idle, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue to wait in");
	start_both(&lr, &user, &fence, &kernel, out[0]);
	CHECK_ERRNO(lib_submit(&idle, lib_va(LIST), 1, out[0], 0, out[1], 0), 0, "one that waits for it");
	pthread_create(&thread, NULL, sleeper_run, &lr);
	usleep(100000);
	REQUIRE(reset(), "the device is reset");
	CHECK(resets(lr.fd) == before + 1, "once, and the driver knows: %u, then %u", before, resets(lr.fd));
	CHECK_ERRNO(uapi_query(lr.fd, DRM_GAON_QUERY_TELEMETRY, &telemetry, sizeof(telemetry)), 0,
		    "its firmware answers");
	pthread_join(thread, &ret);
	CHECK_ERRNO((int)(intptr_t)ret, ECANCELED, "who waits is told");
	for (int i = 0; i < 2; i++) {
		CHECK_ERRNO(lib_syncobj_wait(fence.fd, out[i], 0, 20000), 0, "job %d ends", i);
		CHECK_ERRNO(-lib_syncobj_status(fence.fd, out[i]), ECANCELED, "for another's sake");
	}
	CHECK_ERRNO(lib_state(&kernel, &query, 0), 0, "state");
	CHECK((query.state & (DRM_GAON_QUEUE_WAS_RESET | DRM_GAON_QUEUE_DEAD | DRM_GAON_QUEUE_GUILTY)) ==
	      (DRM_GAON_QUEUE_WAS_RESET | DRM_GAON_QUEUE_DEAD) && query.lost == 1 &&
	      query.fault.type == GAON_FAULT_RESET, "state %#x, %llu lost, fault %u", query.state,
	      (unsigned long long)query.lost, query.fault.type);
	CHECK(read(lr.fd, &event, sizeof(event)) == (ssize_t)sizeof(event) &&
	      event.fault.type == GAON_FAULT_RESET && event.queue_id == user.id, "an event says so");
	CHECK_ERRNO(lib_clear(&user), ECANCELED, "they never go on");
	CHECK_ERRNO(lib_clear(&kernel), ECANCELED, "neither");
	CHECK_ERRNO(lib_submit(&kernel, lib_va(LIST), 1, 0, 0, 0, 0), ECANCELED, "nor take jobs");
	CHECK_ERRNO(lib_kernel_queue(&fence, &idle, 4, DRM_GAON_PRIORITY_NORMAL, 0), ECANCELED,
		    "nor does their address space take queues");
	state.vm_id = lr.vm;
	CHECK_ERRNO(uapi_ioctl(lr.fd, DRM_IOCTL_GAON_VM_STATE, &state), 0, "its state");
	CHECK(state.state & DRM_GAON_VM_LOST, "is lost");
	lib_ring(&user);
	CHECK_ERRNO(lib_queue_destroy(&user), 0, "destroy");
	CHECK_ERRNO(uapi_vm_destroy(lr.fd, lr.vm), 0, "and its address space");
	munmap(lr.mem, LIB_MEM_BYTES);
	munmap((void *)lr.doorbells, DRM_GAON_DOORBELL_BYTES);
	lib_open_on(&lr, lr.fd, DRM_GAON_VM_LR);
	REQUIRE(!lib_user_queue(&lr, &user, 4, DRM_GAON_PRIORITY_NORMAL, 0), "new ones, of the same file");
	packet = lib_nop(lib_va(WORD), 3, GAON_PKT_F_EVENT);
	lib_push(&user, &packet);
	CHECK_ERRNO(lib_wait(&lr, lib_word(&lr, WORD), 3, 20000), 0, "work");
	lib_close(&lr);
	lib_close(&fence);
	CHECK(lines(QUEUES) == 0, "no queue is left");
}

/* A queue whose launch, with 7 for WORD, stands for its debugger. */
static void stand(struct lib *lib, struct lib_queue *queue, struct lib_stopped *stopped)
{
	lib_open(lib, DRM_GAON_VM_LR);
	lib_code(lib);
	REQUIRE(!lib_debug_queue(lib, queue), "a queue that can be debugged");
	REQUIRE(lib_debug_stand(queue, lib_va(WORD), 7, stopped), "it stands");
}

/* What stands for its debugger is lost as all else. */
static void test_reset_stopped(bool (*reset)(void))
{
	struct drm_gaon_queue_query query;
	struct lib_stopped stopped;
	struct lib_queue queue;
	struct lib lib;
	uint64_t word;

	stand(&lib, &queue, &stopped);
	REQUIRE(reset(), "the device is reset");
	CHECK_ERRNO(lib_debug(&queue, DRM_GAON_DEBUG_SUSPEND, 0, NULL, 0), ECANCELED, "it is not suspended");
	CHECK_ERRNO(lib_debug(&queue, DRM_GAON_DEBUG_READ, 0, &word, sizeof(word)), ECANCELED, "nor read");
	CHECK_ERRNO(lib_debug(&queue, DRM_GAON_DEBUG_WRITE, 0, &word, sizeof(word)), ECANCELED, "nor written");
	CHECK_ERRNO(lib_debug(&queue, DRM_GAON_DEBUG_RESUME, 0, NULL, 0), ECANCELED, "nor resumed any more");
	CHECK(!lib_state(&queue, &query, 0) && query.state & DRM_GAON_QUEUE_DEAD, "its state says so: %#x",
	      query.state);
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
	lib_close(&lib);
}

/* It holds no engine: a reset of those is none of its business. */
static void test_engines_stopped(void)
{
	struct lib_stopped before, after;
	struct drm_gaon_queue_query query;
	struct lib_queue queue;
	struct lib lib;

	stand(&lib, &queue, &before);
	for (int i = 0; i < 3; i++)
		REQUIRE(engines_reset(), "the engines are reset");
	CHECK(!lib_state(&queue, &query, 0) &&
	      query.state == (DRM_GAON_QUEUE_SAVED | DRM_GAON_QUEUE_SUSPENDED | DRM_GAON_QUEUE_STOPPED),
	      "it stands: state %#x", query.state);
	CHECK(lib_debug_look(&queue, &after) && !memcmp(&before, &after, sizeof(before)), "as it stood");
	CHECK_ERRNO(lib_debug_leave(&queue), 0, "it goes on");
	CHECK_ERRNO(lib_wait(&lib, lib_word(&lib, WORD), 7, 20000), 0, "and ends");
	lib_close(&lib);
}

struct caller {
	int fd;
	atomic_bool stop;
	unsigned int calls, busy, bad;
};

/* Calls that do not wait for the end of a reset. */
static void *caller_run(void *arg)
{
	struct caller *caller = arg;

	for (; !atomic_load(&caller->stop); caller->calls++) {
		struct drm_gaon_bo_create bo = { .size = 4096, .flags = DRM_GAON_BO_HOST };
		struct drm_gaon_vm_create vm = { .flags = 0 };
		int err = caller->calls & 1 ? uapi_ioctl(caller->fd, DRM_IOCTL_GAON_VM_CREATE, &vm) :
					      uapi_ioctl(caller->fd, DRM_IOCTL_GAON_BO_CREATE, &bo);

		caller->busy += err == EBUSY;
		caller->bad += err && err != EBUSY;
		if (!err && caller->calls & 1)
			caller->bad += uapi_vm_destroy(caller->fd, vm.vm_id) != 0;
		else if (!err)
			caller->bad += uapi_bo_close(caller->fd, bo.handle) != 0;
		usleep(1000);
	}
	return NULL;
}

/* While a reset lasts, calls say so; afterwards they work. */
static void test_reset_busy(void)
{
	struct caller caller = { .fd = uapi_open() };
	unsigned int i, bad = 0;
	pthread_t thread;
	uint32_t vm;

	pthread_create(&thread, NULL, caller_run, &caller);
	for (i = 0; i < 5; i++)
		bad += !device_reset();
	atomic_store(&caller.stop, true);
	pthread_join(thread, NULL);
	CHECK(!bad && !caller.bad && caller.busy, "%u of %u calls found a reset under way, %u failed otherwise",
	      caller.busy, caller.calls, caller.bad);
	vm = uapi_vm(caller.fd, 0);
	CHECK(vm, "and it ends");
	close(caller.fd);
}

/*
 * Binds that wait for a job that a reset drops: address spaces are lost before fences are signalled. So
 * what comes to its turn then is refused, and says so where its end is waited for.
 */
static void test_reset_binds(void)
{
	struct drm_gaon_vm_bind_op ops[2] = {
		{ .type = DRM_GAON_VM_BIND_UNMAP, .va = 0x400000000ull, .size = 4096 },
		{ .type = DRM_GAON_VM_BIND_MAP, .va = 0x400000000ull, .size = 4096 },
	};
	struct drm_gaon_sync syncs[2] = { { .flags = 0 }, { .flags = DRM_GAON_SYNC_SIGNAL } };
	struct drm_gaon_vm_bind bind = {
		.flags = DRM_GAON_VM_BIND_ASYNC,
		.syncs = { .stride = sizeof(syncs[0]), .count = 2, .array = (uintptr_t)syncs },
	};
	struct drm_gaon_vm_state state = { 0 };
	uint32_t out[2], hold, handle, kind, i;
	struct lib_queue queue;
	struct lib lib;
	int fd;

	for (kind = 0; kind < 2; kind++) {
		lib_open(&lib, 0);
		lib_code(&lib);
		fd = lib.fd;
		hold = lib_syncobj(fd);
		REQUIRE(!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
		list_set(&lib, LIST, lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 1));
		REQUIRE(!lib_submit(&queue, lib_va(LIST), 1, 0, 0, hold, 0), "a long job");
		bind.vm_id = uapi_vm(fd, kind ? DRM_GAON_VM_LR : 0);
		handle = uapi_bo(fd, 4096, DRM_GAON_BO_HOST, 0);
		ops[1].handle = handle;
		REQUIRE(!uapi_map(fd, bind.vm_id, handle, 0, ops[0].va, 4096, 0), "a page is mapped");
		syncs[0].handle = hold;
		for (i = 0; i < 2; i++) {
			out[i] = syncs[1].handle = lib_syncobj(fd);
			bind.ops = (struct drm_gaon_obj_array){ sizeof(ops[0]), 1, (uintptr_t)&ops[i] };
			bind.done = 0;
			CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_BIND, &bind), 0, "%s that waits",
				    i ? "MAP" : "UNMAP");
			CHECK_ERRNO(-lib_syncobj_status(fd, out[i]), EINPROGRESS, "waits");
		}
		REQUIRE(device_reset(), "the device is reset");
		for (i = 0; i < 2; i++)
			CHECK_ERRNO(lib_syncobj_wait(fd, out[i], 0, 20000), 0, "%s ends",
				    i ? "MAP" : "UNMAP");
		CHECK_ERRNO(-lib_syncobj_status(fd, out[0]), 0, "taking out is always allowed");
		CHECK_ERRNO(-lib_syncobj_status(fd, out[1]), ECANCELED, "mapping is not");
		state = (struct drm_gaon_vm_state){ .vm_id = bind.vm_id };
		CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_STATE, &state), 0, "its state");
		CHECK(state.state == (DRM_GAON_VM_UNUSABLE | DRM_GAON_VM_LOST) && !state.mapped,
		      "is %#x, %llu bytes are mapped", state.state, (unsigned long long)state.mapped);
		CHECK_ERRNO(uapi_map(fd, bind.vm_id, handle, 0, ops[0].va, 4096, 0), ECANCELED, "MAP at once");
		CHECK_ERRNO(uapi_unmap(fd, bind.vm_id, ops[0].va, 4096), 0, "UNMAP at once");
		bind.done = 0;
		CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_BIND, &bind), 0, "a later MAP is queued");
		CHECK_ERRNO(lib_syncobj_wait(fd, out[1], 0, 20000), 0, "and ends");
		CHECK_ERRNO(-lib_syncobj_status(fd, out[1]), ECANCELED, "in the same way");
		CHECK_ERRNO(uapi_vm_destroy(fd, bind.vm_id), 0, "destroy");
		lib_close(&lib);
	}
}

/* Resets of both kinds while others come, work and go. */
static void test_reset_storm(void)
{
	int status;
	unsigned int i, n, bad = 0;
	pid_t pids[2];

	for (n = 0; n < 2; n++) {
		pids[n] = fork();
		if (!pids[n])
			victim();
	}
	for (i = 0; i < 10; i++) {
		usleep(uapi_random() % 300000);
		bad += !(i & 1 ? function_reset() : device_reset());
	}
	for (n = 0; n < 2; n++) {
		kill(pids[n], SIGKILL);
		waitpid(pids[n], &status, 0);
	}
	CHECK(!bad && lines(QUEUES) == 0, "10 resets under two busy processes, %u failed, %d queues left",
	      bad, lines(QUEUES));
}

/* --- unbound --------------------------------------------------------------------------------- */

static bool driver_write(const char *what)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/drivers/gaon/%s", what);
	return write_file(path, device);
}

static void test_unbind(void)
{
	struct drm_gaon_queue_query query;
	struct lib_queue user, kernel;
	struct gaon_packet packet;
	struct lib lr, fence;
	pthread_t thread;
	uint32_t out[2];
	unsigned int i;
	void *ret;

	open_both(&lr, &fence, out);
	start_both(&lr, &user, &fence, &kernel, out[0]);
	CHECK_ERRNO(lib_submit(&kernel, lib_va(LIST), 1, out[0], 0, out[1], 0), 0, "one behind it");
	pthread_create(&thread, NULL, sleeper_run, &lr);
	usleep(100000);
	REQUIRE(driver_write("unbind"), "unbind %s: %s", device, strerror(errno));
	pthread_join(thread, &ret);
	CHECK_ERRNO((int)(intptr_t)ret, ENODEV, "who waits is told");
	CHECK_ERRNO(lib_state(&user, &query, 0), ENODEV, "calls fail");
	/* Doorbells can be touched: a fault would end the program. */
	lib_ring(&user);
	for (i = 0; i < 16; i++)
		((volatile uint64_t *)((uint8_t *)lr.doorbells + 4096 * i))[3] = i;
	munmap((void *)lr.doorbells, DRM_GAON_DOORBELL_BYTES);
	munmap(lr.mem, LIB_MEM_BYTES);
	munmap(fence.mem, LIB_MEM_BYTES);
	close(lr.fd);
	close(fence.fd);
	REQUIRE(driver_write("bind"), "bind %s: %s", device, strerror(errno));
	usleep(200000);
	lib_open(&lr, DRM_GAON_VM_LR);
	REQUIRE(!lib_user_queue(&lr, &user, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue of the new device");
	packet = lib_nop(lib_va(WORD), 3, GAON_PKT_F_EVENT);
	lib_push(&user, &packet);
	CHECK_ERRNO(lib_wait(&lr, lib_word(&lr, WORD), 3, 20000), 0, "works");
	lib_close(&lr);
}

/* Fences that are held as files, of jobs that ended well, badly, and by the unbinding. */
static void test_fences_outlive(void)
{
	struct sync_fence_info fence = { 0 };
	struct sync_file_info info = { .num_fences = 1, .sync_fence_info = (uintptr_t)&fence };
	struct drm_syncobj_handle export = {
		.flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};
	static const int expected[3] = { 1, -EIO, -ENODEV };
	struct lib_queue good, bad, endless;
	int files[3], i, status;
	uint32_t out[3];
	struct lib lib;

	lib_open(&lib, 0);
	lib_code(&lib);
	REQUIRE(!lib_kernel_queue(&lib, &good, 4, DRM_GAON_PRIORITY_NORMAL, 0) &&
		!lib_kernel_queue(&lib, &bad, 4, DRM_GAON_PRIORITY_NORMAL, 0) &&
		!lib_kernel_queue(&lib, &endless, 4, DRM_GAON_PRIORITY_NORMAL, 0), "three queues");
	list_set(&lib, LIST, lib_nop(0, 0, 0));
	list_set(&lib, LIST2, (struct gaon_packet){ .type = 0x77 });
	list_set(&lib, 0x3000, lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 1));
	for (i = 0; i < 3; i++) {
		out[i] = lib_syncobj(lib.fd);
		CHECK_ERRNO(lib_submit(i == 0 ? &good : i == 1 ? &bad : &endless, lib_va(0x1000 * (i + 1)),
				       1, 0, 0, out[i], 0), 0, "job %d", i);
		if (i < 2)
			CHECK_ERRNO(lib_syncobj_wait(lib.fd, out[i], 0, 20000), 0, "ends");
		export.handle = out[i];
		CHECK_ERRNO(uapi_ioctl(lib.fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &export), 0, "as a file");
		files[i] = export.fd;
	}
	REQUIRE(driver_write("unbind"), "unbind");
	lib_close(&lib);
	status = system("modprobe -r gaon");
	CHECK(status == 0 && access("/sys/module/gaon", F_OK), "the module is unloaded, and what it needed");
	for (i = 0; i < 3; i++) {
		status = ioctl(files[i], SYNC_IOC_FILE_INFO, &info);
		CHECK(!status && info.status == expected[i], "fence %d: status %d", i, info.status);
		close(files[i]);
	}
	status = system("modprobe gaon");
	CHECK(status == 0, "and loaded again");
	usleep(200000);
}

int main(void)
{
	find_device();
	test_timeout();
	test_killed();
	test_reset(device_reset);
	test_reset(function_reset);
	test_reset_stopped(device_reset);
	test_reset_stopped(function_reset);
	test_engines_stopped();
	test_reset_busy();
	test_reset_binds();
	test_reset_storm();
	test_unbind();
	test_fences_outlive();
	close(uapi_open());
	uapi_exit();
}
