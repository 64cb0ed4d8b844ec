// SPDX-License-Identifier: MIT
/*
 * Calls of the interface at random, as a user without rights, from two threads and a second file:
 * whatever is asked, the kernel stays whole, the card works for others, and nothing is left behind.
 *
 *   fuzz [seconds]	default 20
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "uapi.h"

#define KIB	1024ull
#define MIB	(1024 * KIB)

struct fuzz {
	int fd;
	uint64_t state;			/* of this thread's numbers */
	uint64_t calls, good;
	void *memory;			/* of its own, for userptr and arrays */
	uint32_t vms[8], bos[8], queues[8], syncs[4];
};

static atomic_bool stop;

static uint64_t rnd(struct fuzz *f)
{
	uint64_t z = f->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static bool rarely(struct fuzz *f)
{
	return rnd(f) % 16 == 0;
}

/* Mostly what makes sense, sometimes anything. */
static uint64_t number(struct fuzz *f, uint64_t sensible)
{
	static const uint64_t odd[] = {
		0, 1, 2, 7, 4095, 4096, 65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32,
		1ull << 47, (1ull << 47) - 4096, 1ull << 63, 0xffff800000000000ull, ~0ull, -4096ull,
	};

	if (!rarely(f))
		return sensible;
	return rnd(f) & 1 ? odd[rnd(f) % (sizeof(odd) / sizeof(odd[0]))] : rnd(f) >> rnd(f) % 64;
}

static uint32_t pick(struct fuzz *f, const uint32_t *handles, unsigned int count)
{
	return (uint32_t)number(f, handles[rnd(f) % count]);
}

static void keep(struct fuzz *f, uint32_t *handles, unsigned int count, uint32_t handle)
{
	handles[rnd(f) % count] = handle;
}

static int call(struct fuzz *f, unsigned long request, void *arg)
{
	int err = ioctl(f->fd, request, arg) ? errno : 0;

	f->calls++;
	f->good += !err;
	return err;
}

static uint64_t va(struct fuzz *f)
{
	return number(f, 64 * MIB + rnd(f) % 4096 * 4096);
}

static uint64_t address(struct fuzz *f)
{
	return number(f, (uintptr_t)f->memory + rnd(f) % 256 * 4096);
}

/* --- the calls -------------------------------------------------------------------------------- */

static void fuzz_query(struct fuzz *f)
{
	struct drm_gaon_dev_query args = {
		.type = (uint32_t)number(f, rnd(f) % 7), .size = (uint32_t)number(f, rnd(f) % 1024),
		.pointer = address(f),
	};

	/* The kernel zeroes what it does not fill: no further than the memory reaches. */
	if (args.size > MIB)
		args.pointer = 0;
	call(f, DRM_IOCTL_GAON_DEV_QUERY, &args);
}

static void fuzz_vm(struct fuzz *f)
{
	struct drm_gaon_vm_create create = {
		.flags = (uint32_t)number(f, rnd(f) & 1), .print_va = number(f, 0),
	};
	struct drm_gaon_vm_destroy destroy = { .vm_id = pick(f, f->vms, 8), .pad = rarely(f) };
	struct drm_gaon_vm_state state = { .vm_id = pick(f, f->vms, 8) };

	switch (rnd(f) % 4) {
	case 0:
		call(f, DRM_IOCTL_GAON_VM_DESTROY, &destroy);
		break;
	case 1:
		call(f, DRM_IOCTL_GAON_VM_STATE, &state);
		break;
	default:
		if (!call(f, DRM_IOCTL_GAON_VM_CREATE, &create))
			keep(f, f->vms, 8, create.vm_id);
	}
}

static void fuzz_bo(struct fuzz *f)
{
	struct drm_gaon_bo_create create = {
		.size = rarely(f) ? rnd(f) | 1ull << 62 : (1 + rnd(f) % 1024) * 4096,
		.flags = (uint32_t)number(f, rnd(f) & DRM_GAON_BO_FLAGS),
		.vm_id = rnd(f) & 1 ? pick(f, f->vms, 8) : 0,
	};
	struct drm_gaon_bo_mmap_offset offset = { .handle = pick(f, f->bos, 8) };
	struct drm_gaon_bo_info info = { .handle = pick(f, f->bos, 8) };
	struct drm_gem_close close = { .handle = pick(f, f->bos, 8) };
	volatile char *cpu;

	switch (rnd(f) % 6) {
	case 0:
		call(f, DRM_IOCTL_GEM_CLOSE, &close);
		break;
	case 1:
		call(f, DRM_IOCTL_GAON_BO_INFO, &info);
		break;
	case 2:
		if (call(f, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &offset))
			break;
		cpu = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, (off_t)offset.offset);
		if (cpu == MAP_FAILED)
			break;
		cpu[rnd(f) % 4096] = (char)rnd(f);
		munmap((void *)cpu, 4096);
		break;
	default:
		if (!call(f, DRM_IOCTL_GAON_BO_CREATE, &create))
			keep(f, f->bos, 8, create.handle);
	}
}

