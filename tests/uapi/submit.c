// SPDX-License-Identifier: MIT
/* Kernel-owned queues: jobs in order, syncobjs in and out, refusals, faults, deadlines. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue_lib.h"

/* Offsets of the test's memory. */
#define WORD	0x0
#define LIST	0x1000
#define LIST2	0x2000
#define GANG	0x4040	/* of at most 16 */

static struct gaon_packet *list_at(struct lib *lib, uint64_t offset)
{
	return (struct gaon_packet *)(lib->mem + offset);
}

static void test_create(struct lib *lib)
{
	struct drm_gaon_queue_create good = { .vm_id = lib->vm, .priority = 1, .ring_log2 = 4 }, args;
	struct drm_gaon_query_device device = { 0 };
	struct lib_queue queue = { .lib = lib };

	uapi_query(lib->fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device));
#define CREATE(error, what, ...) do {							\
	args = good;									\
	__VA_ARGS__;									\
	CHECK_ERRNO(uapi_ioctl(lib->fd, DRM_IOCTL_GAON_QUEUE_CREATE, &args), error, what);	\
	queue.id = args.queue_id;							\
	if (!(error))									\
		lib_queue_destroy(&queue);						\
} while (0)
	CREATE(0, "as it should be", (void)0);
	CHECK(!args.doorbell_mmap && !args.doorbell_offset, "it has no doorbell");
	CREATE(0, "the deepest", args.ring_log2 = 10);
	CREATE(0, "the longest launches", args.limit_cycles = 10000ull * device.clock_khz);
	CREATE(EINVAL, "too deep", args.ring_log2 = 11);
	CREATE(EINVAL, "not deep", args.ring_log2 = 3);
	CREATE(EINVAL, "launches that are too long", args.limit_cycles = 10000ull * device.clock_khz + 1);
	CREATE(EINVAL, "a ring", args.ring_va = LIB_MEM_VA);
	CREATE(EINVAL, "a state block", args.state_va = LIB_MEM_VA);
	CREATE(EINVAL, "user-mode in a FENCE VM",
	       args.flags = DRM_GAON_QUEUE_USER, args.ring_va = args.state_va = LIB_MEM_VA);
#undef CREATE
}

static int submit_raw(struct lib *lib, struct drm_gaon_submit *args)
{
	return uapi_ioctl(lib->fd, DRM_IOCTL_GAON_SUBMIT, args);
}

