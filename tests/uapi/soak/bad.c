// SPDX-License-Identifier: MIT
/*
 * Clients that mean no good, until they are killed. What the interface promises them holds for them, too:
 * a fault is told to its owner, with its type. What they lose they have lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "soak.h"

#define NOWHERE		0x700000000ull
#define LIMIT_CYCLES	100000ull
#define GARBAGE		12u
#define PAUSE_US	20000
#define CALLS_US	500000u
#define CLEAR_MS	5000

static void pause_some(struct soak_self *self, uint32_t ms)
{
	usleep(1000 * fuzz_below(&self->rng, ms));
}

/* Another queue in the client's address space; 0 or an errno. */
static int queue_more(struct soak_client *client, struct lib_queue *queue, uint32_t priority, uint64_t limit)
{
	if (client->lr)
		return lib_user_queue(&client->lib, queue, 4, priority, limit);
	return lib_kernel_queue(&client->lib, queue, 4, priority, limit == UINT64_MAX ? 0 : limit);
}

/* Work that nobody waits for. */
static int queue_give(struct soak_client *client, struct lib_queue *queue, const struct gaon_packet *packets,
		      unsigned int count)
{
	for (unsigned int i = 0; i < count && client->lr; i++)
		lib_push(queue, &packets[i]);
	if (client->lr)
		return 0;
	memcpy(client->lib.mem + SOAK_LIST, packets, count * sizeof(packets[0]));
	return lib_submit(queue, lib_va(SOAK_LIST), count, 0, 0, client->done, 0);
}

static int queue_wait(struct soak_client *client, uint64_t value, int64_t ms)
{
	struct lib *lib = &client->lib;
	int err;

	if (client->lr)
		return lib_wait(lib, lib_word(lib, SOAK_WORD), value, ms);
	err = lib_syncobj_wait(lib->fd, client->done, 0, ms);
	return err ? err : -lib_syncobj_status(lib->fd, client->done);
}

/* --- faults ----------------------------------------------------------------------------------------- */

static struct gaon_packet fault_packet(struct soak_client *client, unsigned int *type)
{
	struct fuzz_rng *rng = &client->self->rng;
	uint32_t *code = (uint32_t *)(client->lib.mem + SOAK_ARGS);

	switch (fuzz_below(rng, 5)) {
	case 0:
		*type = GAON_FAULT_PAGE;
		return lib_copy(lib_va(SOAK_TO), NOWHERE + 4096ull * fuzz_below(rng, 4096), 4096);
	case 1:
		*type = GAON_FAULT_PERMISSION;
		return lib_fill(SOAK_CODE_VA, 64, 0);
	case 2:
		*type = GAON_FAULT_BAD_PACKET;
		return (struct gaon_packet){ .type = 0xee };
	case 3:
		*type = GAON_FAULT_PAGE;
		return lib_launch(NOWHERE, 0, 1 + fuzz_below(rng, 4));
	default:
		/* Memory that cores may not execute. */
		code[0] = 0;
		*type = GAON_FAULT_PERMISSION;
		return lib_launch(lib_va(SOAK_ARGS), 0, 1);
	}
}

/* What a reset cut short is said again; else the next fault would not be told. */
static void clear_again(struct soak_client *client)
{
	int64_t end = lib_now() + soak_ms(CLEAR_MS) * 1000000;

	while (lib_clear(&client->queue) == EBUSY && lib_now() < end)
		usleep(1000);
}

static void bad_fault_once(struct soak_client *client)
{
	struct drm_gaon_queue_query query;
	struct gaon_packet packet[2];
	unsigned int type;
	int err;

	packet[0] = fault_packet(client, &type);
	packet[0].flags |= GAON_PKT_F_BARRIER;
	packet[1] = lib_nop(lib_va(SOAK_WORD), ++client->value, GAON_PKT_F_EVENT);
	err = queue_give(client, &client->queue, packet, 2);
	if (!err)
		err = queue_wait(client, client->value, soak_ms(SOAK_PATIENCE_MS));
	if (err == EIO && !lib_state(&client->queue, &query, DRM_GAON_QUEUE_ACK)) {
		if (query.fault.type == type && query.state & DRM_GAON_QUEUE_GUILTY)
			client->self->shared->faults[type]++;
		else if (query.fault.type != GAON_FAULT_RESET && query.fault.type != GAON_FAULT_NONE)
			soak_wrong(client->self, "a fault of type %u, not %u: state %#x, address %#llx, packet %llu",
				   query.fault.type, type, query.state, (unsigned long long)query.fault.va,
				   (unsigned long long)query.fault.sequence);
	} else if (!err || err == ETIME) {
		soak_wrong(client->self, "a fault of type %u is not told: %s", type, strerror(err));
	}
	/* Else the card was reset, or has gone. */
	if (err == EIO)
		clear_again(client);
	client->self->shared->bad_rounds[SOAK_BAD_FAULT]++;
}

