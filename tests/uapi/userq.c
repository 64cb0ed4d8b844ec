// SPDX-License-Identifier: MIT
/* User-mode queues: made, used, refused, faulted, cleared, destroyed while busy. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "queue_lib.h"

#define WORD	0x0	/* offsets of the test's memory */
#define WORD2	0x40
#define DOORBELL_PAGES	16

static int create(struct lib *lib, struct drm_gaon_queue_create args)
{
	int err = uapi_ioctl(lib->fd, DRM_IOCTL_GAON_QUEUE_CREATE, &args);

	if (!err) {
		struct lib_queue queue = { .lib = lib, .id = args.queue_id };

		lib_queue_destroy(&queue);
	}
	return err;
}

static void test_refused(struct lib *lib)
{
	const struct drm_gaon_queue_create good = {
		.vm_id = lib->vm, .flags = DRM_GAON_QUEUE_USER, .priority = DRM_GAON_PRIORITY_NORMAL,
		.ring_log2 = 4, .ring_va = lib_va(0x1000), .state_va = lib_va(0x2000),
	};
	struct drm_gaon_queue_create args;
	unsigned int bit;

#define REFUSED(error, what, ...) do {							\
	args = good;									\
	__VA_ARGS__;									\
	CHECK_ERRNO(create(lib, args), error, what);					\
} while (0)
	REFUSED(0, "as it should be", (void)0);
	REFUSED(0, "the largest ring and slice",
		args.ring_log2 = 16, args.slice_us = 1000000, args.limit_cycles = UINT64_MAX);
	REFUSED(ENOENT, "no such VM", args.vm_id = 77);
	REFUSED(EINVAL, "kernel-owned in an LR VM", args.flags = 0, args.ring_va = args.state_va = 0);
	for (bit = 2; bit < 32; bit++)
		REFUSED(EINVAL, "an unknown flag", args.flags |= 1u << bit);
	REFUSED(EINVAL, "an unknown priority", args.priority = 4);
	REFUSED(EINVAL, "a ring that is too small", args.ring_log2 = 3);
	REFUSED(EINVAL, "a ring that is too large", args.ring_log2 = 17);
	REFUSED(EINVAL, "log2 that would shift far", args.ring_log2 = 64);
	REFUSED(EINVAL, "a ring out of line", args.ring_va += 32);
	REFUSED(EINVAL, "a state block out of line", args.state_va += 8);
	REFUSED(ERANGE, "a ring at 0", args.ring_va = 0);
	REFUSED(ERANGE, "a ring in the kernel's half", args.ring_va = 0xffff800000000000ull);
	REFUSED(ERANGE, "a ring across the end", args.ring_va = 0x800000000000ull - 64);
	REFUSED(ERANGE, "a ring that wraps", args.ring_va = 0ull - 64);
	REFUSED(ERANGE, "a state block in the kernel's half", args.state_va = 0xffff800000000000ull);
	REFUSED(EINVAL, "a slice that is too long", args.slice_us = 1000001);
	REFUSED(EINVAL, "an output that is set", args.queue_id = 1);
	REFUSED(EINVAL, "an output that is set", args.hw_id = 1);
	REFUSED(EINVAL, "an output that is set", args.doorbell_offset = 1);
	REFUSED(EINVAL, "an output that is set", args.doorbell_mmap = 1);
#undef REFUSED
}

