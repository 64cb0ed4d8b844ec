// SPDX-License-Identifier: MIT
/* A process that changes and checks all its objects, which are on the card or not, at random. */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "worker.h"

#define OBJECT_VA	0x400000000ull
#define BACK_VA		0x800000000ull
#define LIST		0x1000
#define WORD		0x0
#define LEFT		0x40
#define PATIENCE_MS	240000

/** struct worker - a process' objects, what they hold, and where the CPU looks at them */
struct worker {
	struct lib lib;
	struct lib_queue queue, debugged;
	uint64_t object_bytes;
	uint32_t handles[OWN], syncobj;
	uint64_t holds[OWN], held[OWN], works, words;
	volatile uint64_t *back;
};

static uint64_t random_state;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

void worker_memory(int fd, struct drm_gaon_query_memory out[2])
{
	uapi_query(fd, DRM_GAON_QUERY_MEMORY, out, 2 * sizeof(*out));
}

/* By the user-mode queue, with a value behind it. */
static int run_user(struct worker *worker, const struct gaon_packet *packets, unsigned int count)
{
	struct gaon_packet end = lib_nop(lib_va(WORD), ++worker->words, GAON_PKT_F_EVENT);

	for (unsigned int i = 0; i < count; i++)
		lib_push(&worker->queue, &packets[i]);
	lib_push(&worker->queue, &end);
	return lib_wait(&worker->lib, lib_word(&worker->lib, WORD), worker->words, PATIENCE_MS);
}

static int run(struct worker *worker, struct gaon_packet *packets, unsigned int count)
{
	int err;

	for (unsigned int i = 0; i < count; i++) {
		packets[i].flags |= GAON_PKT_F_BARRIER;
		packets[i].scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4;
	}
	if (worker->lib.lr)
		return run_user(worker, packets, count);
	memcpy(worker->lib.mem + LIST, packets, count * sizeof(*packets));
	err = lib_submit(&worker->queue, lib_va(LIST), count, 0, 0, worker->syncobj, 0);
	if (!err)
		err = lib_syncobj_wait(worker->lib.fd, worker->syncobj, 0, PATIENCE_MS);
	return err ? err : -lib_syncobj_status(worker->lib.fd, worker->syncobj);
}

static uint64_t object_va(const struct worker *worker, unsigned int i)
{
	return OBJECT_VA + i * worker->object_bytes;
}

/* The object holds what was written last, every word of it; then it gets something new. */
static void check_and_change(struct worker *worker, unsigned int i)
{
	uint64_t value = random_next(), words = worker->object_bytes / 8, bad = 0;
	struct gaon_packet packets[] = {
		lib_copy(BACK_VA, object_va(worker, i), worker->object_bytes),
		lib_fill(object_va(worker, i), worker->object_bytes, value),
	};
	int err = run(worker, packets, 2);

	MUST(!err, "work: %s", strerror(err));
	for (uint64_t w = 0; w < words; w++)
		bad += worker->back[w] != worker->holds[i];
	MUST(!bad, "work %llu: object %u: %llu of %llu words are wrong: %#llx, not %#llx; before that %#llx",
	     (unsigned long long)worker->works, i, (unsigned long long)bad, (unsigned long long)words,
	     (unsigned long long)worker->back[0], (unsigned long long)worker->holds[i],
	     (unsigned long long)worker->held[i]);
	worker->held[i] = worker->holds[i];
	worker->holds[i] = value;
	worker->works++;
}

static void worker_open(struct worker *worker, bool lr)
{
	struct drm_gaon_query_memory mem[2];
	uint32_t back;

	lib_open(&worker->lib, lr ? DRM_GAON_VM_LR : 0);
	worker_memory(worker->lib.fd, mem);
	worker->object_bytes = (mem[1].total / PARTS) & ~(2 * MIB - 1);
	worker->syncobj = lib_syncobj(worker->lib.fd);
	MUST(!(lr ? lib_user_queue : lib_kernel_queue)(&worker->lib, &worker->queue, 4,
						       DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	back = uapi_bo(worker->lib.fd, worker->object_bytes, DRM_GAON_BO_HOST, 0);
	worker->back = back ? uapi_mmap(worker->lib.fd, back, worker->object_bytes) : NULL;
	MUST(worker->back &&
	     !uapi_map(worker->lib.fd, worker->lib.vm, back, 0, BACK_VA, worker->object_bytes, 0),
	     "host memory to look at");
	for (unsigned int i = 0; i < OWN; i++) {
		worker->handles[i] = uapi_bo(worker->lib.fd, worker->object_bytes, DRM_GAON_BO_HBM,
					     i & 1 ? worker->lib.vm : 0);
		MUST(worker->handles[i] && !uapi_map(worker->lib.fd, worker->lib.vm, worker->handles[i], 0,
						     object_va(worker, i), worker->object_bytes, 0),
		     "object %u", i);
	}
}

static void worker_stand(struct worker *worker)
{
	struct lib_stopped stopped;

	lib_code(&worker->lib);
	MUST(!lib_debug_queue(&worker->lib, &worker->debugged) &&
	     lib_debug_stand(&worker->debugged, lib_va(LEFT), 1, &stopped), "a launch stands");
}

static void worker_leave(struct worker *worker)
{
	int err = lib_debug_leave(&worker->debugged);

	MUST(!err, "it is resumed: %s", strerror(err));
	err = lib_wait(&worker->lib, lib_word(&worker->lib, LEFT), 1, PATIENCE_MS);
	MUST(!err, "and ends: %s", strerror(err));
}

static void worker_run(const struct worker_plan *plan)
{
	static struct worker worker;
	unsigned int time, round;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	uapi_quiet = true;
	random_state = plan->seed | 1;
	worker_open(&worker, plan->lr);
	for (time = 0; time < plan->times; time++) {
		if (write(plan->ready, "", 1) != 1 || read(plan->go, &byte, 1) != 1)
			_exit(1);
		if (plan->stands && time)
			worker_leave(&worker);
		/* All of them in turn first: they read 0. */
		for (round = 0; round < plan->rounds || !plan->rounds; round++)
			check_and_change(&worker, round < OWN ? round :
						  (unsigned int)(random_next() % OWN));
		if (plan->stands && !time)
			worker_stand(&worker);
	}
	lib_close(&worker.lib);
	_exit(0);
}

pid_t worker_start(const struct worker_plan *plan)
{
	pid_t pid = fork();

	MUST(pid >= 0, "fork");
	if (!pid)
		worker_run(plan);
	return pid;
}