static struct drm_gaon_obj_array syncs(struct fuzz *f, struct drm_gaon_sync out[4])
{
	uint32_t i, count = (uint32_t)(rnd(f) % 4);

	for (i = 0; i < count; i++) {
		out[i].flags = (uint32_t)number(f, rnd(f) & 3);
		out[i].handle = pick(f, f->syncs, 4);
		out[i].timeline_value = number(f, out[i].flags & DRM_GAON_SYNC_TIMELINE ? 1 + rnd(f) % 64 : 0);
	}
	if (!count)
		return (struct drm_gaon_obj_array) { 0 };
	return (struct drm_gaon_obj_array) {
		(uint32_t)number(f, sizeof(*out)), (uint32_t)number(f, count),
		number(f, (uintptr_t)out),
	};
}

static void fuzz_bind(struct fuzz *f)
{
	struct drm_gaon_vm_bind_op ops[8];
	struct drm_gaon_sync sync[4];
	struct drm_gaon_vm_bind bind = {
		.vm_id = pick(f, f->vms, 8), .flags = (uint32_t)number(f, rnd(f) & 1),
	};
	uint32_t i, count = 1 + (uint32_t)(rnd(f) % 8);

	for (i = 0; i < count; i++) {
		ops[i] = (struct drm_gaon_vm_bind_op) {
			.type = (uint32_t)number(f, rnd(f) % 4), .va = va(f),
			.size = number(f, (1 + rnd(f) % 256) * 4096),
		};
		if (ops[i].type == DRM_GAON_VM_BIND_MAP) {
			ops[i].handle = pick(f, f->bos, 8);
			ops[i].offset = number(f, rnd(f) % 8 * 4096);
		}
		if (ops[i].type == DRM_GAON_VM_BIND_MAP_USERPTR)
			ops[i].offset = address(f);
		ops[i].flags = (uint32_t)number(f, ops[i].offset ? rnd(f) & 3 : 0);
	}
	bind.ops = (struct drm_gaon_obj_array) {
		(uint32_t)number(f, sizeof(ops[0])), count, number(f, (uintptr_t)ops),
	};
	if (bind.flags & 1)
		bind.syncs = syncs(f, sync);
	call(f, DRM_IOCTL_GAON_VM_BIND, &bind);
}

static void fuzz_queue(struct fuzz *f)
{
	struct drm_gaon_queue_create create = {
		.vm_id = pick(f, f->vms, 8), .flags = (uint32_t)number(f, rnd(f) & 1),
		.priority = (uint32_t)number(f, rnd(f) % 2), .ring_log2 = (uint32_t)number(f, 4 + rnd(f) % 4),
		.limit_cycles = number(f, 0), .slice_us = (uint32_t)number(f, 0),
	};
	struct drm_gaon_queue_destroy destroy = { .queue_id = pick(f, f->queues, 8) };
	struct drm_gaon_queue_query query = { .queue_id = pick(f, f->queues, 8), .flags = rarely(f) };
	struct drm_gaon_queue_clear clear = { .queue_id = pick(f, f->queues, 8) };
	struct drm_gaon_queue_set_priority priority = {
		.queue_id = pick(f, f->queues, 8), .priority = (uint32_t)number(f, rnd(f) % 4),
	};

	if (create.flags & 1) {
		create.ring_va = va(f) & ~63ull;
		create.state_va = va(f) & ~63ull;
	}
	switch (rnd(f) % 8) {
	case 0:
	case 1:
		call(f, DRM_IOCTL_GAON_QUEUE_DESTROY, &destroy);
		break;
	case 2:
		call(f, DRM_IOCTL_GAON_QUEUE_STATE, &query);
		break;
	case 3:
		call(f, DRM_IOCTL_GAON_QUEUE_CLEAR, &clear);
		break;
	case 4:
		call(f, DRM_IOCTL_GAON_QUEUE_SET_PRIORITY, &priority);
		break;
	default:
		if (!call(f, DRM_IOCTL_GAON_QUEUE_CREATE, &create))
			keep(f, f->queues, 8, create.queue_id);
	}
}

static void fuzz_submit(struct fuzz *f)
{
	struct drm_gaon_sync sync[4][4];
	struct drm_gaon_job jobs[4];
	struct drm_gaon_submit submit = { .queue_id = pick(f, f->queues, 8) };
	uint32_t i, count = 1 + (uint32_t)(rnd(f) % 4);

	for (i = 0; i < count; i++)
		jobs[i] = (struct drm_gaon_job) {
			.list_va = va(f) & ~63ull, .count = (uint32_t)number(f, 1 + rnd(f) % 8),
			.value_base = number(f, 0), .args_base = number(f, 0), .syncs = syncs(f, sync[i]),
		};
	submit.jobs = (struct drm_gaon_obj_array) {
		(uint32_t)number(f, sizeof(jobs[0])), count, number(f, (uintptr_t)jobs),
	};
	call(f, DRM_IOCTL_GAON_SUBMIT, &submit);
}