static void test_refused(struct lib *lib, struct lib_queue *queue)
{
	struct drm_gaon_job jobs[65] = { 0 }, good = { .list_va = lib_va(LIST), .count = 1 };
	struct drm_gaon_sync sync = { .handle = lib_syncobj(lib->fd) };
	struct drm_gaon_queue_query query;
	struct drm_gaon_submit args;
	struct {
		struct drm_gaon_job job;
		uint64_t tail;
	} longer = { .job = good };
	unsigned int bit;

	*list_at(lib, LIST) = lib_nop(0, 0, 0);
#define SUBMIT(error, what, ...) do {							\
	jobs[0] = good;									\
	sync = (struct drm_gaon_sync){ .handle = sync.handle };				\
	args = (struct drm_gaon_submit){						\
		.queue_id = queue->id,							\
		.jobs = { .stride = sizeof(jobs[0]), .count = 1, .array = (uintptr_t)jobs },\
	};										\
	__VA_ARGS__;									\
	CHECK_ERRNO(submit_raw(lib, &args), error, what);				\
} while (0)
#define SYNCS	jobs[0].syncs = (struct drm_gaon_obj_array){				\
	.stride = sizeof(sync), .count = 1, .array = (uintptr_t)&sync }
	SUBMIT(ENOENT, "no such queue", args.queue_id = 99);
	SUBMIT(EINVAL, "flags", args.flags = 1);
	SUBMIT(EINVAL, "no jobs", args.jobs = (struct drm_gaon_obj_array){ 0 });
	SUBMIT(EINVAL, "no jobs but a stride", args.jobs.count = 0);
	SUBMIT(EINVAL, "65 jobs", args.jobs.count = 65);
	SUBMIT(EINVAL, "a stride that is too short", args.jobs.stride = sizeof(jobs[0]) - 8);
	SUBMIT(EINVAL, "an array out of line", args.jobs.array += 4);
	SUBMIT(EFAULT, "an array nowhere", args.jobs.array = 0xdead000);
	SUBMIT(0, "longer jobs whose tail is 0", args.jobs.stride = sizeof(longer),
	       args.jobs.array = (uintptr_t)&longer);
	longer.tail = 1;
	SUBMIT(E2BIG, "longer jobs with something in their tail", args.jobs.stride = sizeof(longer),
	       args.jobs.array = (uintptr_t)&longer);
	SUBMIT(EINVAL, "a job's flags", jobs[0].flags = 1);
	SUBMIT(EINVAL, "a list out of line", jobs[0].list_va += 32);
	SUBMIT(EINVAL, "a list at 0", jobs[0].list_va = 0);
	SUBMIT(EINVAL, "a list in the kernel's half", jobs[0].list_va = 0xffff800000000000ull);
	SUBMIT(EINVAL, "a list across the end", jobs[0].list_va = 0x800000000000ull - 64,
	       jobs[0].count = 2);
	SUBMIT(EINVAL, "too many packets", jobs[0].count = (1 << 20) + 1);
	SUBMIT(EINVAL, "no packets but a list", jobs[0].count = 0);
	SUBMIT(EINVAL, "no packets but a base",
	       jobs[0] = (struct drm_gaon_job){ .value_base = 1 });
	SUBMIT(0, "no packets", jobs[0] = (struct drm_gaon_job){ 0 });
	for (bit = 2; bit < 32; bit++)
		SUBMIT(EINVAL, "a sync's flag", SYNCS, sync.flags = 1u << bit);
	SUBMIT(ENOENT, "a wait for no syncobj", SYNCS, sync.handle = 99);
	sync.handle = lib_syncobj(lib->fd);
	SUBMIT(EINVAL, "a wait for what nobody will signal", SYNCS);
	SUBMIT(EINVAL, "a point without TIMELINE", SYNCS, sync.timeline_value = 1);
	SUBMIT(EINVAL, "TIMELINE without a point", SYNCS, sync.flags = DRM_GAON_SYNC_TIMELINE);
	SUBMIT(EINVAL, "a point that nobody will signal", SYNCS,
	       sync.flags = DRM_GAON_SYNC_TIMELINE, sync.timeline_value = 1);
	SUBMIT(ENOENT, "a signal of no syncobj", SYNCS, sync.flags = DRM_GAON_SYNC_SIGNAL,
	       sync.handle = 99);
	SUBMIT(EINVAL, "257 syncs", SYNCS, jobs[0].syncs.count = 257);
	SUBMIT(EFAULT, "syncs nowhere", SYNCS, jobs[0].syncs.array = 0xdead000);
	/* All or nothing: the first job is good. */
	lib_state(queue, &query, 0);
	SUBMIT(EINVAL, "a good job and a bad one", jobs[1] = good, jobs[1].flags = 1,
	       args.jobs.count = 2);
	{
		uint64_t before = query.submitted;

		lib_state(queue, &query, 0);
		CHECK(query.submitted == before, "takes none: %llu and %llu",
		      (unsigned long long)before, (unsigned long long)query.submitted);
	}
#undef SUBMIT
#undef SYNCS
}

/* Two jobs of the list at LIST: two packets, then one, which waits for the first. */
static int submit_pair(struct lib_queue *queue, uint32_t first, uint32_t second)
{
	struct drm_gaon_sync syncs[3] = {
		{ .flags = DRM_GAON_SYNC_SIGNAL, .handle = first },
		{ .handle = first },
		{ .flags = DRM_GAON_SYNC_SIGNAL, .handle = second },
	};
	struct drm_gaon_job jobs[2] = {
		{ .list_va = lib_va(LIST), .count = 2,
		  .syncs = { .stride = sizeof(syncs[0]), .count = 1, .array = (uintptr_t)&syncs[0] } },
		{ .list_va = lib_va(LIST), .count = 1,
		  .syncs = { .stride = sizeof(syncs[0]), .count = 2, .array = (uintptr_t)&syncs[1] } },
	};
	struct drm_gaon_submit args = {
		.queue_id = queue->id,
		.jobs = { .stride = sizeof(jobs[0]), .count = 2, .array = (uintptr_t)jobs },
	};

	return submit_raw(queue->lib, &args);
}

