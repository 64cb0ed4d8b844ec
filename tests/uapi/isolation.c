// SPDX-License-Identifier: MIT
/*
 * One process tries to see or change what is another's: memory that was given back, what a core keeps,
 * addresses that are mapped no more, doorbells, the driver's half of an address space, fences.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hw/gaon_pte.h>

#include "queue_lib.h"

#define SECRET		0x5ec2e75ec2e75ec2ull
#define KERNEL_HALF	0xffff800000000000ull

/* Offsets of the programs' memory. */
#define LIST		0x1000
#define SMALL		0x2000
#define RESULTS		0x10000
#define RESULT_BYTES	0x8000
#define GROUPS		8u
#define OTHER_VA	0x400000000ull
#define KERNELS_VA	0x500000000ull
/* Entries of the kernels. */
#define LEAVE		0x0
#define HOLD		0x200
#define BREAK		0x400
#define LOOK		0x800
#define SPM_BYTES	65536u
#define PATIENCE_MS	60000

extern const uint8_t kernels[], kernels_end[];
__asm__(".section .rodata\n"
	"kernels: .incbin \"" LEFTOVERS "\"\n"
	"kernels_end: .previous\n");

/* The queue has faulted; it goes on. Returns the type. */
static unsigned int fault_of(struct lib_queue *queue)
{
	struct drm_gaon_queue_query query;
	int err = lib_state(queue, &query, DRM_GAON_QUEUE_ACK);

	if (!err)
		err = lib_clear(queue);
	return err ? 1000u + (unsigned int)err : query.fault.type;
}

/* A process of its own; it must end well. */
static void other_process(void (*run)(void *arg), void *arg, const char *what)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run(arg);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	MUST(!status, "another process %s", what);
}

/* --- memory that was given back -------------------------------------------------------------------- */

struct reuse {
	uint32_t flags;
	uint64_t bytes;
	unsigned int count;
};

/* Written by the device, as a client writes what no CPU ever sees; then exit without a word. */
static void reuse_leave(void *arg)
{
	const struct reuse *reuse = arg;
	struct lib_queue queue;
	struct lib lib;

	if (!freopen("/dev/null", "w", stdout))
		_exit(1);
	lib_open_user(&lib, &queue);
	for (unsigned int i = 0; i < reuse->count; i++) {
		uint32_t bo = uapi_bo(lib.fd, reuse->bytes, reuse->flags, 0);
		uint64_t va = OTHER_VA + i * reuse->bytes;

		MUST(bo && !uapi_map(lib.fd, lib.vm, bo, 0, va, reuse->bytes, 0), "map");
		MUST(!lib_run(&queue, lib_fill(va, reuse->bytes, SECRET)), "fill");
	}
}

static void test_reuse(struct lib *lib, struct lib_queue *queue)
{
	static const struct reuse reuses[] = {
		{ DRM_GAON_BO_HBM, 64 << 10, 32 },
		{ DRM_GAON_BO_HBM, 2 << 20, 2 },
		{ DRM_GAON_BO_HBM | DRM_GAON_BO_CPU | DRM_GAON_BO_CONTIGUOUS, 64 << 10, 8 },
		{ DRM_GAON_BO_HOST, 64 << 10, 32 },
		{ DRM_GAON_BO_HOST | DRM_GAON_BO_WC, 64 << 10, 8 },
	};
	const uint64_t *seen = (const uint64_t *)(lib->mem + RESULTS);

	for (unsigned int k = 0; k < sizeof(reuses) / sizeof(reuses[0]); k++) {
		struct reuse reuse = reuses[k];
		uint64_t bad = 0, chunk = 0x40000;

		other_process(reuse_leave, &reuse, "leaves secrets in memory");
		for (unsigned int i = 0; i < reuse.count; i++) {
			uint32_t bo = uapi_bo(lib->fd, reuse.bytes, reuse.flags, 0);

			MUST(bo && !uapi_map(lib->fd, lib->vm, bo, 0, OTHER_VA, reuse.bytes, 0), "map");
			for (uint64_t at = 0; at < reuse.bytes; at += chunk) {
				uint64_t bytes = reuse.bytes - at < chunk ? reuse.bytes - at : chunk;

				memset(lib->mem + RESULTS, 0xff, bytes);
				MUST(!lib_run(queue, lib_copy(lib_va(RESULTS), OTHER_VA + at,
								    bytes)), "copy");
				for (uint64_t w = 0; w < bytes / 8; w++)
					bad += seen[w] != 0;
			}
			uapi_unmap(lib->fd, lib->vm, OTHER_VA, reuse.bytes);
			uapi_bo_close(lib->fd, bo);
		}
		CHECK(!bad, "flags %#x, %llu KiB: the device reads 0 at first: %llu words are not", reuse.flags,
		      (unsigned long long)reuse.bytes >> 10, (unsigned long long)bad);
	}
}