static void test_nop(struct lib *lib)
{
	volatile uint64_t *word = lib_word(lib, WORD);
	struct drm_gaon_queue_query query;
	struct lib_queue queue;
	uint64_t i, bad = 0;

	REQUIRE(!lib_user_queue(lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	*word = 0;
	for (i = 1; i <= 1000; i++) {
		struct gaon_packet packet = lib_nop(lib_va(WORD), i, GAON_PKT_F_EVENT);

		lib_push(&queue, &packet);
		if (i % 8 == 0 && lib_wait(lib, word, i, 20000))
			bad++;
	}
	CHECK(!bad && *word == 1000, "1000 packets, in steps of 8: word %llu, %llu waits failed",
	      (unsigned long long)*word, (unsigned long long)bad);
	CHECK_ERRNO(lib_state(&queue, &query, 0), 0, "state");
	CHECK(!(query.state & ~DRM_GAON_QUEUE_IN_SLOT) && query.completed == 1000 &&
	      !query.fault.type && query.priority == DRM_GAON_PRIORITY_NORMAL && !query.submitted,
	      "state %#x, completed %llu", query.state, (unsigned long long)query.completed);
	CHECK_ERRNO(lib_clear(&queue), EBUSY, "clear of a good queue");
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
	CHECK_ERRNO(lib_queue_destroy(&queue), ENOENT, "destroy again");
	CHECK_ERRNO(lib_state(&queue, &query, 0), ENOENT, "state of nothing");
	CHECK_ERRNO(lib_clear(&queue), ENOENT, "clear of nothing");
	/* The doorbell of a queue that is gone: a page like any other, and a fault ends the program. */
	lib_ring(&queue);
}

static void test_arguments(struct lib *lib)
{
	struct drm_gaon_queue_set_priority priority;
	struct drm_gaon_queue_destroy destroy;
	struct drm_gaon_queue_query query;
	struct drm_gaon_queue_clear clear;
	struct lib_queue queue;
	bool nice = geteuid() == 0;
	uint32_t i;

	REQUIRE(!lib_user_queue(lib, &queue, 4, DRM_GAON_PRIORITY_LOW, 0), "a queue");
	for (i = 0; i < 4; i++) {
		priority = (struct drm_gaon_queue_set_priority){ .queue_id = queue.id, .priority = i };
		CHECK_ERRNO(uapi_ioctl(lib->fd, DRM_IOCTL_GAON_QUEUE_SET_PRIORITY, &priority),
			    i > DRM_GAON_PRIORITY_NORMAL && !nice ? EACCES : 0, "priority %u", i);
	}
	lib_state(&queue, &query, 0);
	CHECK(query.priority == (nice ? 3u : 1u), "it is %u", query.priority);
	priority.priority = 4;
	CHECK_ERRNO(uapi_ioctl(lib->fd, DRM_IOCTL_GAON_QUEUE_SET_PRIORITY, &priority), EINVAL,
		    "priority 4");
	priority = (struct drm_gaon_queue_set_priority){ .queue_id = 999 };
	CHECK_ERRNO(uapi_ioctl(lib->fd, DRM_IOCTL_GAON_QUEUE_SET_PRIORITY, &priority), ENOENT,
		    "priority of nothing");
	destroy = (struct drm_gaon_queue_destroy){ .queue_id = queue.id, .pad = 1 };
	CHECK_ERRNO(uapi_ioctl(lib->fd, DRM_IOCTL_GAON_QUEUE_DESTROY, &destroy), EINVAL, "padding");
	clear = (struct drm_gaon_queue_clear){ .queue_id = queue.id, .pad = 1 };
	CHECK_ERRNO(uapi_ioctl(lib->fd, DRM_IOCTL_GAON_QUEUE_CLEAR, &clear), EINVAL, "padding");
	for (i = 1; i < 32; i++) {
		query = (struct drm_gaon_queue_query){ .queue_id = queue.id, .flags = 1u << i };
		CHECK_ERRNO(uapi_ioctl(lib->fd, DRM_IOCTL_GAON_QUEUE_STATE, &query), EINVAL,
			    "flag %u", i);
	}
	query = (struct drm_gaon_queue_query){ .queue_id = queue.id, .fault.list_index = 1 };
	CHECK_ERRNO(uapi_ioctl(lib->fd, DRM_IOCTL_GAON_QUEUE_STATE, &query), EINVAL, "output");
	CHECK_ERRNO(uapi_vm_destroy(lib->fd, lib->vm), EBUSY, "VM with a queue");
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
}

/* What a caller without CAP_SYS_NICE is told, in a process that gave up being root. */
static int as_nobody(struct lib *lib, struct lib_queue *queue)
{
	struct drm_gaon_queue_create good = {
		.vm_id = lib->vm, .flags = DRM_GAON_QUEUE_USER, .ring_log2 = 4,
		.ring_va = lib_va(0x1000), .state_va = lib_va(0x2000),
	};
	struct drm_gaon_queue_set_priority args = { .queue_id = queue->id };
	struct drm_gaon_query_device device = { 0 };
	int bad = 0;

	if (setgid(65534) || setuid(65534))
		return 1;
	for (args.priority = 0; args.priority < 4; args.priority++) {
		int expected = args.priority > DRM_GAON_PRIORITY_NORMAL ? EACCES : 0;

		good.priority = args.priority;
		bad |= create(lib, good) != expected ? 2 : 0;
		bad |= uapi_ioctl(lib->fd, DRM_IOCTL_GAON_QUEUE_SET_PRIORITY, &args) != expected ? 4 : 0;
	}
	/* Before the queue is looked for. */
	args = (struct drm_gaon_queue_set_priority){ .queue_id = 999, .priority = 3 };
	bad |= uapi_ioctl(lib->fd, DRM_IOCTL_GAON_QUEUE_SET_PRIORITY, &args) != EACCES ? 8 : 0;
	bad |= uapi_query(lib->fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device)) ||
	       device.priorities != (1u << DRM_GAON_PRIORITY_LOW | 1u << DRM_GAON_PRIORITY_NORMAL) ? 16 : 0;
	return bad;
}

static void test_nobody(struct lib *lib)
{
	struct drm_gaon_query_device device = { 0 };
	struct drm_gaon_queue_query query;
	struct lib_queue queue;
	int status = -1;
	pid_t pid;

	REQUIRE(!lib_user_queue(lib, &queue, 4, DRM_GAON_PRIORITY_HIGH, 0), "a queue of root's");
	pid = fork();
	if (!pid)
		_exit(as_nobody(lib, &queue));
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "nobody may not be urgent: status %#x", status);
	lib_state(&queue, &query, 0);
	CHECK(query.priority == DRM_GAON_PRIORITY_NORMAL, "what was refused changed nothing: %u",
	      query.priority);
	uapi_query(lib->fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device));
	CHECK(device.priorities == 15, "root may use all: %#x", device.priorities);
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
}

