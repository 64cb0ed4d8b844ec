// SPDX-License-Identifier: MIT
/* The calls: each right in itself, with whatever handles there are. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fuzz.h"

#define POOL(name)	world->name, sizeof(world->name) / sizeof(world->name[0])
#define HANDLE(name)	fuzz_handle(rng, POOL(name))
#define IOCTL(name, args) fuzz_ioctl(world, rng, fuzz_file(world, rng), DRM_IOCTL_##name, args)

/* A handle that others may still use goes out of its pool. */
static uint32_t take(struct fuzz_rng *rng, _Atomic uint32_t *pool, unsigned int count)
{
	if (fuzz_chance(rng, 12))
		return fuzz_handle(rng, pool, count);
	return atomic_exchange(&pool[fuzz_below(rng, count)], 0);
}

/* --- address spaces ------------------------------------------------------------------------------- */

static int do_vm_create(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_vm_create args = { .flags = fuzz_below(rng, 2) };
	int err = IOCTL(GAON_VM_CREATE, &args);

	if (!err)
		fuzz_keep(rng, POOL(vm), args.vm_id);
	return err;
}

static int do_vm_destroy(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_vm_destroy args = { .vm_id = take(rng, POOL(vm)) };

	return IOCTL(GAON_VM_DESTROY, &args);
}

static int do_vm_state(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_vm_state args = { .vm_id = HANDLE(vm) };

	return IOCTL(GAON_VM_STATE, &args);
}

static struct drm_gaon_vm_bind_op bind_op(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_vm_bind_op op = {
		.type = fuzz_below(rng, 6) % 4,
		.va = fuzz_va(rng) & ~4095ull,
		.size = 4096ull * (1 + fuzz_below(rng, 64)),
	};

	if (op.type == DRM_GAON_VM_BIND_MAP)
		op.handle = HANDLE(bo);
	if (op.type == DRM_GAON_VM_BIND_MAP_USERPTR)
		op.offset = (uintptr_t)fuzz_slot(world, rng);
	if (op.type != DRM_GAON_VM_BIND_UNMAP && op.type != DRM_GAON_VM_BIND_MAP_NULL)
		op.flags = fuzz_chance(rng, 3) ? fuzz_below(rng, 3) : 0;
	if (fuzz_chance(rng, 16))
		op.size = fuzz_extreme(rng);
	if (fuzz_chance(rng, 16))
		op.offset += fuzz_extreme(rng);
	return op;
}

static uint32_t syncs(struct fuzz_world *world, struct fuzz_rng *rng, struct drm_gaon_sync *sync,
		      uint32_t max)
{
	uint32_t i, count = fuzz_below(rng, max + 1);

	for (i = 0; i < count; i++) {
		sync[i] = (struct drm_gaon_sync){ .flags = fuzz_below(rng, 4), .handle = HANDLE(sync) };
		if (sync[i].flags & DRM_GAON_SYNC_TIMELINE)
			sync[i].timeline_value = 1 + fuzz_below(rng, 8);
	}
	return count;
}

static struct drm_gaon_obj_array array(struct fuzz_rng *rng, const void *at, uint32_t stride, uint32_t count)
{
	struct drm_gaon_obj_array obj = { .stride = stride, .count = count, .array = (uintptr_t)at };

	if (!count)
		obj = (struct drm_gaon_obj_array){ 0 };
	if (fuzz_chance(rng, 24))
		obj.count = (uint32_t)fuzz_extreme(rng);
	if (fuzz_chance(rng, 24))
		obj.stride = (uint32_t)fuzz_extreme(rng);
	if (fuzz_chance(rng, 24))
		obj.array = fuzz_extreme(rng);
	return obj;
}

static int do_vm_bind(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_vm_bind_op ops[8];
	struct drm_gaon_sync sync[4];
	struct drm_gaon_vm_bind args = { .vm_id = HANDLE(vm) };
	uint32_t i, count = 1 + (fuzz_chance(rng, 3) ? fuzz_below(rng, 8) : 0);

	for (i = 0; i < count; i++)
		ops[i] = bind_op(world, rng);
	args.ops = array(rng, ops, sizeof(ops[0]), count);
	if (fuzz_chance(rng, 3)) {
		args.flags = DRM_GAON_VM_BIND_ASYNC;
		args.syncs = array(rng, sync, sizeof(sync[0]), syncs(world, rng, sync, 4));
	}
	return IOCTL(GAON_VM_BIND, &args);
}