static void bad_fault(struct soak_client *client)
{
	unsigned int turns = 1 + fuzz_below(&client->self->rng, 20);

	while (turns-- && !soak_stopped(client->self)) {
		bad_fault_once(client);
		pause_some(client->self, 50);
	}
}

/* --- loops without end ------------------------------------------------------------------------------- */

/* Some have a limit of cycles, some are ended by the driver, some with their queue. */
static void bad_endless(struct soak_client *client)
{
	struct fuzz_rng *rng = &client->self->rng;
	struct gaon_packet packet = lib_launch(SOAK_CODE_VA + 0xf00, 0, 1 + fuzz_below(rng, 8));
	struct lib_queue queue;

	if (queue_more(client, &queue, DRM_GAON_PRIORITY_LOW,
		       fuzz_chance(rng, 2) ? LIMIT_CYCLES : UINT64_MAX))
		return;
	queue_give(client, &queue, &packet, 1);
	pause_some(client->self, 1500);
	if (fuzz_chance(rng, 2))
		lib_queue_destroy(&queue);
	client->self->shared->bad_rounds[SOAK_BAD_ENDLESS]++;
}

/* --- garbage ------------------------------------------------------------------------------------------ */

static void bad_ring(struct soak_client *client)
{
	struct fuzz_rng *rng = &client->self->rng;
	struct gaon_packet packets[GARBAGE];
	struct lib_queue queue;
	unsigned int turns = 8;

	if (queue_more(client, &queue, DRM_GAON_PRIORITY_LOW, LIMIT_CYCLES))
		return;
	while (turns--) {
		for (unsigned int i = 0; i < GARBAGE; i++)
			packets[i] = fuzz_packet(rng);
		queue_give(client, &queue, packets, 1 + fuzz_below(rng, GARBAGE));
		/* An index that ran away, a state block of anything. */
		if (client->lr && fuzz_chance(rng, 4))
			queue.state->write = fuzz_extreme(rng);
		if (client->lr && fuzz_chance(rng, 8))
			((uint64_t *)queue.state)[fuzz_below(rng, 8)] = fuzz_extreme(rng);
		if (client->lr)
			lib_ring(&queue);
		pause_some(client->self, 40);
		lib_clear(&queue);
		client->self->shared->bad_rounds[SOAK_BAD_RING]++;
	}
	lib_queue_destroy(&queue);
}

/* Never returns. Its threads die at any point of any call; others find the card if it has come anew. */
static void bad_calls_run(struct soak_self *self, uint64_t stream)
{
	static struct fuzz_world world;
	int fd = soak_open_node();
	char link[64], path[64] = "";

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (fd < 0 || readlink(link, path, sizeof(path) - 1) < 0)
		_exit(0);
	close(fd);
	setenv("GAON_NODE", path, 1);
	fuzz_world_init(&world, &self->shared->fuzz);
	fuzz_world_run(&world, self->seed, stream, 2);
}

static void bad_calls(struct soak_self *self)
{
	for (uint64_t stream = 0; !soak_stopped(self); stream++) {
		pid_t pid = fork();

		if (!pid)
			bad_calls_run(self, stream);
		usleep(CALLS_US + fuzz_below(&self->rng, CALLS_US));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		self->shared->bad_rounds[SOAK_BAD_CALLS]++;
	}
}

/* --- odd ends ------------------------------------------------------------------------------------------ */

/* A file is closed while its mappings, dma-bufs, fences and work are there. */
static void bad_close(struct soak_client *client)
{
	struct fuzz_rng *rng = &client->self->rng;
	struct drm_prime_handle prime = { .handle = client->lib.bo, .flags = DRM_CLOEXEC | DRM_RDWR };
	struct drm_syncobj_handle fence = {
		.handle = client->done, .flags = DRM_SYNCOBJ_HANDLE_TO_FD_FLAGS_EXPORT_SYNC_FILE,
	};
	struct gaon_packet packet = lib_launch(SOAK_CODE_VA + 0xf00, 0, 2);
	int other = dup(client->lib.fd), again;
	uint32_t handle;

	queue_give(client, &client->queue, &packet, 1);
	prime.fd = fence.fd = -1;
	uapi_ioctl(client->lib.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime);
	if (!client->lr)
		uapi_ioctl(client->lib.fd, DRM_IOCTL_SYNCOBJ_HANDLE_TO_FD, &fence);
	close(client->lib.fd);
	client->lib.fd = -1;
	if (fuzz_chance(rng, 2)) {
		close(other);
		other = -1;
	}
	/* What is mapped of a file that is closed is there. */
	memset(client->lib.mem + SOAK_TO, 1, SOAK_MOST);
	if (client->lib.doorbells)
		client->lib.doorbells[client->queue.doorbell_offset / 8] = fuzz_next(rng);
	pause_some(client->self, 300);
	again = soak_open_node();
	if (again >= 0 && prime.fd >= 0 && !uapi_to_handle(again, prime.fd, &handle))
		uapi_bo_close(again, handle);
	if (fuzz_chance(rng, 2) && prime.fd >= 0) {
		close(prime.fd);
		prime.fd = -1;
	}
	close(other);
	close(fence.fd);
	pause_some(client->self, 100);
	close(again);
	close(prime.fd);
	client->self->shared->bad_rounds[SOAK_BAD_CLOSE]++;
}