/* Lists that the device refuses: each faults its queue, and clearing mends it. */
static void test_bad_lists(struct lib *lib)
{
	uint32_t out = lib_syncobj(lib->fd), behind = lib_syncobj(lib->fd);
	struct gaon_packet *list = list_at(lib, LIST);
	struct drm_gaon_queue_query query;
	struct lib_queue queue;
	unsigned int i;
	const struct {
		struct gaon_packet packet;
		unsigned int type, syndrome;
		const char *what;
	} bad[] = {
		{ lib_wait_packet(lib_va(WORD), 1), GAON_FAULT_BAD_PACKET, GAON_BADPKT_OWNER, "WAIT" },
		{ { .type = GAON_PKT_CALL, .list = { .list_va = lib_va(LIST2), .count = 1 } },
		  GAON_FAULT_BAD_PACKET, GAON_BADPKT_NESTED, "CALL" },
		{ { .type = GAON_PKT_INDIRECT, .list = { .list_va = lib_va(LIST2), .count = 1 } },
		  GAON_FAULT_BAD_PACKET, GAON_BADPKT_NESTED, "INDIRECT in INDIRECT" },
		{ lib_nop(0xffff800000000000ull, 1, 0), GAON_FAULT_BAD_PACKET, GAON_BADPKT_RANGE,
		  "a store into the kernel's half" },
		{ { .type = GAON_PKT_FILL, .fill = { .dst_va = 0xffff800000001000ull, .bytes = 64,
						     .pattern_size = 8 } },
		  GAON_FAULT_BAD_PACKET, GAON_BADPKT_RANGE, "FILL of the kernel's half" },
		{ { .type = GAON_PKT_COPY, .copy = { .dst_va = lib_va(WORD), .bytes = 64,
						     .src_va = 0xffff800000000000ull } },
		  GAON_FAULT_BAD_PACKET, GAON_BADPKT_RANGE, "COPY out of the kernel's half" },
		{ lib_nop(lib_va(1 << 30), 1, 0), GAON_FAULT_PAGE, 0, "a store to nothing" },
		{ { 0 }, GAON_FAULT_BAD_PACKET, GAON_BADPKT_TYPE, "no packet" },
	};

	REQUIRE(!lib_kernel_queue(lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		/* INDIRECT is allowed one deep: the list that it opens then holds another. */
		list_at(lib, LIST2)[0] = bad[i].packet;
		list[0] = lib_nop(0, 0, 0);
		list[1] = bad[i].packet;
		/* In one call, so that the second is there before the first has failed. */
		CHECK_ERRNO(submit_pair(&queue, out, behind), 0, "%s", bad[i].what);
		CHECK_ERRNO(lib_syncobj_wait(lib->fd, out, 0, 20000), 0, "the first ends");
		CHECK_ERRNO(-lib_syncobj_status(lib->fd, out), EIO, "with an error");
		CHECK_ERRNO(lib_syncobj_wait(lib->fd, behind, 0, 20000), 0, "the second ends");
		CHECK_ERRNO(-lib_syncobj_status(lib->fd, behind), ECANCELED, "for its sake");
		lib_state(&queue, &query, 0);
		CHECK(query.state & DRM_GAON_QUEUE_FAULTED && query.state & DRM_GAON_QUEUE_GUILTY &&
		      query.fault.type == bad[i].type && query.fault.sequence == 2 * i &&
		      (!bad[i].syndrome || query.fault.syndrome == bad[i].syndrome),
		      "state %#x, fault %u, syndrome %llu, job %llu", query.state, query.fault.type,
		      (unsigned long long)query.fault.syndrome, (unsigned long long)query.fault.sequence);
		CHECK(query.lost == i + 1 && query.submitted == 2 * (i + 1) && !query.completed,
		      "%llu lost of %llu", (unsigned long long)query.lost,
		      (unsigned long long)query.submitted);
		CHECK_ERRNO(lib_submit(&queue, lib_va(LIST), 1, 0, 0, 0, 0), EIO, "no more jobs");
		CHECK_ERRNO(lib_clear(&queue), 0, "clear");
	}
	list[0] = lib_nop(lib_va(WORD), 77, 0);
	CHECK_ERRNO(lib_submit(&queue, lib_va(LIST), 1, 0, 0, out, 0), 0, "it goes on");
	CHECK_ERRNO(lib_syncobj_wait(lib->fd, out, 0, 20000), 0, "and ends");
	CHECK(lib_syncobj_status(lib->fd, out) == 0 && *lib_word(lib, WORD) == 77, "well");
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
	lib_syncobj_destroy(lib->fd, out);
	lib_syncobj_destroy(lib->fd, behind);
}

static void test_bases(struct lib *lib, struct lib_queue *queue)
{
	struct drm_gaon_sync sync = { .flags = DRM_GAON_SYNC_SIGNAL, .handle = lib_syncobj(lib->fd) };
	struct drm_gaon_job jobs[2] = {
		{ .list_va = lib_va(LIST), .count = 1, .value_base = 1000 },
		{ .list_va = lib_va(LIST2), .count = 1, .args_base = lib_va(0x40),
		  .syncs = { .stride = sizeof(sync), .count = 1, .array = (uintptr_t)&sync } },
	};
	struct drm_gaon_submit args = {
		.queue_id = queue->id,
		.jobs = { .stride = sizeof(jobs[0]), .count = 2, .array = (uintptr_t)jobs },
	};
	struct drm_gaon_queue_query before, after;

	*list_at(lib, LIST) = lib_nop(lib_va(WORD), 5, GAON_PKT_F_VALUE_BASE);
	*list_at(lib, LIST2) = lib_launch(LIB_CODE_VA + LIB_CODE_STORE, 8, 1);
	list_at(lib, LIST2)->flags |= GAON_PKT_F_ARGS_BASE;
	*lib_word(lib, WORD) = *lib_word(lib, 0x48) = 0;
	/* What the tests before this one have left to be handed over is. */
	CHECK_ERRNO(lib_submit(queue, 0, 0, 0, 0, sync.handle, 0), 0, "a job without packets");
	CHECK_ERRNO(lib_syncobj_wait(lib->fd, sync.handle, 0, 20000), 0, "ends behind all before it");
	lib_state(queue, &before, 0);
	CHECK_ERRNO(submit_raw(lib, &args), 0, "two jobs with bases");
	CHECK_ERRNO(lib_syncobj_wait(lib->fd, sync.handle, 0, 20000), 0, "end");
	lib_state(queue, &after, 0);
	CHECK(before.ring_index % DRM_GAON_JOB_PACKETS == 1 &&
	      after.ring_index == before.ring_index + 2 * DRM_GAON_JOB_PACKETS,
	      "index in the ring: %llu, then %llu", (unsigned long long)before.ring_index,
	      (unsigned long long)after.ring_index);
	CHECK(*lib_word(lib, WORD) == 1005 && *lib_word(lib, 0x48) == 1, "values %llu, %llu",
	      (unsigned long long)*lib_word(lib, WORD), (unsigned long long)*lib_word(lib, 0x48));
	lib_syncobj_destroy(lib->fd, sync.handle);
}

/* Two queues that take turns by the points of one timeline. */
static void test_timeline(struct lib *lib)
{
	uint32_t timeline = lib_syncobj(lib->fd);
	uint64_t i, rounds = 200, bad = 0;
	struct lib_queue queue[2];

	REQUIRE(!lib_kernel_queue(lib, &queue[0], 4, DRM_GAON_PRIORITY_NORMAL, 0) &&
		!lib_kernel_queue(lib, &queue[1], 4, DRM_GAON_PRIORITY_NORMAL, 0), "two queues");
	for (i = 1; i <= rounds; i++) {
		struct gaon_packet *packet = list_at(lib, LIST + i * 64);

		/* Each copies the word that the one before it wrote, one further. */
		*packet = (struct gaon_packet){
			.type = GAON_PKT_COPY, .flags = GAON_PKT_F_BARRIER,
			.scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4,
			.copy = { .dst_va = lib_va(0x8000 + 8 * i), .src_va = lib_va(0x8000 + 8 * (i - 1)),
				  .bytes = 8 },
		};
		*lib_word(lib, 0x8000 + 8 * i) = 0;
	}
	*lib_word(lib, 0x8000) = 0x600df00d;
	for (i = 1; i <= rounds; i++)
		bad += lib_submit(&queue[i & 1], lib_va(LIST + i * 64), 1, i > 1 ? timeline : 0, i - 1,
				  timeline, i) != 0;
	CHECK(!bad, "%llu jobs are taken", (unsigned long long)rounds);
	CHECK_ERRNO(lib_syncobj_wait(lib->fd, timeline, rounds, 60000), 0, "the last point");
	CHECK(*lib_word(lib, 0x8000 + 8 * rounds) == 0x600df00d, "the word came through all of them");
	CHECK_ERRNO(lib_queue_destroy(&queue[0]), 0, "destroy");
	CHECK_ERRNO(lib_queue_destroy(&queue[1]), 0, "destroy");
	lib_syncobj_destroy(lib->fd, timeline);
}

/* A queue is destroyed while its jobs wait, run and are behind others. */
static void test_destroy_busy(struct lib *lib)
{
	uint32_t out[3] = { lib_syncobj(lib->fd), lib_syncobj(lib->fd), lib_syncobj(lib->fd) };
	struct lib_queue queue, other;
	unsigned int i;

	REQUIRE(!lib_kernel_queue(lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0) &&
		!lib_kernel_queue(lib, &other, 4, DRM_GAON_PRIORITY_NORMAL, 0), "two queues");
	*list_at(lib, LIST) = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 1);
	*list_at(lib, LIST2) = lib_nop(0, 0, 0);
	CHECK_ERRNO(lib_submit(&queue, lib_va(LIST), 1, 0, 0, out[0], 0), 0, "a long job");
	CHECK_ERRNO(lib_submit(&queue, lib_va(LIST2), 1, 0, 0, out[1], 0), 0, "one behind it");
	CHECK_ERRNO(lib_submit(&other, lib_va(LIST2), 1, out[1], 0, out[2], 0), 0,
		    "one of another queue that waits for it");
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
	for (i = 0; i < 2; i++) {
		CHECK_ERRNO(lib_syncobj_wait(lib->fd, out[i], 0, 20000), 0, "job %u ends", i);
		CHECK_ERRNO(-lib_syncobj_status(lib->fd, out[i]), ECANCELED, "with an error");
	}
	CHECK_ERRNO(lib_syncobj_wait(lib->fd, out[2], 0, 20000), 0, "the other queue's ends");
	CHECK_ERRNO(-lib_syncobj_status(lib->fd, out[2]), 0, "well");
	CHECK_ERRNO(lib_queue_destroy(&other), 0, "destroy");
	for (i = 0; i < 3; i++)
		lib_syncobj_destroy(lib->fd, out[i]);
}