static void fuzz_wait(struct fuzz *f)
{
	struct timespec now;
	struct drm_gaon_wait wait = {
		.addr = address(f) & ~7ull, .value = number(f, 0), .vm_id = pick(f, f->vms, 8),
		.op = (uint32_t)number(f, rnd(f) % 3),
	};

	clock_gettime(CLOCK_MONOTONIC, &now);
	wait.timeout_ns = now.tv_sec * 1000000000ll + now.tv_nsec + (int64_t)(rnd(f) % 2000000);
	call(f, DRM_IOCTL_GAON_WAIT, &wait);
}

static void fuzz_sync(struct fuzz *f)
{
	struct drm_syncobj_create create = { .flags = rnd(f) & 1 };
	struct drm_prime_handle prime = { .handle = pick(f, f->bos, 8), .flags = DRM_CLOEXEC };

	if (rnd(f) & 1) {
		if (!call(f, DRM_IOCTL_SYNCOBJ_CREATE, &create))
			keep(f, f->syncs, 4, create.handle);
	} else if (!call(f, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime)) {
		if (!call(f, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime))
			keep(f, f->bos, 8, prime.handle);
		close(prime.fd);
	}
}

/* Any number, any size, any bytes; but nothing that waits for ever. */
static void fuzz_raw(struct fuzz *f)
{
	uint64_t bytes[32];
	unsigned int i, nr = DRM_COMMAND_BASE + (unsigned int)(rnd(f) % 0x20);

	if (nr == DRM_COMMAND_BASE + DRM_GAON_WAIT)
		return;
	for (i = 0; i < 32; i++)
		bytes[i] = rarely(f) ? rnd(f) : 0;
	call(f, _IOC(_IOC_READ | _IOC_WRITE, DRM_IOCTL_BASE, nr, rnd(f) % sizeof(bytes)), bytes);
}

static void fuzz_memory(struct fuzz *f)
{
	madvise((char *)f->memory + rnd(f) % 256 * 4096, (1 + rnd(f) % 64) * 4096, MADV_DONTNEED);
}

static void *fuzz_thread(void *arg)
{
	static void (*const calls[])(struct fuzz *) = {
		fuzz_query, fuzz_vm, fuzz_bo, fuzz_bo, fuzz_bind, fuzz_bind, fuzz_queue, fuzz_submit,
		fuzz_wait, fuzz_sync, fuzz_raw, fuzz_memory,
	};
	struct fuzz *f = arg;

	while (!atomic_load(&stop))
		calls[rnd(f) % (sizeof(calls) / sizeof(calls[0]))](f);
	return NULL;
}

int main(int argc, char **argv)
{
	struct drm_gaon_query_memory before[2], after[2];
	unsigned int seconds = argc > 1 ? (unsigned int)atoi(argv[1]) : 20, i;
	int watch = uapi_open(), fds[2] = { uapi_open(), uapi_open() };
	struct fuzz fuzz[3] = { 0 };
	pthread_t threads[3];

	uapi_query(watch, DRM_GAON_QUERY_MEMORY, before, sizeof(before));
	REQUIRE(getuid() || (!setgid(65534) && !setuid(65534)), "rights are given up");
	for (i = 0; i < 3; i++) {
		fuzz[i].fd = fds[i / 2];
		fuzz[i].state = uapi_random();
		fuzz[i].memory = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
				      -1, 0);
		REQUIRE(!pthread_create(&threads[i], NULL, fuzz_thread, &fuzz[i]), "thread %u", i);
	}
	sleep(seconds);
	atomic_store(&stop, true);
	for (i = 0; i < 3; i++) {
		pthread_join(threads[i], NULL);
		CHECK(fuzz[i].good > 0, "thread %u: %llu calls, %llu succeeded", i,
		      (unsigned long long)fuzz[i].calls, (unsigned long long)fuzz[i].good);
	}
	close(fds[0]);
	close(fds[1]);
	CHECK_ERRNO(uapi_query(watch, DRM_GAON_QUERY_MEMORY, after, sizeof(after)), 0, "the card answers");
	CHECK(after[0].used == before[0].used && after[1].used == before[1].used,
	      "host %llu to %llu, HBM %llu to %llu bytes", (unsigned long long)before[0].used,
	      (unsigned long long)after[0].used, (unsigned long long)before[1].used,
	      (unsigned long long)after[1].used);
	i = uapi_vm(watch, 0);
	CHECK(i, "others can work");
	uapi_exit();
}