/* --- what a core keeps ----------------------------------------------------------------------------- */

static void kernels_map(struct lib *lib)
{
	uint32_t bo = uapi_bo(lib->fd, 8192, DRM_GAON_BO_HOST, 0);
	uint8_t *cpu = bo ? uapi_mmap(lib->fd, bo, 8192) : NULL;

	REQUIRE(cpu && kernels_end - kernels <= 8192, "memory for code");
	memcpy(cpu, kernels, (size_t)(kernels_end - kernels));
	munmap(cpu, 8192);
	REQUIRE(!uapi_map(lib->fd, lib->vm, bo, 0, KERNELS_VA, 8192, DRM_GAON_VM_BIND_EXEC), "code");
	uapi_bo_close(lib->fd, bo);
}

static int launch(struct lib_queue *queue, uint64_t entry)
{
	struct gaon_packet packet = lib_launch(entry, lib_va(RESULTS), GROUPS);

	packet.launch.spm_bytes = SPM_BYTES;
	return lib_run(queue, packet);
}

static unsigned int cores_of(struct lib *lib)
{
	struct drm_gaon_query_topology topology = { 0 };

	MUST(!uapi_query(lib->fd, DRM_GAON_QUERY_TOPOLOGY, &topology, sizeof(topology)) && topology.cores,
	     "cores");
	return topology.cores < GROUPS ? topology.cores : GROUPS;
}

/* Each core has come as far as to say that its secrets are there: workgroup n runs on core n, of as many. */
static bool cores_said(struct lib *lib)
{
	int64_t end = lib_now() + PATIENCE_MS * 1000000ll;
	unsigned int n = cores_of(lib), i;

	do {
		for (i = 0; i < n && *lib_word(lib, RESULTS + 8 * i) == SECRET; i++)
			;
		if (i < n)
			usleep(500);
	} while (i < n && lib_now() < end);
	return i == n;
}

/* Leaves secrets in all cores, again and again if its workgroups end; a byte of a pipe says that it did. */
static void cores_leave(int told, uint64_t entry)
{
	struct lib_queue queue;
	struct gaon_packet packet;
	struct lib lib;
	int err = 0;

	if (!freopen("/dev/null", "w", stdout))
		_exit(1);
	lib_open(&lib, DRM_GAON_VM_LR);
	/* Whoever looks has precedence, also over what is in the middle of a workgroup. */
	if (lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_LOW, UINT64_MAX))
		_exit(1);
	kernels_map(&lib);
	while (!err) {
		memset(lib.mem + RESULTS, 0, 8 * GROUPS);
		if (entry == HOLD) {
			packet = lib_launch(KERNELS_VA + entry, lib_va(RESULTS), GROUPS);
			packet.launch.spm_bytes = SPM_BYTES;
			lib_push(&queue, &packet);
			err = !cores_said(&lib);
		} else if (entry == BREAK) {
			err = launch(&queue, KERNELS_VA + entry) != EIO ||
			      fault_of(&queue) != GAON_FAULT_BREAK;
		} else {
			err = launch(&queue, KERNELS_VA + entry) || !cores_said(&lib);
		}
		if (!err && write(told, "", 1) != 1)
			_exit(4);
		while (!err && entry == HOLD)
			pause();
	}
	_exit(3);
}

/* What all looks together have found of others. */
struct found {
	uint64_t scratchpad, registers, vectors, missing;
};