/* Children go on with what they inherited when their parent has closed it, or has gone. */
static void bad_fork(struct soak_client *client)
{
	struct fuzz_rng *rng = &client->self->rng;
	struct gaon_packet packet = lib_nop(lib_va(SOAK_WORD), ++client->value, GAON_PKT_F_EVENT);
	unsigned int children = 1 + fuzz_below(rng, 3), i;
	int status;

	for (i = 0; i < children; i++) {
		if (fork())
			continue;
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		rng->state += i;
		/* That mapping is not inherited. */
		client->lib.doorbells = NULL;
		queue_give(client, &client->queue, &packet, 1);
		pause_some(client->self, 500);
		lib_state(&client->queue, &(struct drm_gaon_queue_query){ 0 }, 0);
		memset(client->lib.mem + SOAK_FROM, 3, SOAK_MOST);
		if (fuzz_chance(rng, 2))
			soak_client_close(client);
		_exit(0);
	}
	queue_give(client, &client->queue, &packet, 1);
	pause_some(client->self, 200);
	if (client->own)
		memset(client->own, 2, SOAK_AREA_BYTES);
	soak_client_close(client);
	while (waitpid(-1, &status, 0) > 0)
		;
	client->self->shared->bad_rounds[SOAK_BAD_FORK]++;
}

/* The process' own memory goes away, is replaced, or may not be written, under DMA. */
static void bad_own(struct soak_client *client)
{
	struct fuzz_rng *rng = &client->self->rng;
	unsigned int turns = 30;

	while (turns-- && client->own && !soak_stopped(client->self)) {
		uint8_t *part = client->own + 4096 * fuzz_below(rng, SOAK_AREA_BYTES / 4096 - 8);
		struct gaon_packet packet[2];

		packet[0] = lib_fill(SOAK_AREA_VA(4), SOAK_AREA_BYTES, fuzz_next(rng));
		packet[1] = lib_nop(lib_va(SOAK_WORD), ++client->value, GAON_PKT_F_EVENT);
		queue_give(client, &client->queue, packet, 2);
		switch (fuzz_below(rng, 5)) {
		case 0:
			mprotect(part, 8 * 4096, PROT_READ);
			mprotect(part, 8 * 4096, PROT_READ | PROT_WRITE);
			break;
		case 1:
			munmap(part, 8 * 4096);
			mmap(part, 8 * 4096, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
			break;
		case 2:
			madvise(part, 8 * 4096, MADV_DONTNEED);
			break;
		case 3:
			madvise(part, 8 * 4096, MADV_PAGEOUT);
			break;
		default:
			madvise(client->own, SOAK_AREA_BYTES, MADV_HUGEPAGE);
		}
		if (queue_wait(client, client->value, soak_ms(SOAK_PATIENCE_MS)) == ETIME)
			soak_wrong(client->self, "work on memory that went away neither ends nor faults");
		lib_state(&client->queue, &(struct drm_gaon_queue_query){ 0 }, DRM_GAON_QUEUE_ACK);
		lib_clear(&client->queue);
		client->self->shared->bad_rounds[SOAK_BAD_OWN]++;
	}
}

void soak_bad(struct soak_self *self)
{
	static void (*const turn[SOAK_BADS])(struct soak_client *client) = {
		[SOAK_BAD_FAULT] = bad_fault, [SOAK_BAD_ENDLESS] = bad_endless, [SOAK_BAD_RING] = bad_ring,
		[SOAK_BAD_CLOSE] = bad_close, [SOAK_BAD_FORK] = bad_fork, [SOAK_BAD_OWN] = bad_own,
	};
	static struct soak_client client;

	if (self->kind == SOAK_BAD_CALLS)
		bad_calls(self);
	while (!soak_stopped(self)) {
		bool lr = self->kind == SOAK_BAD_OWN || fuzz_chance(&self->rng, 2);

		if (!soak_client_open(&client, self, lr))
			turn[self->kind](&client);
		else
			usleep(PAUSE_US);
		soak_client_close(&client);
		soak_beat(self);
	}
}