/* SUBMIT is for the other kind. */
static void test_submit(struct lib *lib)
{
	struct lib_queue queue;

	REQUIRE(!lib_user_queue(lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	CHECK_ERRNO(lib_submit(&queue, lib_va(0x1000), 1, 0, 0, 0, 0), EINVAL, "SUBMIT to it");
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
}

static bool event_read(int fd, struct drm_gaon_event_fault *event, int timeout_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };

	memset(event, 0, sizeof(*event));
	return poll(&pfd, 1, timeout_ms) == 1 &&
	       read(fd, event, sizeof(*event)) == (ssize_t)sizeof(*event);
}

static void test_fault(struct lib *lib)
{
	volatile uint64_t *word = lib_word(lib, WORD);
	struct drm_gaon_event_fault event;
	struct drm_gaon_queue_query query;
	struct gaon_packet packet;
	struct lib_queue queue;
	unsigned int round;

	REQUIRE(!lib_user_queue(lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	for (round = 0; round < 3; round++) {
		uint64_t value = 2 * round + 1;

		*word = 0;
		packet = lib_nop(lib_va(WORD), value, GAON_PKT_F_EVENT);
		lib_push(&queue, &packet);
		packet = (struct gaon_packet){ .type = 0x77, .tag = 4711 + round };
		lib_push(&queue, &packet);
		packet = lib_nop(lib_va(WORD), value + 1, GAON_PKT_F_EVENT);
		lib_push(&queue, &packet);
		CHECK_ERRNO(lib_wait(lib, word, value, 20000), 0, "what is before the fault");
		CHECK_ERRNO(lib_wait(lib, word, value + 1, 20000), EIO, "what is behind it");
		CHECK_ERRNO(lib_wait(lib, word, value, 0), 0, "a word that is satisfied wins");
		CHECK_ERRNO(lib_state(&queue, &query, 0), 0, "state");
		CHECK(query.state & DRM_GAON_QUEUE_FAULTED && query.state & DRM_GAON_QUEUE_GUILTY &&
		      query.fault.type == GAON_FAULT_BAD_PACKET &&
		      query.fault.syndrome == GAON_BADPKT_TYPE && query.fault.tag == 4711 + round &&
		      query.fault.hw_queue == queue.hw_id && query.fault.sequence == 3 * round + 1,
		      "state %#x, fault %u, tag %u, sequence %llu", query.state, query.fault.type,
		      query.fault.tag, (unsigned long long)query.fault.sequence);
		CHECK(event_read(lib->fd, &event, 20000) && event.base.type == DRM_GAON_EVENT_FAULT &&
		      event.base.length == sizeof(event) && event.queue_id == queue.id &&
		      event.vm_id == lib->vm && !event.dropped &&
		      !memcmp(&event.fault, &query.fault, sizeof(event.fault)), "the event says so");
		CHECK_ERRNO(lib_wait(lib, word, value + 1, 1000), EIO, "still untold");
		CHECK_ERRNO(lib_state(&queue, &query, DRM_GAON_QUEUE_ACK), 0, "acknowledge");
		CHECK(query.fault.type == GAON_FAULT_BAD_PACKET, "and it is told again");
		CHECK_ERRNO(lib_wait(lib, word, value + 1, 100), ETIME, "then WAIT waits");
		if (round == 1)		/* never acknowledged: clearing does that */
			CHECK_ERRNO(lib_state(&queue, &query, 0), 0, "state");
		CHECK_ERRNO(lib_clear(&queue), 0, "clear");
		CHECK_ERRNO(lib_state(&queue, &query, 0), 0, "state");
		CHECK(!query.fault.type && !(query.state & ~DRM_GAON_QUEUE_IN_SLOT), "all is well");
		CHECK_ERRNO(lib_clear(&queue), EBUSY, "clear again");
	}
	packet = lib_nop(lib_va(WORD), 100, GAON_PKT_F_EVENT);
	lib_push(&queue, &packet);
	CHECK_ERRNO(lib_wait(lib, word, 100, 20000), 0, "it goes on");
	/* A fault that nobody acknowledges goes with its queue. */
	packet = (struct gaon_packet){ .type = 0x77 };
	lib_push(&queue, &packet);
	CHECK_ERRNO(lib_wait(lib, word, 101, 20000), EIO, "another fault");
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
	CHECK_ERRNO(lib_wait(lib, word, 101, 100), ETIME, "WAIT waits");
	CHECK(event_read(lib->fd, &event, 20000), "the event is still there");
}

/* More faults than events fit: the rest is counted. */
static void test_dropped(struct lib *lib)
{
	struct gaon_packet bad = { .type = 0x77 }, good;
	struct drm_gaon_event_fault event;
	uint64_t read = 0, last = 0;
	struct lib_queue queue;
	unsigned int i;

	REQUIRE(!lib_user_queue(lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	for (i = 0; i < 100; i++) {
		lib_push(&queue, &bad);
		if (lib_wait(lib, lib_word(lib, WORD2), UINT64_MAX, 20000) != EIO || lib_clear(&queue))
			break;
	}
	CHECK(i == 100, "100 faults, the last %u", i);
	while (event_read(lib->fd, &event, 0)) {
		read++;
		last = event.dropped;
	}
	CHECK(read > 4 && read < 100 && !last, "%llu events fit", (unsigned long long)read);
	lib_push(&queue, &bad);
	lib_wait(lib, lib_word(lib, WORD2), UINT64_MAX, 20000);
	CHECK(event_read(lib->fd, &event, 20000) && event.dropped == 100 - read,
	      "the next one says that %llu were dropped", (unsigned long long)event.dropped);
	good = lib_nop(lib_va(WORD), 7, GAON_PKT_F_EVENT);
	CHECK_ERRNO(lib_clear(&queue), 0, "clear");
	lib_push(&queue, &good);
	CHECK_ERRNO(lib_wait(lib, lib_word(lib, WORD), 7, 20000), 0, "it goes on");
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
}

/* Rings and state blocks with whatever in them: the queue faults, nothing else happens. */
static void test_hostile(struct lib *lib)
{
	static const uint64_t writes[] = { 17, 1ull << 63, UINT64_MAX, 1ull << 32 };
	struct drm_gaon_queue_query query;
	struct lib_queue queue, other;
	struct gaon_packet packet;
	unsigned int i, n;
	uint64_t *words;

	REQUIRE(!lib_user_queue(lib, &other, 4, DRM_GAON_PRIORITY_NORMAL, 0), "an innocent queue");
	for (i = 0; i < sizeof(writes) / sizeof(writes[0]); i++) {
		REQUIRE(!lib_user_queue(lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
		__atomic_store_n(&queue.state->write, writes[i], __ATOMIC_SEQ_CST);
		lib_ring(&queue);
		CHECK_ERRNO(lib_wait(lib, lib_word(lib, WORD2), UINT64_MAX, 20000), EIO,
			    "write index %#llx", (unsigned long long)writes[i]);
		lib_state(&queue, &query, DRM_GAON_QUEUE_ACK);
		CHECK(query.fault.type == GAON_FAULT_BAD_PACKET &&
		      query.fault.syndrome == GAON_BADPKT_INDEX, "fault %u, syndrome %llu",
		      query.fault.type, (unsigned long long)query.fault.syndrome);
		CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
	}
	for (n = 0; n < 50; n++) {
		if (lib_user_queue(lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0))
			break;
		words = (uint64_t *)queue.ring;
		for (i = 0; i < 16 * 8; i++)
			words[i] = uapi_random();
		for (i = 0; i < 16; i++)
			queue.ring[i].type = 1 + uapi_random() % 12;
		words = (uint64_t *)queue.state;
		for (i = 1; i < 8; i++)
			words[i] = uapi_random();
		__atomic_store_n(&queue.state->write, 16, __ATOMIC_SEQ_CST);
		lib_ring(&queue);
		lib_wait(lib, lib_word(lib, WORD2), UINT64_MAX, 20);
		lib_state(&queue, &query, DRM_GAON_QUEUE_ACK);
		if (lib_queue_destroy(&queue))
			break;
		lib->used -= (64u << 4) + 64;
	}
	CHECK(n == 50, "50 rings of random packets, %u survived", n);
	packet = lib_nop(lib_va(WORD), 99, GAON_PKT_F_EVENT);
	lib_push(&other, &packet);
	CHECK_ERRNO(lib_wait(lib, lib_word(lib, WORD), 99, 20000), 0, "the innocent one works");
	CHECK_ERRNO(lib_queue_destroy(&other), 0, "destroy");
}

/* Its memory goes while the queue lives. */
static void test_no_memory(int fd)
{
	struct drm_gaon_queue_query query;
	struct lib_queue queue;
	struct lib lib;

	lib_open_on(&lib, fd, DRM_GAON_VM_LR);
	REQUIRE(!lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	CHECK_ERRNO(uapi_unmap(fd, lib.vm, LIB_MEM_VA, LIB_MEM_BYTES), 0, "its memory is unmapped");
	lib_ring(&queue);
	lib_wait(&lib, lib_word(&lib, WORD2), UINT64_MAX, 2000);
	CHECK_ERRNO(lib_state(&queue, &query, 0), 0, "state");
	CHECK(query.state & DRM_GAON_QUEUE_FAULTED && query.fault.type == GAON_FAULT_PAGE,
	      "it faults: state %#x, fault %u at %#llx", query.state, query.fault.type,
	      (unsigned long long)query.fault.va);
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
	CHECK_ERRNO(uapi_vm_destroy(fd, lib.vm), 0, "and its VM");
	munmap(lib.mem, LIB_MEM_BYTES);
	munmap((void *)lib.doorbells, DRM_GAON_DOORBELL_BYTES);
	uapi_bo_close(fd, lib.bo);
}

/* A launch that never ends, destroyed. */
static void test_endless(struct lib *lib)
{
	volatile uint64_t *word = lib_word(lib, WORD);
	struct gaon_packet packet;
	struct lib_queue queue, other;

	REQUIRE(!lib_user_queue(lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, UINT64_MAX), "a queue");
	REQUIRE(!lib_user_queue(lib, &other, 4, DRM_GAON_PRIORITY_NORMAL, 0), "another");
	packet = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 64);
	lib_push(&queue, &packet);
	*word = 0;
	packet = lib_launch(LIB_CODE_VA + LIB_CODE_STORE, lib_va(WORD), 1);
	packet.flags |= GAON_PKT_F_EVENT;
	lib_push(&other, &packet);
	CHECK_ERRNO(lib_wait(lib, word, 1, 20000), 0, "a launch beside an endless one");
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy of an endless one");
	CHECK_ERRNO(lib_queue_destroy(&other), 0, "destroy");

	REQUIRE(!lib_user_queue(lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 100000), "a limited queue");
	packet = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 1);
	lib_push(&queue, &packet);
	CHECK_ERRNO(lib_wait(lib, word, 2, 20000), EIO, "is stopped by its limit");
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
}

static void test_doorbell(struct lib *lib)
{
	struct lib_queue queue, again;
	struct gaon_packet packet;
	uint64_t offset;
	uint8_t *page;
	int status;
	pid_t pid;

	if (lib->doorbells)
		munmap((void *)lib->doorbells, DRM_GAON_DOORBELL_BYTES);
	lib->doorbells = NULL;
	REQUIRE(!lib_user_queue(lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	offset = queue.doorbell_mmap;
#define MMAP_FAILS(bytes, prot, flags, at)						\
	(mmap(NULL, bytes, prot, flags, lib->fd, (off_t)(at)) == MAP_FAILED ? errno : 0)
	CHECK_ERRNO(MMAP_FAILS(4096, PROT_WRITE, MAP_SHARED, offset), EINVAL, "a part of it");
	CHECK_ERRNO(MMAP_FAILS(2 * DRM_GAON_DOORBELL_BYTES, PROT_WRITE, MAP_SHARED, offset), EINVAL,
		    "more than it");
	CHECK_ERRNO(MMAP_FAILS(DRM_GAON_DOORBELL_BYTES, PROT_WRITE, MAP_PRIVATE, offset), EINVAL,
		    "a copy of it");
	CHECK_ERRNO(MMAP_FAILS(DRM_GAON_DOORBELL_BYTES, PROT_WRITE, MAP_SHARED, offset + 4096), EINVAL,
		    "out of line");
	CHECK_ERRNO(MMAP_FAILS(DRM_GAON_DOORBELL_BYTES, PROT_WRITE, MAP_SHARED, 0), EINVAL, "context 0");
	CHECK_ERRNO(MMAP_FAILS(DRM_GAON_DOORBELL_BYTES, PROT_WRITE, MAP_SHARED,
			       offset + 7 * DRM_GAON_DOORBELL_BYTES), EINVAL, "nobody's");
	CHECK_ERRNO(MMAP_FAILS(DRM_GAON_DOORBELL_BYTES, PROT_WRITE | PROT_EXEC, MAP_SHARED, offset),
		    EINVAL, "executable");
#undef MMAP_FAILS
	lib_doorbell_map(lib, &queue);
	page = (uint8_t *)lib->doorbells;
	CHECK_ERRNO(mprotect(page, 4096, PROT_WRITE | PROT_EXEC) ? errno : 0, EACCES, "made executable");
	*lib_word(lib, WORD) = 0;
	packet = lib_nop(lib_va(WORD), 1, GAON_PKT_F_EVENT);
	lib_push(&queue, &packet);
	CHECK_ERRNO(lib_wait(lib, lib_word(lib, WORD), 1, 20000), 0, "it rings");
	/* A child does not inherit it. */
	pid = fork();
	if (!pid) {
		*(volatile uint64_t *)lib->doorbells = 1;
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV,
	      "a child has no doorbell: status %#x", status);
	/* All of it can be touched, whatever becomes of the queue: a fault would end the program. */
	for (unsigned int i = 0; i < DOORBELL_PAGES; i++)
		*(volatile uint64_t *)(page + 4096 * i + 8) = 1;
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "the last queue goes");
	for (unsigned int i = 0; i < DOORBELL_PAGES; i++)
		*(volatile uint64_t *)(page + 4096 * i) = 0x1234;
	REQUIRE(!lib_user_queue(lib, &again, 4, DRM_GAON_PRIORITY_NORMAL, 0), "another queue");
	CHECK(again.doorbell_mmap == offset, "has its doorbell in the same mapping");
	packet = lib_nop(lib_va(WORD), 2, GAON_PKT_F_EVENT);
	lib_push(&again, &packet);
	CHECK_ERRNO(lib_wait(lib, lib_word(lib, WORD), 2, 20000), 0, "which rings again");
	CHECK_ERRNO(munmap(page + 4096, 4096) ? errno : 0, 0, "a hole in the mapping");
	CHECK_ERRNO(lib_queue_destroy(&again), 0, "destroy");
	munmap(page, DRM_GAON_DOORBELL_BYTES);
	lib->doorbells = NULL;
}

static void test_limit(int fd)
{
	struct drm_gaon_query_device device = { 0 };
	struct drm_gaon_query_memory memory[2] = { 0 };
	struct lib_queue queue;
	struct lib lib;
	uint32_t i;
	int err = 0;

	uapi_query(fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device));
	uapi_query(fd, DRM_GAON_QUERY_MEMORY, memory, sizeof(memory));
	lib_open(&lib, DRM_GAON_VM_LR);
	for (i = 0; i <= device.file_queues && !err; i++) {
		err = lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0);
		lib.used = 0;	/* nobody uses them */
	}
	/* Each has a place in HBM to be preempted into, where there is that much of it. */
	if (device.file_queues * device.save_bytes < memory[1].total)
		CHECK(err == EMFILE && i == device.file_queues + 1, "%u queues: %s", i - 1,
		      strerror(err));
	else
		CHECK(err == ENOSPC, "%u queues in a small HBM: %s", i - 1, strerror(err));
	lib_close(&lib);
	lib_open(&lib, DRM_GAON_VM_LR);
	CHECK_ERRNO(lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), 0,
		    "and all are gone with their file");
	lib_close(&lib);
}

int main(void)
{
	struct lib lib;

	lib_open(&lib, DRM_GAON_VM_LR);
	lib_code(&lib);
	test_refused(&lib);
	test_nop(&lib);
	test_arguments(&lib);
	test_nobody(&lib);
	test_submit(&lib);
	test_fault(&lib);
	test_dropped(&lib);
	test_hostile(&lib);
	test_no_memory(lib.fd);
	test_endless(&lib);
	test_doorbell(&lib);
	test_limit(lib.fd);
	lib_close(&lib);
	uapi_exit();
}