static void cores_look(struct lib *lib, struct lib_queue *queue, struct found *found)
{
	memset(lib->mem + RESULTS, 0, GROUPS * RESULT_BYTES);
	MUST(!launch(queue, KERNELS_VA + LOOK), "a look");
	for (unsigned int g = 0; g < GROUPS; g++) {
		const uint64_t *result = (const uint64_t *)(lib->mem + RESULTS + g * RESULT_BYTES);

		found->registers |= result[0] | result[1] | result[3];
		found->scratchpad |= result[2];
		found->missing += result[4] != 1;
		for (unsigned int w = 0x800 / 8; w < RESULT_BYTES / 8; w++)
			found->vectors |= result[w];
	}
}

/* Another process' workgroups end, fault, or are in progress; at last it is killed. */
static void test_cores(struct lib *lib, struct lib_queue *queue, uint64_t entry, const char *when)
{
	struct found found = { 0 };
	int told[2], status;
	char byte;
	pid_t pid;

	REQUIRE(!pipe(told), "a pipe");
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(told[0]);
		cores_leave(told[1], entry);
	}
	close(told[1]);
	for (unsigned int i = 0; i < (entry == LEAVE ? 12 : 4); i++) {
		/* Each time it has been on the cores since the last look; or is, whenever nobody looks. */
		if (!i || entry != HOLD)
			MUST(read(told[0], &byte, 1) == 1, "another process leaves secrets in cores");
		else
			usleep(3000);
		cores_look(lib, queue, &found);
	}
	if (entry == HOLD)
		usleep(3000);	/* it is back on the cores */
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(told[0]);
	cores_look(lib, queue, &found);
	CHECK(WIFSIGNALED(status), "%s: it went on to the end: %#x", when, status);
	CHECK(!found.missing, "%s: all workgroups looked", when);
	CHECK(!found.registers, "%s: registers of another context: %#llx", when,
	      (unsigned long long)found.registers);
	CHECK(!found.vectors, "%s: vector registers of another context: %#llx", when,
	      (unsigned long long)found.vectors);
	CHECK(!found.scratchpad, "%s: scratchpads of another context: %#llx", when,
	      (unsigned long long)found.scratchpad);
}

/* --- addresses that are mapped no more ------------------------------------------------------------- */

static void test_stale(struct lib *lib, struct lib_queue *queue)
{
	static const uint32_t flags[] = { DRM_GAON_BO_HBM, DRM_GAON_BO_HOST };
	uint64_t *seen = (uint64_t *)(lib->mem + SMALL);

	for (unsigned int k = 0; k < 2; k++) {
		uint32_t bo = uapi_bo(lib->fd, 4096, flags[k], 0);
		int err;

		REQUIRE(bo && !uapi_map(lib->fd, lib->vm, bo, 0, OTHER_VA, 4096, 0), "map");
		/* The device has the translation now. */
		CHECK_ERRNO(lib_run(queue, lib_copy(lib_va(SMALL), OTHER_VA, 4096)), 0, "a copy");
		CHECK_ERRNO(uapi_unmap(lib->fd, lib->vm, OTHER_VA, 4096), 0, "unmap");
		uapi_bo_close(lib->fd, bo);
		memset(seen, 0x77, 4096);
		err = lib_run(queue, lib_copy(lib_va(SMALL), OTHER_VA, 4096));
		CHECK(err == EIO && fault_of(queue) == GAON_FAULT_PAGE && seen[0] == 0x7777777777777777ull,
		      "flags %#x: a copy from what was unmapped faults: %s", flags[k], strerror(err));
		err = lib_run(queue, lib_fill(OTHER_VA, 4096, SECRET));
		CHECK(err == EIO && fault_of(queue) == GAON_FAULT_PAGE, "a fill of it faults: %s", strerror(err));
	}
	/* Rights that were taken away. */
	{
		uint32_t bo = uapi_bo(lib->fd, 4096, DRM_GAON_BO_HOST, 0);
		int err;

		REQUIRE(!uapi_map(lib->fd, lib->vm, bo, 0, OTHER_VA, 4096, 0), "map");
		CHECK_ERRNO(lib_run(queue, lib_fill(OTHER_VA, 4096, 1)), 0, "a fill");
		REQUIRE(!uapi_map(lib->fd, lib->vm, bo, 0, OTHER_VA, 4096, DRM_GAON_VM_BIND_READONLY), "map");
		err = lib_run(queue, lib_fill(OTHER_VA, 4096, 2));
		CHECK(err == EIO && fault_of(queue) == GAON_FAULT_PERMISSION, "a fill of what is read-only now: %s",
		      strerror(err));
		uapi_unmap(lib->fd, lib->vm, OTHER_VA, 4096);
		uapi_bo_close(lib->fd, bo);
	}
}