/* --- objects --------------------------------------------------------------------------------------- */

static int do_bo_create(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_bo_create args = {
		.size = 4096ull * (1 + fuzz_below(rng, fuzz_chance(rng, 8) ? 1024 : 40)),
		.flags = fuzz_below(rng, 32),
		.vm_id = fuzz_chance(rng, 3) ? HANDLE(vm) : 0,
	};
	int err = IOCTL(GAON_BO_CREATE, &args);

	if (!err)
		fuzz_keep(rng, POOL(bo), args.handle);
	return err;
}

static int do_bo_close(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gem_close args = { .handle = take(rng, POOL(bo)) };

	return IOCTL(GEM_CLOSE, &args);
}

static int do_bo_info(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_bo_info args = { .handle = HANDLE(bo) };

	return IOCTL(GAON_BO_INFO, &args);
}

static int do_bo_name(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_bo_set_name args = { .handle = HANDLE(bo), .name = "fuzz" };

	return IOCTL(GAON_BO_SET_NAME, &args);
}

static int do_mmap(struct fuzz_world *world, struct fuzz_rng *rng)
{
	static const int protections[] = { PROT_READ | PROT_WRITE, PROT_READ, PROT_WRITE, PROT_NONE };
	struct drm_gaon_bo_mmap_offset args = { .handle = HANDLE(bo) };
	uint64_t bytes = 4096ull * (1 + fuzz_below(rng, 40));
	int fd = fuzz_file(world, rng), err;

	if (fuzz_chance(rng, 4) && world->doorbell) {
		args.offset = world->doorbell;
		bytes = DRM_GAON_DOORBELL_BYTES;
	} else {
		err = fuzz_ioctl(world, rng, fd, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &args);
		if (err)
			return err;
	}
	if (fuzz_chance(rng, 16))
		args.offset += 4096 * (fuzz_below(rng, 64) - 32ll);
	if (mmap(fuzz_slot(world, rng), bytes, protections[fuzz_below(rng, 4)],
		 (fuzz_chance(rng, 16) ? MAP_PRIVATE : MAP_SHARED) | MAP_FIXED, fd,
		 (off_t)args.offset) == MAP_FAILED)
		return EINVAL;
	return 0;
}

/* The arena's address space stays its own; what was there is unmapped all the same. */
static int do_munmap(struct fuzz_world *world, struct fuzz_rng *rng)
{
	bool plain = fuzz_chance(rng, 2);

	mmap(fuzz_slot(world, rng), fuzz_chance(rng, 4) ? 4096 : FUZZ_SLOT_BYTES,
	     plain ? PROT_READ | PROT_WRITE : PROT_NONE,
	     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);
	return 0;
}

static int do_mprotect(struct fuzz_world *world, struct fuzz_rng *rng)
{
	return mprotect(fuzz_slot(world, rng), 4096ull * (1 + fuzz_below(rng, 32)),
			fuzz_below(rng, 8)) ? EACCES : 0;
}

/* By system calls: what is not mapped is an error, not a signal. */
static int do_touch(struct fuzz_world *world, struct fuzz_rng *rng)
{
	uint8_t *at = fuzz_slot(world, rng) + fuzz_below(rng, 0x20000) * 8ull;
	uint32_t bytes = 8 + 8 * fuzz_below(rng, fuzz_chance(rng, 4) ? 8192 : 64);

	if (fuzz_chance(rng, 2))
		return pread(world->scratch, at, bytes, 0) < 0 ? EFAULT : 0;
	return pwrite(world->scratch, at, bytes, fuzz_below(rng, 4096) * 8) < 0 ? EFAULT : 0;
}

static int do_prime(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_prime_handle args = { .handle = HANDLE(bo), .flags = DRM_CLOEXEC | DRM_RDWR };
	int err = IOCTL(PRIME_HANDLE_TO_FD, &args), fd = args.fd;

	if (err)
		return err;
	args = (struct drm_prime_handle){ .fd = fd };
	if (!IOCTL(PRIME_FD_TO_HANDLE, &args))
		fuzz_keep(rng, POOL(bo), args.handle);
	if (fuzz_chance(rng, 2))
		mmap(fuzz_slot(world, rng), 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0);
	close(fd);
	return 0;
}

