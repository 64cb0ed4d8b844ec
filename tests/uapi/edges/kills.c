// SPDX-License-Identifier: MIT
/*
 * Processes end at any moment of what they do, by SIGKILL or by a thread that exits: nothing of theirs
 * stays. As root.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../queue_lib.h"
#include "counters.h"

#define ENDS		200u	/* processes */
#define AT_ONCE		4u
#define LONGEST_US	60000u
#define WORD		0x0
#define LIST		0x1000
#define OWN_VA		0x600000000ull
#define OWN_BYTES	0x40000u
#define MAPPED_VA	0x800000000ull

/* --- what they do, for ever; anything may fail when the process is about to end --------------- */

static void own_op(struct drm_gaon_vm_bind_op *op, void *own)
{
	*op = (struct drm_gaon_vm_bind_op){
		.type = DRM_GAON_VM_BIND_MAP_USERPTR, .va = OWN_VA, .size = OWN_BYTES,
		.offset = (uintptr_t)own,
	};
}

/* A user-mode queue writes into the process' own memory, which comes and goes. */
static void *do_user(void *arg)
{
	struct lib_queue queue, endless;
	struct drm_gaon_vm_bind_op op;
	struct gaon_packet packet;
	struct lib lib;
	void *own;

	for (;;) {
		lib_open_on(&lib, open(arg, O_RDWR | O_CLOEXEC), DRM_GAON_VM_LR);
		lib_code(&lib);
		own = mmap(NULL, OWN_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		own_op(&op, own);
		uapi_bind(lib.fd, lib.vm, &op, 1);
		if (!lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0) &&
		    !lib_user_queue(&lib, &endless, 4, DRM_GAON_PRIORITY_LOW, UINT64_MAX)) {
			packet = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 4);
			lib_push(&endless, &packet);
			for (uint64_t i = 1; i < 16; i++) {
				packet = lib_nop(lib_va(WORD), i, GAON_PKT_F_EVENT);
				packet.type = GAON_PKT_FILL;
				packet.fill.dst_va = OWN_VA;
				packet.fill.bytes = OWN_BYTES;
				packet.fill.pattern = i;
				packet.fill.pattern_size = 8;
				lib_push(&queue, &packet);
				if (i % 3 == 0)
					madvise(own, OWN_BYTES, MADV_DONTNEED);
				lib_wait(&lib, lib_word(&lib, WORD), i, 1000);
			}
		}
		munmap(own, OWN_BYTES);
		lib_close(&lib);
	}
	return NULL;
}

/* Jobs that end, jobs that do not, jobs that wait for those. */
static void *do_kernel(void *arg)
{
	struct lib_queue queue, other;
	struct gaon_packet packet;
	struct lib lib;
	uint32_t out;

	for (;;) {
		lib_open_on(&lib, open(arg, O_RDWR | O_CLOEXEC), 0);
		lib_code(&lib);
		packet = lib_nop(0, 0, 0);
		memcpy(lib.mem + LIST, &packet, sizeof(packet));
		packet = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 4);
		memcpy(lib.mem + LIST + 0x800, &packet, sizeof(packet));
		out = lib_syncobj(lib.fd);
		if (!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0) &&
		    !lib_kernel_queue(&lib, &other, 4, DRM_GAON_PRIORITY_LOW, 0)) {
			for (uint64_t i = 1; i < 10; i++)
				lib_submit(&queue, lib_va(LIST), 1, 0, 0, out, i);
			lib_syncobj_wait(lib.fd, out, 9, 1000);
			lib_submit(&queue, lib_va(LIST + 0x800), 1, 0, 0, out, 10);
			lib_submit(&other, lib_va(LIST), 1, out, 10, out, 11);
			lib_submit(&other, lib_va(LIST), 1, out, 12, out, 13);
			lib_queue_destroy(&queue);
		}
		lib_close(&lib);
	}
	return NULL;
}