/* --- handles and doorbells of others --------------------------------------------------------------- */

static void foreign_run(void *arg)
{
	const struct lib_queue *theirs = arg;
	struct drm_gaon_queue_query query = { .queue_id = theirs->id };
	struct drm_gaon_vm_state state = { .vm_id = theirs->lib->vm };
	struct drm_gaon_bo_info info = { .handle = theirs->lib->bo };
	struct drm_gaon_bo_mmap_offset offset = { .handle = theirs->lib->bo };
	int fd = uapi_open();
	bool good;

	good = mmap(NULL, DRM_GAON_DOORBELL_BYTES, PROT_WRITE, MAP_SHARED, fd,
		    (off_t)theirs->doorbell_mmap) == MAP_FAILED;
	good &= uapi_ioctl(fd, DRM_IOCTL_GAON_QUEUE_STATE, &query) == ENOENT;
	good &= uapi_ioctl(fd, DRM_IOCTL_GAON_VM_STATE, &state) == ENOENT;
	good &= uapi_ioctl(fd, DRM_IOCTL_GAON_BO_INFO, &info) == ENOENT;
	good &= uapi_map(fd, theirs->lib->vm, theirs->lib->bo, 0, OTHER_VA, 4096, 0) == ENOENT;
	good &= !uapi_ioctl(theirs->lib->fd, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &offset) &&
		mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, (off_t)offset.offset) == MAP_FAILED;
	_exit(!good);
}

static void test_foreign(struct lib_queue *queue)
{
	int status = -1;
	pid_t pid = fork();

	if (!pid)
		foreign_run(queue);
	waitpid(pid, &status, 0);
	CHECK(!status, "another file reaches neither doorbell, queue, address space, nor object: %#x", status);
}

/* --- the driver's half ------------------------------------------------------------------------------ */

/* Where the driver's rings and values begin, and anywhere. */
static uint64_t kernel_va(unsigned int i)
{
	if (i < 12)
		return KERNEL_HALF + i * 4096ull;
	return KERNEL_HALF | (uapi_random() & 0x7ffffffffff8ull);
}

static bool is_refusal(unsigned int type)
{
	return type == GAON_FAULT_BAD_PACKET || type == GAON_FAULT_PAGE || type == GAON_FAULT_PERMISSION;
}

static void test_kernel_half(struct lib_queue *queue)
{
	unsigned int bad = 0, total = 0;

	for (unsigned int i = 0; i < 24; i++) {
		uint64_t va = kernel_va(i);
		struct gaon_packet tries[] = {
			lib_fill(va, 64, SECRET),
			lib_copy(va, lib_va(SMALL), 64),
			lib_copy(lib_va(SMALL), va, 64),
			lib_nop(va, 1, 0),
			lib_launch(LIB_CODE_VA + LIB_CODE_STORE, va, 1),
			lib_launch(va & ~3ull, 0, 1),
			{ .type = GAON_PKT_TIMESTAMP, .timestamp = { .va = va } },
			{ .type = GAON_PKT_INDIRECT, .list = { .list_va = va & ~63ull, .count = 1 } },
			{ .type = GAON_PKT_CALL, .list = { .list_va = lib_va(LIST), .count = 1 } },
		};
		unsigned int t = uapi_random() % (sizeof(tries) / sizeof(tries[0]));

		/* Three of them for each address. */
		for (unsigned int n = 0; n < 3; n++, t = (t + 1) % (sizeof(tries) / sizeof(tries[0]))) {
			struct gaon_packet packet = tries[t];
			int err = lib_run(queue, packet);
			unsigned int type = err == EIO ? fault_of(queue) : 0;

			total++;
			if (!is_refusal(type) && !bad++)
				CHECK(false, "type %u at %#llx: error %d, fault %u", packet.type,
				      (unsigned long long)va, err, type);
		}
	}
	CHECK(!bad, "%u attempts on the driver's half of an address space, %u got through", total, bad);
}