/* --- queues ---------------------------------------------------------------------------------------- */

static int do_queue_create(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_queue_create args = {
		.vm_id = HANDLE(vm), .flags = fuzz_below(rng, 4), .priority = fuzz_below(rng, 2),
		.ring_log2 = 4 + fuzz_below(rng, 4), .limit_cycles = 100000,
	};
	int err;

	if (args.flags & DRM_GAON_QUEUE_USER) {
		args.ring_va = fuzz_va(rng);
		args.state_va = fuzz_va(rng);
	}
	if (fuzz_chance(rng, 8))
		args.slice_us = fuzz_below(rng, 1000000);
	err = IOCTL(GAON_QUEUE_CREATE, &args);
	if (!err)
		fuzz_keep(rng, POOL(queue), args.queue_id);
	if (!err && args.doorbell_mmap)
		world->doorbell = args.doorbell_mmap;
	return err;
}

static int do_queue_destroy(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_queue_destroy args = { .queue_id = take(rng, POOL(queue)) };

	return IOCTL(GAON_QUEUE_DESTROY, &args);
}

static int do_queue_state(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_queue_query args = { .queue_id = HANDLE(queue), .flags = fuzz_below(rng, 2) };

	return IOCTL(GAON_QUEUE_STATE, &args);
}

static int do_queue_priority(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_queue_set_priority args = { HANDLE(queue), fuzz_below(rng, 4) };

	return IOCTL(GAON_QUEUE_SET_PRIORITY, &args);
}

static int do_queue_clear(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_queue_clear args = { .queue_id = HANDLE(queue) };

	return IOCTL(GAON_QUEUE_CLEAR, &args);
}

/* Of the save area more is hit where the device looks: the headers of launch and cores. */
static int do_debug(struct fuzz_world *world, struct fuzz_rng *rng)
{
	uint64_t data[128];
	struct drm_gaon_debug args = { .queue_id = HANDLE(queue), .op = fuzz_below(rng, 4) };
	uint32_t i;

	for (i = 0; i < 128; i++)
		data[i] = fuzz_chance(rng, 2) ? 0 : fuzz_chance(rng, 2) ? fuzz_extreme(rng) : fuzz_next(rng);
	if (args.op >= DRM_GAON_DEBUG_READ) {
		args.offset = fuzz_chance(rng, 16) ? fuzz_extreme(rng) : fuzz_below(rng, 0x4000);
		args.size = fuzz_chance(rng, 16) ? fuzz_extreme(rng) : fuzz_below(rng, sizeof(data));
		args.pointer = fuzz_chance(rng, 16) ? fuzz_extreme(rng) : (uintptr_t)data;
	}
	return IOCTL(GAON_DEBUG, &args);
}

static int do_submit(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_job jobs[4] = { 0 };
	struct drm_gaon_sync sync[4][3];
	struct drm_gaon_submit args = { .queue_id = HANDLE(queue) };
	uint32_t i, count = 1 + fuzz_below(rng, 4);

	for (i = 0; i < count; i++) {
		jobs[i].list_va = fuzz_va(rng) & ~63ull;
		jobs[i].count = fuzz_below(rng, 8);
		if (!jobs[i].count)
			jobs[i].list_va = 0;
		jobs[i].syncs = array(rng, sync[i], sizeof(sync[i][0]), syncs(world, rng, sync[i], 3));
	}
	args.jobs = array(rng, jobs, sizeof(jobs[0]), count);
	return IOCTL(GAON_SUBMIT, &args);
}

static int do_wait(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_gaon_wait args = {
		.addr = (uintptr_t)fuzz_slot(world, rng), .value = fuzz_below(rng, 2), .vm_id = HANDLE(vm),
		.timeout_ns = lib_now() + fuzz_below(rng, 30) * 1000000ll, .op = fuzz_below(rng, 3),
	};

	return IOCTL(GAON_WAIT, &args);
}

