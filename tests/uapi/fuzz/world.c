// SPDX-License-Identifier: MIT
/* What a worker has: files, handles, an arena for mappings, threads. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#define VA_BASE		0x100000000ull
#define VA_PIECE	0x10000ull
#define VA_PIECES	48

struct thread {
	struct fuzz_world *world;
	struct fuzz_rng rng;
};

/* A mapping went away while another thread stored to it: that is the worker's end, and nobody's fault. */
static void on_fault(int number)
{
	(void)number;
	_exit(0);
}

void fuzz_world_init(struct fuzz_world *world, struct fuzz_shared *shared)
{
	const char *node = getenv("GAON_NODE");
	uint8_t *pages;
	int i;

	world->shared = shared;
	for (i = 0; i < FUZZ_FILES; i++)
		world->file[i] = open(node ? node : "/dev/accel/accel0", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	world->arena = mmap(NULL, FUZZ_SLOTS * FUZZ_SLOT_BYTES, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	world->scratch = memfd_create("scratch", MFD_CLOEXEC);
	if (world->file[0] < 0 || world->arena == MAP_FAILED || pages == MAP_FAILED || world->scratch < 0 ||
	    munmap(pages + 4096, 4096) || ftruncate(world->scratch, FUZZ_SLOT_BYTES))
		_exit(1);
	world->edge = pages + 4096 - 512;
	signal(SIGSEGV, on_fault);
	signal(SIGBUS, on_fault);
}

static void *thread_run(void *arg)
{
	struct thread *thread = arg;

	while (!thread->world->shared->stop)
		fuzz_call(thread->world, &thread->rng);
	return NULL;
}

void fuzz_world_run(struct fuzz_world *world, uint64_t seed, uint64_t stream, unsigned int threads)
{
	struct thread thread[16];
	pthread_t id[16];
	unsigned int i;

	for (i = 0; i < threads; i++) {
		thread[i] = (struct thread){ world, fuzz_rng_make(seed, stream * 16 + i) };
		if (i && pthread_create(&id[i], NULL, thread_run, &thread[i]))
			_exit(1);
	}
	thread_run(&thread[0]);
	/* The others may sleep in a call: the exit finds them there. */
	_exit(0);
}

int fuzz_file(struct fuzz_world *world, struct fuzz_rng *rng)
{
	/* Most calls go to one file, or handles would seldom fit. */
	return world->file[fuzz_chance(rng, 6) ? fuzz_below(rng, FUZZ_FILES) : 0];
}

uint8_t *fuzz_slot(struct fuzz_world *world, struct fuzz_rng *rng)
{
	return world->arena + fuzz_below(rng, FUZZ_SLOTS) * FUZZ_SLOT_BYTES;
}

uint64_t fuzz_va(struct fuzz_rng *rng)
{
	if (fuzz_chance(rng, 24))
		return fuzz_extreme(rng);
	return VA_BASE + VA_PIECE * fuzz_below(rng, VA_PIECES);
}

uint32_t fuzz_handle(struct fuzz_rng *rng, const _Atomic uint32_t *pool, unsigned int count)
{
	uint32_t first, i, handle;

	if (fuzz_chance(rng, 12))
		return fuzz_chance(rng, 2) ? fuzz_below(rng, 48) : (uint32_t)fuzz_extreme(rng);
	first = fuzz_below(rng, count);
	for (i = 0; i < count; i++) {
		handle = pool[(first + i) % count];
		if (handle)
			return handle;
	}
	return 1;
}

void fuzz_keep(struct fuzz_rng *rng, _Atomic uint32_t *pool, unsigned int count, uint32_t handle)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (!pool[i]) {
			pool[i] = handle;
			return;
		}
	}
	/* The one that is forgotten lives on, until its file is closed. */
	pool[fuzz_below(rng, count)] = handle;
}
