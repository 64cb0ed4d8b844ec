// SPDX-License-Identifier: MIT
/*
 * Numbers of address spaces (contexts, ASIDs) are given again and again: none shows what it was before.
 * More address spaces come and go than there are contexts, each with its own memory at the address where
 * all others have theirs, while some stay and work. As root: which numbers they have is in debugfs.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <hw/gaon_event.h>
#include <hw/gaon_regs.h>

#include "../queue_lib.h"
#include "counters.h"

#define STAY		3u
#define SPACES		(GAON_CONTEXTS + 100u)
#define DATA_VA		0x700000000ull
#define DATA_BYTES	8192u
#define RESULT		0x1000u
#define IN_HBM		(DRM_GAON_BO_HBM | DRM_GAON_BO_CPU)
#define PATIENCE_MS	60000

/* The largest ASID that an address space has now. */
static unsigned int largest_asid(void)
{
	unsigned int context, asid, largest = 0;
	FILE *file = counters_file("/sys/kernel/debug/accel/*/vms");
	char line[128];

	REQUIRE(file, "debugfs: vms");
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%u %u", &context, &asid) == 2 && asid > largest)
			largest = asid;
	}
	fclose(file);
	return largest;
}

static struct gaon_packet copy_packet(uint64_t from, uint64_t bytes, uint64_t value)
{
	struct gaon_packet packet = lib_nop(lib_va(0), value, GAON_PKT_F_EVENT);

	packet.type = GAON_PKT_COPY;
	packet.copy.dst_va = lib_va(RESULT);
	packet.copy.src_va = from;
	packet.copy.bytes = bytes;
	return packet;
}

/* Memory with the same word everywhere, at DATA_VA. */
static void data_map(struct lib *lib, uint32_t flags, uint64_t secret, uint64_t bytes)
{
	uint32_t bo = uapi_bo(lib->fd, DATA_BYTES, flags, 0);
	uint64_t *cpu = bo ? uapi_mmap(lib->fd, bo, DATA_BYTES) : NULL;

	REQUIRE(cpu, "memory");
	for (unsigned int i = 0; i < DATA_BYTES / 8; i++)
		cpu[i] = secret;
	munmap(cpu, DATA_BYTES);
	if (uapi_map(lib->fd, lib->vm, bo, 0, DATA_VA, bytes, 0))
		REQUIRE(false, "map");
	uapi_bo_close(lib->fd, bo);
}

/* Copies a page; how many words are not @secret, or -1 - error. */
static int data_look(struct lib_queue *queue, uint64_t from, uint64_t secret, uint64_t value)
{
	const uint64_t *result = (const uint64_t *)(queue->lib->mem + RESULT);
	struct gaon_packet packet = copy_packet(from, 4096, value);
	int err, bad = 0;

	memset(queue->lib->mem + RESULT, 0x11, 4096);
	lib_push(queue, &packet);
	err = lib_wait(queue->lib, lib_word(queue->lib, 0), value, PATIENCE_MS);
	if (err)
		return -1 - err;
	for (unsigned int i = 0; i < 512; i++)
		bad += result[i] != secret;
	return bad;
}

/* --- those that stay --------------------------------------------------------------------------- */

static atomic_bool stop;

struct stay {
	unsigned int number;
	uint64_t rounds, bad;
};

static void *stay_run(void *arg)
{
	struct stay *stay = arg;
	uint64_t secret = 0x57a7000000000000ull + stay->number;
	struct lib_queue queue;
	struct lib lib;

	lib_open(&lib, DRM_GAON_VM_LR);
	REQUIRE(!lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	data_map(&lib, stay->number & 1 ? IN_HBM : DRM_GAON_BO_HOST, secret, DATA_BYTES);
	while (!atomic_load(&stop)) {
		stay->bad += data_look(&queue, DATA_VA + (stay->rounds & 1) * 4096, secret,
				      stay->rounds + 1) != 0;
		stay->rounds++;
		/* The others are to get on with it. */
		usleep(5000);
	}
	lib_close(&lib);
	return NULL;
}

/* --- those that go ----------------------------------------------------------------------------- */

/* What one address space finds: its own memory, and a fault where only earlier ones had some. */
static int go(int fd, unsigned int i)
{
	uint64_t secret = 0x60000000ull + i;
	struct lib_queue queue;
	struct lib lib;
	int bad = 0, n;

	lib_open_on(&lib, fd, DRM_GAON_VM_LR);
	if (lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0))
		REQUIRE(false, "address space %u: a queue", i);
	data_map(&lib, i & 2 ? IN_HBM : DRM_GAON_BO_HOST, secret, i & 1 ? 4096 : DATA_BYTES);
	bad += data_look(&queue, DATA_VA, secret, 1) != 0;
	n = data_look(&queue, DATA_VA + 4096, secret, 2);
	bad += i & 1 ? n != -1 - EIO : n != 0;
	if (bad)
		printf("# address space %u: the second page: %d\n", i, n);
	/* Half of them leave by destroying everything, half leave all to VM_DESTROY. */
	if (lib_queue_destroy(&queue))
		bad++;
	if (i & 4)
		uapi_unmap(fd, lib.vm, DATA_VA, i & 1 ? 4096 : DATA_BYTES);
	if (lib.doorbells)
		munmap((void *)lib.doorbells, DRM_GAON_DOORBELL_BYTES);
	munmap(lib.mem, LIB_MEM_BYTES);
	bad += uapi_vm_destroy(fd, lib.vm) != 0;
	bad += uapi_bo_close(fd, lib.bo) != 0;
	return bad;
}

int main(void)
{
	struct stay stays[STAY] = { 0 };
	pthread_t threads[STAY];
	unsigned int i, bad = 0, asid, largest = 0;
	int fd;

	uapi_quiet = true;
	fd = uapi_open();
	for (i = 0; i < STAY; i++) {
		stays[i].number = i;
		REQUIRE(!pthread_create(&threads[i], NULL, stay_run, &stays[i]), "a thread");
	}
	for (i = 0; i < SPACES; i++) {
		bad += go(fd, i) != 0;
		if (i % 64)
			continue;
		asid = largest_asid();
		largest = asid > largest ? asid : largest;
	}
	atomic_store(&stop, true);
	for (i = 0; i < STAY; i++)
		pthread_join(threads[i], NULL);
	close(fd);
	uapi_quiet = false;
	CHECK(!bad, "%u address spaces one after the other: %u saw what is not theirs", SPACES, bad);
	CHECK(largest && largest < SPACES / 4, "ASIDs are given again: the largest seen is %u", largest);
	for (i = 0; i < STAY; i++)
		CHECK(stays[i].rounds > 10 && !stays[i].bad, "one that stayed looked %llu times: %llu were wrong",
		      (unsigned long long)stays[i].rounds, (unsigned long long)stays[i].bad);
	uapi_figure("clients", "address spaces one after the other", SPACES);
	uapi_exit();
}