/* --- beside work that never ends --------------------------------------------------------------- */

#define BESIDE_JOBS	20
#define STEP_MS		100

/* Telemetry: launches that were saved. */
static uint64_t preemptions(int fd)
{
	struct drm_gaon_query_telemetry telemetry = { 0 };

	CHECK_ERRNO(uapi_query(fd, DRM_GAON_QUERY_TELEMETRY, &telemetry, sizeof(telemetry)), 0, "telemetry");
	return telemetry.preemptions;
}

/* Steps of STEP_MS that a job on all cores took; more than @most: it did not end, or not well. */
static unsigned int job_steps(struct lib *lib, struct lib_queue *queue, uint32_t out, uint32_t cores,
			      unsigned int most)
{
	unsigned int steps = 0;
	int err;

	*list_at(lib, LIST) = lib_launch(LIB_CODE_VA + LIB_CODE_STORE, lib_va(WORD), 2 * cores);
	*lib_word(lib, WORD) = 0;
	if (lib_submit(queue, lib_va(LIST), 1, 0, 0, out, 0))
		return most + 1;
	do
		err = lib_syncobj_wait(lib->fd, out, 0, STEP_MS);
	while (err == ETIME && ++steps <= most);
	if (err || lib_syncobj_status(lib->fd, out) || *lib_word(lib, WORD) != 1)
		return most + 1;
	return steps;
}