/* False: on a slow machine the job that does not end came to its own limit before all was tried. */
static bool fences_tried(void)
{
	uint32_t gate, blocked, done, forged = 0;
	struct lib_queue queue, other;
	int endless, behind, err;
	struct lib lib;

	lib_open(&lib, 0);
	REQUIRE(!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	REQUIRE(!lib_kernel_queue(&lib, &other, 4, DRM_GAON_PRIORITY_NORMAL, 0), "another");
	gate = lib_syncobj(lib.fd);
	blocked = lib_syncobj(lib.fd);
	done = lib_syncobj(lib.fd);
	*(struct gaon_packet *)(lib.mem + LIST) = lib_nop(0, 0, 0);
	/* What waits is a job of the victim, whose list never ends until we say so. */
	*(struct gaon_packet *)(lib.mem + LIST + 0x400) = lib_nop(0, 0, 0);
	lib_code(&lib);
	*(struct gaon_packet *)(lib.mem + LIST + 0x800) = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 1);
	CHECK_ERRNO(lib_submit(&other, lib_va(LIST + 0x800), 1, 0, 0, gate, 0), 0, "a job that does not end");
	CHECK_ERRNO(lib_submit(&other, lib_va(LIST + 0x400), 1, 0, 0, blocked, 0), 0, "one behind it");
	for (unsigned int i = 0; i < 16; i++) {
		*(struct gaon_packet *)(lib.mem + LIST) = i & 1 ? lib_nop(kernel_va(i / 2), 1000, 0) :
							  lib_fill(kernel_va(i / 2), 4096, 1000);
		err = lib_submit(&queue, lib_va(LIST), 1, 0, 0, done, 0);
		if (!err)
			err = lib_syncobj_wait(lib.fd, done, 0, PATIENCE_MS);
		if (!err)
			err = -lib_syncobj_status(lib.fd, done);
		if (err != EIO || !is_refusal(fault_of(&queue)))
			forged++;
	}
	CHECK(!forged, "jobs that write to the driver's rings and values fail: %u do not", forged);
	endless = -lib_syncobj_status(lib.fd, gate);
	behind = -lib_syncobj_status(lib.fd, blocked);
	/* Its limit may come between any two of these lines. */
	if ((endless == EIO || behind == ECANCELED) && fault_of(&other) == GAON_FAULT_WATCHDOG) {
		lib_close(&lib);
		return false;
	}
	CHECK_ERRNO(endless, EINPROGRESS, "a job that does not end has not ended");
	CHECK_ERRNO(behind, EINPROGRESS, "nor has the one behind it");
	CHECK_ERRNO(lib_queue_destroy(&other), 0, "their queue goes");
	CHECK_ERRNO(-lib_syncobj_status(lib.fd, blocked), ECANCELED, "which ends it");
	lib_close(&lib);
	return true;
}

/* A job that stores into the driver's half does not end, or make end, anything but itself. */
static void test_fences(void)
{
	unsigned int tries = 1;

	while (!fences_tried() && tries < 8)
		tries++;
	CHECK(tries < 8, "all was tried while a job ran that does not end, at the %u. time", tries);
}

int main(void)
{
	struct lib_queue queue;
	struct lib lib;

	lib_open_user(&lib, &queue);
	lib_code(&lib);
	test_reuse(&lib, &queue);
	kernels_map(&lib);
	test_cores(&lib, &queue, LEAVE, "workgroups that ended");
	test_cores(&lib, &queue, BREAK, "workgroups that faulted");
	test_cores(&lib, &queue, HOLD, "workgroups in progress");
	test_stale(&lib, &queue);
	test_foreign(&queue);
	test_kernel_half(&queue);
	lib_close(&lib);
	test_fences();
	uapi_exit();
}