/* Packets, a state block that says there are some, and a doorbell. */
static int do_ring(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct gaon_packet packet[32];
	struct gaon_queue_state state = { .write = fuzz_below(rng, 20) };
	uint8_t *at = fuzz_slot(world, rng);
	uint64_t word = fuzz_next(rng);
	uint32_t i, count = fuzz_below(rng, 32);

	for (i = 0; i < count; i++)
		packet[i] = fuzz_packet(rng);
	if (pwrite(world->scratch, packet, count * sizeof(packet[0]), 65536) < 0 ||
	    pwrite(world->scratch, &state, sizeof(state), 131072) < 0 ||
	    pwrite(world->scratch, &word, 8, 196608) < 0)
		return EIO;
	if (fuzz_chance(rng, 2) && pread(world->scratch, at, sizeof(packet), 65536) < 0)
		return EFAULT;
	if (fuzz_chance(rng, 2) && pread(world->scratch, fuzz_slot(world, rng), sizeof(state), 131072) < 0)
		return EFAULT;
	at = fuzz_slot(world, rng) + 8 * fuzz_below(rng, 32);
	return pread(world->scratch, at, 8, 196608) < 0 ? EFAULT : 0;
}

/* --- syncobjs, files, events ----------------------------------------------------------------------- */

static int do_sync_create(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_syncobj_create args = { .flags = fuzz_below(rng, 2) };
	int err = IOCTL(SYNCOBJ_CREATE, &args);

	if (!err)
		fuzz_keep(rng, POOL(sync), args.handle);
	return err;
}

static int do_sync_destroy(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct drm_syncobj_destroy args = { .handle = take(rng, POOL(sync)) };

	return ioctl(fuzz_file(world, rng), DRM_IOCTL_SYNCOBJ_DESTROY, &args) ? EINVAL : 0;
}

static int do_sync_signal(struct fuzz_world *world, struct fuzz_rng *rng)
{
	uint32_t handle = HANDLE(sync);
	uint64_t point = 1 + fuzz_below(rng, 8);
	struct drm_syncobj_timeline_array args = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point, .count_handles = 1,
	};

	return ioctl(fuzz_file(world, rng), DRM_IOCTL_SYNCOBJ_TIMELINE_SIGNAL, &args) ? EINVAL : 0;
}

static int do_sync_wait(struct fuzz_world *world, struct fuzz_rng *rng)
{
	uint32_t handle = HANDLE(sync);
	uint64_t point = fuzz_below(rng, 8);
	struct drm_syncobj_timeline_wait args = {
		.handles = (uintptr_t)&handle, .points = (uintptr_t)&point, .count_handles = 1,
		.timeout_nsec = lib_now() + 10000000, .flags = fuzz_below(rng, 8),
	};

	return ioctl(fuzz_file(world, rng), DRM_IOCTL_SYNCOBJ_TIMELINE_WAIT, &args) ? EINVAL : 0;
}