/* Whether the device counts on at a word. */
static bool moves(const volatile uint64_t *word)
{
	uint64_t before = *word;
	unsigned int tries;

	for (tries = 0; tries < 2000 && *word == before; tries++)
		usleep(10000);
	return *word != before;
}

/* The gang is told to end: all have made the same number of rounds, and nobody saw anything else. */
static void check_gang(struct lib *lr, struct lib_queue *queue, uint32_t members)
{
	volatile uint64_t *rounds = lib_word(lr, GANG), *wrong = lib_word(lr, GANG + LIB_GANG_WRONG);
	struct gaon_packet end = lib_nop(lib_va(WORD), 1, GAON_PKT_F_EVENT);
	uint32_t i, bad = 0;

	*lib_word(lr, WORD) = 0;
	lib_push(queue, &end);
	*lib_word(lr, GANG + LIB_GANG_STOP) = 1;
	CHECK_ERRNO(lib_wait(lr, lib_word(lr, WORD), 1, 20000), 0, "it ends when it is told to");
	for (i = 0; i < members; i++)
		bad += rounds[i] != rounds[0] || wrong[i];
	CHECK(!bad && rounds[0], "after %llu rounds, in which %u of %u members saw what is wrong",
	      (unsigned long long)rounds[0], bad, members);
}