/* Objects and mappings, now and when a job ends, which does not. */
static void *do_memory(void *arg)
{
	static const uint32_t flags[] = {
		DRM_GAON_BO_HBM, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, DRM_GAON_BO_HOST,
		DRM_GAON_BO_HOST | DRM_GAON_BO_WC,
	};
	struct gaon_packet packet = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 1);
	struct lib_queue queue;
	uint32_t never, n = 0;
	struct lib lib;
	int fd;

	lib_open_on(&lib, open(arg, O_RDWR | O_CLOEXEC), 0);
	fd = lib.fd;
	lib_code(&lib);
	never = lib_syncobj(fd);
	memcpy(lib.mem + LIST, &packet, sizeof(packet));
	if (lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_LOW, 0) ||
	    lib_submit(&queue, lib_va(LIST), 1, 0, 0, never, 0))
		REQUIRE(false, "a job that does not end");
	for (;; n++) {
		uint32_t vm = uapi_vm(fd, n & 1), bo = uapi_bo(fd, 1 << 20, flags[n % 4], n & 8 ? vm : 0);
		volatile uint64_t *cpu = n % 4 ? uapi_mmap(fd, bo, 1 << 20) : NULL;
		struct drm_gaon_sync sync = { .handle = never };
		struct drm_gaon_vm_bind_op op = {
			.type = DRM_GAON_VM_BIND_MAP, .handle = bo, .va = MAPPED_VA, .size = 1 << 20,
		};
		struct drm_gaon_vm_bind bind = {
			.vm_id = vm, .flags = DRM_GAON_VM_BIND_ASYNC,
			.ops = { .stride = sizeof(op), .count = 1, .array = (uintptr_t)&op },
			.syncs = { .stride = sizeof(sync), .count = 1, .array = (uintptr_t)&sync },
		};

		if (cpu)
			cpu[n % 1000] = n;
		uapi_map(fd, vm, bo, 0, MAPPED_VA, 1 << 20, 0);
		uapi_unmap(fd, vm, MAPPED_VA + (n % 200) * 4096, 4096);
		if (n % 4 == 2)
			uapi_ioctl(fd, DRM_IOCTL_GAON_VM_BIND, &bind);
		if (cpu)
			munmap((void *)cpu, 1 << 20);
		uapi_bo_close(fd, bo);
		uapi_vm_destroy(fd, vm);
	}
	return NULL;
}

/* --- and how they end --------------------------------------------------------------------------- */

static void victim(unsigned int exit_after_us)
{
	static void *(*const tasks[])(void *) = { do_user, do_kernel, do_memory };
	char *node = getenv("GAON_NODE") ? getenv("GAON_NODE") : "/dev/accel/accel0";
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	uapi_quiet = true;
	for (unsigned int i = 0; i < sizeof(tasks) / sizeof(tasks[0]); i++)
		pthread_create(&thread, NULL, tasks[i], node);
	if (exit_after_us) {
		usleep(exit_after_us);
		_exit(0);
	}
	for (;;)
		pause();
}

/* Starts and ends some; how many of them had ended by themselves before that. */
static unsigned int batch(unsigned int *slept_us)
{
	unsigned int early = 0;
	pid_t pids[AT_ONCE];
	int status;

	for (unsigned int i = 0; i < AT_ONCE; i++) {
		unsigned int us = 1 + uapi_random() % LONGEST_US;

		pids[i] = fork();
		if (!pids[i])
			victim(i & 1 ? us : 0);
	}
	*slept_us = uapi_random() % LONGEST_US;
	usleep(*slept_us);
	for (unsigned int i = 0; i < AT_ONCE; i++) {
		if (!(i & 1))
			kill(pids[i], SIGKILL);
	}
	for (unsigned int i = 0; i < AT_ONCE; i++) {
		waitpid(pids[i], &status, 0);
		early += i & 1 ? status != 0 : !WIFSIGNALED(status);
	}
	return early;
}

int main(void)
{
	struct counters *before = malloc(sizeof(*before));
	uint64_t memory[2], after[2];
	unsigned int early = 0, us, total = 0;
	int fd = uapi_open();

	REQUIRE(before, "memory");
	for (unsigned int i = 0; i < 4; i++)
		batch(&us);
	counters_read(before);
	uapi_memory_used(fd, memory);
	CHECK(counters_lines("/sys/kernel/debug/accel/*/queues") == 0 &&
	      counters_lines("/sys/kernel/debug/accel/*/vms") == 0, "no queues or address spaces at first");
	for (unsigned int i = 0; i < ENDS / AT_ONCE; i++) {
		early += batch(&us);
		total += us / 1000;
	}
	CHECK(!early, "%u processes, ended after %u ms on average: %u ended before", ENDS,
	      total / (ENDS / AT_ONCE), early);
	CHECK(counters_lines("/sys/kernel/debug/accel/*/queues") == 0, "no queue is left: %d",
	      counters_lines("/sys/kernel/debug/accel/*/queues"));
	CHECK(counters_lines("/sys/kernel/debug/accel/*/vms") == 0, "no address space is left: %d",
	      counters_lines("/sys/kernel/debug/accel/*/vms"));
	uapi_memory_used(fd, after);
	CHECK(memory[0] == after[0] && memory[1] == after[1], "nor memory: host %llu to %llu, HBM %llu to %llu",
	      (unsigned long long)memory[0], (unsigned long long)after[0], (unsigned long long)memory[1],
	      (unsigned long long)after[1]);
	counters_check(before, ENDS / 2, "killed and exited");
	uapi_figure("clients", "killed or exited at any moment", ENDS);
	close(fd);
	free(before);
	uapi_exit();
}