static int do_reopen(struct fuzz_world *world, struct fuzz_rng *rng)
{
	const char *node = getenv("GAON_NODE");
	/* All handles go with the first one. */
	_Atomic int *place = &world->file[fuzz_chance(rng, 8) ? 0 : 1 + fuzz_below(rng, FUZZ_FILES - 1)];
	int fd = open(node ? node : "/dev/accel/accel0", O_RDWR | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return EIO;
	fd = atomic_exchange(place, fd);
	if (fd >= 0)
		close(fd);
	return 0;
}

static int do_read(struct fuzz_world *world, struct fuzz_rng *rng)
{
	struct pollfd poll_fd = { .fd = fuzz_file(world, rng), .events = POLLIN };
	uint8_t buffer[512];

	poll(&poll_fd, 1, 0);
	/* The file is non-blocking; a buffer that is too short for an event, or not there, too. */
	return read(poll_fd.fd, fuzz_chance(rng, 8) ? world->edge + 500 : buffer,
		    fuzz_below(rng, 512)) > 0 ? 0 : EINVAL;
}

static int do_query(struct fuzz_world *world, struct fuzz_rng *rng)
{
	uint8_t buffer[2048] = { 0 };
	struct drm_gaon_dev_query args = {
		.type = fuzz_below(rng, 8), .size = fuzz_below(rng, sizeof(buffer)),
		.pointer = fuzz_chance(rng, 8) ? fuzz_extreme(rng) : (uintptr_t)buffer,
	};

	return IOCTL(GAON_DEV_QUERY, &args);
}

/* Any number, any size, any argument; not those of the core, which have their own fuzzers. */
static int do_raw(struct fuzz_world *world, struct fuzz_rng *rng)
{
	uint64_t arg[64];
	uint32_t i;

	for (i = 0; i < 64; i++)
		arg[i] = fuzz_chance(rng, 2) ? fuzz_extreme(rng) : fuzz_next(rng);
	return ioctl(fuzz_file(world, rng), _IOC(fuzz_below(rng, 4), DRM_IOCTL_BASE, DRM_COMMAND_BASE +
		     fuzz_below(rng, 0x60), fuzz_below(rng, 512)), arg) ? EINVAL : 0;
}

/* A child that has everything, for a moment. */
static int do_fork(struct fuzz_world *world, struct fuzz_rng *rng)
{
	unsigned int calls = fuzz_below(rng, 8);
	pid_t pid;

	if (!fuzz_chance(rng, 8))
		return EINVAL;
	pid = fork();
	if (!pid) {
		while (calls--)
			do_touch(world, rng);
		_exit(0);
	}
	return pid > 0 && waitpid(pid, NULL, 0) == pid ? 0 : EIO;
}

/* --- all of them ----------------------------------------------------------------------------------- */

enum { CALL_VM_CREATE = 0, CALL_BO_CREATE = 4 };

static const struct {
	const char *name;
	unsigned int weight;
	int (*make)(struct fuzz_world *world, struct fuzz_rng *rng);
	bool may_fail;
} calls[] = {
	[CALL_VM_CREATE] = { "VM_CREATE", 3, do_vm_create, false },
	{ "VM_DESTROY", 2, do_vm_destroy, false },
	{ "VM_STATE", 1, do_vm_state, false },
	{ "VM_BIND", 14, do_vm_bind, false },
	[CALL_BO_CREATE] = { "BO_CREATE", 8, do_bo_create, false },
	{ "GEM_CLOSE", 4, do_bo_close, false },
	{ "BO_INFO", 1, do_bo_info, false },
	{ "BO_SET_NAME", 1, do_bo_name, false },
	{ "mmap", 8, do_mmap, false },
	{ "munmap", 4, do_munmap, false },
	{ "mprotect", 1, do_mprotect, false },
	{ "touch", 6, do_touch, false },
	{ "PRIME", 1, do_prime, true },
	{ "QUEUE_CREATE", 6, do_queue_create, false },
	{ "QUEUE_DESTROY", 3, do_queue_destroy, false },
	{ "QUEUE_STATE", 2, do_queue_state, false },
	{ "QUEUE_SET_PRIORITY", 1, do_queue_priority, false },
	{ "QUEUE_CLEAR", 2, do_queue_clear, true },
	{ "DEBUG", 6, do_debug, false },
	{ "SUBMIT", 8, do_submit, false },
	{ "WAIT", 2, do_wait, true },
	{ "ring", 8, do_ring, false },
	{ "SYNCOBJ_CREATE", 2, do_sync_create, false },
	{ "SYNCOBJ_DESTROY", 1, do_sync_destroy, false },
	{ "SYNCOBJ_SIGNAL", 2, do_sync_signal, false },
	{ "SYNCOBJ_WAIT", 1, do_sync_wait, false },
	{ "reopen", 1, do_reopen, false },
	{ "read", 1, do_read, true },
	{ "DEV_QUERY", 1, do_query, false },
	{ "raw", 3, do_raw, true },
	{ "fork", 1, do_fork, true },
};

#define CALLS	(sizeof(calls) / sizeof(calls[0]))

_Static_assert(CALLS <= FUZZ_CALLS, "the counters");

static bool is_empty(const _Atomic uint32_t *pool, unsigned int count)
{
	while (count) {
		if (pool[--count])
			return false;
	}
	return true;
}

void fuzz_call(struct fuzz_world *world, struct fuzz_rng *rng)
{
	unsigned int kind = 0, total = 0, at;

	for (unsigned int i = 0; i < CALLS; i++)
		total += calls[i].weight;
	for (at = fuzz_below(rng, total); at >= calls[kind].weight; kind++)
		at -= calls[kind].weight;
	/* Without these nearly all calls end at their first check. */
	if (is_empty(POOL(vm)))
		kind = CALL_VM_CREATE;
	else if (is_empty(POOL(bo)))
		kind = CALL_BO_CREATE;
	world->shared->tried[kind]++;
	if (!calls[kind].make(world, rng))
		world->shared->worked[kind]++;
}

const char *fuzz_call_name(unsigned int kind)
{
	return kind < CALLS ? calls[kind].name : NULL;
}

bool fuzz_call_may_fail(unsigned int kind)
{
	return calls[kind].may_fail;
}