/*
 * Jobs beside a user-mode launch that holds all cores: each ends within the time in which the device
 * says that work stops, and one slice. Counted are waits, not their time: a pause of the machine is one
 * wait, and no work of the device. Nobody was killed for it: the launch was saved, and goes on.
 */
static void test_beside(struct lib *lib, struct lib *lr, const struct gaon_packet *launch, const char *what)
{
	uint32_t out = lib_syncobj(lib->fd), most, i, bad = 0, longest = 0;
	struct drm_gaon_query_topology topology = { 0 };
	struct drm_gaon_query_device device = { 0 };
	struct drm_gaon_queue_query query;
	struct lib_queue holder, queue;
	uint64_t saved;

	uapi_query(lib->fd, DRM_GAON_QUERY_TOPOLOGY, &topology, sizeof(topology));
	uapi_query(lib->fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device));
	most = (device.preempt_ms + 1000) / STEP_MS;
	REQUIRE(!lib_user_queue(lr, &holder, 4, DRM_GAON_PRIORITY_NORMAL, UINT64_MAX) &&
		!lib_kernel_queue(lib, &queue, 4, DRM_GAON_PRIORITY_LOW, 0), "two queues");
	lib_push(&holder, launch);
	CHECK(moves(lib_word(lr, GANG)), "%s begins", what);
	saved = preemptions(lib->fd);
	for (i = 0; i < BESIDE_JOBS; i++) {
		uint32_t steps = job_steps(lib, &queue, out, topology.cores, most);

		bad += steps > most;
		if (steps > longest)
			longest = steps;
	}
	saved = preemptions(lib->fd) - saved;
	CHECK(!bad, "%u jobs beside %s, the longest took %u steps of %u ms, %u at most", BESIDE_JOBS, what,
	      longest, STEP_MS, most);
	CHECK(saved, "for which launches were saved: %llu times", (unsigned long long)saved);
	CHECK_ERRNO(lib_state(&holder, &query, 0), 0, "its state");
	CHECK(!(query.state & ~DRM_GAON_QUEUE_IN_SLOT) && !query.fault.type,
	      "it is not at fault: state %#x, fault %u", query.state, query.fault.type);
	CHECK(moves(lib_word(lr, GANG)), "and goes on");
	if (launch->launch.launch_flags & GAON_LAUNCH_COOPERATIVE)
		check_gang(lr, &holder, topology.cores);
	CHECK_ERRNO(lib_queue_destroy(&holder), 0, "destroy");
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
	lib_syncobj_destroy(lib->fd, out);
}

static void test_deadlines(struct lib *lib)
{
	struct drm_gaon_query_topology topology = { 0 };
	struct gaon_packet launch;
	struct lib lr;

	lib_open(&lr, DRM_GAON_VM_LR);
	lib_code(&lr);
	uapi_query(lib->fd, DRM_GAON_QUERY_TOPOLOGY, &topology, sizeof(topology));
	launch = lib_launch(LIB_CODE_VA + LIB_CODE_COUNT, lib_va(GANG), 16 * topology.cores);
	test_beside(lib, &lr, &launch, "an endless launch");
	memset(lr.mem + GANG - 64, 0, 512);
	launch = lib_launch(LIB_CODE_VA + LIB_CODE_GANG, lib_va(GANG), topology.cores);
	launch.launch.launch_flags = GAON_LAUNCH_COOPERATIVE;
	test_beside(lib, &lr, &launch, "a gang");
	lib_close(&lr);
}

/* --- many at once ---------------------------------------------------------------------------- */

struct worker {
	struct lib *lib;
	struct lib_queue queue;
	uint64_t at;
	unsigned int jobs, bad;
};

static void *worker_run(void *arg)
{
	struct worker *w = arg;
	uint32_t out = lib_syncobj(w->lib->fd);
	unsigned int i;

	for (i = 1; i <= w->jobs; i++) {
		*list_at(w->lib, w->at) = lib_nop(lib_va(w->at + 64), i, 0);
		if (lib_submit(&w->queue, lib_va(w->at), 1, 0, 0, out, 0) ||
		    lib_syncobj_wait(w->lib->fd, out, 0, 60000) ||
		    *lib_word(w->lib, w->at + 64) != i)
			w->bad++;
	}
	lib_syncobj_destroy(w->lib->fd, out);
	return NULL;
}

static void test_threads(struct lib *lib)
{
	struct worker workers[8];
	pthread_t threads[8];
	unsigned int i, bad = 0;

	for (i = 0; i < 8; i++) {
		workers[i] = (struct worker){ .lib = lib, .at = 0x10000 + 128 * i, .jobs = 100 };
		/* Four pairs share a queue each. */
		if (i & 1)
			workers[i].queue = workers[i - 1].queue;
		else
			REQUIRE(!lib_kernel_queue(lib, &workers[i].queue, 4, i / 2 & 1, 0), "a queue");
	}
	for (i = 0; i < 8; i++)
		pthread_create(&threads[i], NULL, worker_run, &workers[i]);
	for (i = 0; i < 8; i++) {
		pthread_join(threads[i], NULL);
		bad += workers[i].bad;
	}
	CHECK(!bad, "800 jobs by 8 threads on 4 queues, %u bad", bad);
	for (i = 0; i < 8; i += 2)
		CHECK_ERRNO(lib_queue_destroy(&workers[i].queue), 0, "destroy");
}

/* Jobs go over a VM's objects while another thread takes them out and puts others in. */
static void test_while_mapping(struct lib *lib)
{
	struct worker worker = { .lib = lib, .at = 0x10000, .jobs = 300 };
	const uint64_t va = 0x40000000, size = 0x10000;
	unsigned int i, j, bad = 0;
	uint32_t handles[16];
	pthread_t thread;

	REQUIRE(!lib_kernel_queue(lib, &worker.queue, 4, 1, 0), "a queue");
	pthread_create(&thread, NULL, worker_run, &worker);
	for (i = 0; i < 50; i++) {
		for (j = 0; j < 16; j++) {
			handles[j] = uapi_bo(lib->fd, size, DRM_GAON_BO_HBM, 0);
			bad += !!uapi_map(lib->fd, lib->vm, handles[j], 0, va + j * size, size, 0);
		}
		bad += !!uapi_unmap(lib->fd, lib->vm, va, 16 * size);
		for (j = 0; j < 16; j++)
			uapi_bo_close(lib->fd, handles[j]);
	}
	pthread_join(thread, NULL);
	CHECK(!bad && !worker.bad, "800 objects come and go, %u bad, beside %u jobs, %u bad", bad,
	      worker.jobs, worker.bad);
	CHECK_ERRNO(lib_queue_destroy(&worker.queue), 0, "destroy");
}

int main(void)
{
	struct lib_queue queue;
	struct lib lib;

	lib_open(&lib, 0);
	lib_code(&lib);
	test_create(&lib);
	REQUIRE(!lib_kernel_queue(&lib, &queue, 6, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	test_refused(&lib, &queue);
	test_bases(&lib, &queue);
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "destroy");
	test_bad_lists(&lib);
	test_timeline(&lib);
	test_destroy_busy(&lib);
	test_deadlines(&lib);
	test_threads(&lib);
	test_while_mapping(&lib);
	lib_close(&lib);
	uapi_exit();
}
