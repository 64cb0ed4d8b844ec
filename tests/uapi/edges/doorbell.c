// SPDX-License-Identifier: MIT
/*
 * Doorbells of queues and address spaces that are gone: they can be written and read, and ring nothing, not
 * even when their page has become another process'. As root: whose it is is in debugfs.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <hw/gaon_regs.h>

#include "../queue_lib.h"
#include "counters.h"

#define PATIENCE_MS	60000
#define DOORBELLS	(DRM_GAON_DOORBELL_BYTES / 8)

/* The context of the only address space; 0: there is none, or several. */
static unsigned int only_context(void)
{
	unsigned int context = 0, found = 0;
	FILE *file = counters_file("/sys/kernel/debug/accel/*/vms");
	char line[128];

	REQUIRE(file, "debugfs: vms");
	while (fgets(line, sizeof(line), file))
		found += sscanf(line, "%u", &context) == 1;
	fclose(file);
	return found == 1 ? context : 0;
}

/* Doorbells that have reached the device, of queues or of nobody. */
static uint64_t rung(int fd)
{
	struct drm_gaon_query_telemetry telemetry = { 0 };
	int err = uapi_query(fd, DRM_GAON_QUERY_TELEMETRY, &telemetry, sizeof(telemetry));

	if (err)
		CHECK_ERRNO(err, 0, "telemetry");
	return telemetry.doorbells + telemetry.doorbells_dropped;
}

/* All of a mapping is written and read; how many words do not read as written. */
static unsigned int touch_all(volatile uint64_t *doorbells, uint64_t value)
{
	unsigned int bad = 0;

	for (unsigned int i = 0; i < DOORBELLS; i += i < 64 || i % 512 > 480 ? 1 : 31)
		doorbells[i] = value;
	/* One ordinary page is shown everywhere. */
	for (unsigned int i = 0; i < DOORBELLS; i += 512)
		bad += doorbells[i] != value;
	return bad;
}

/* The same address space: all its queues go, and a new one comes. */
static void test_destroyed(struct lib *lib)
{
	struct gaon_packet packet = lib_nop(lib_va(0), 1, GAON_PKT_F_EVENT);
	struct lib_queue queue;
	uint64_t before;

	before = rung(lib->fd);
	REQUIRE(!lib_user_queue(lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	lib_push(&queue, &packet);
	lib_ring(&queue);
	CHECK_ERRNO(lib_wait(lib, lib_word(lib, 0), 1, PATIENCE_MS), 0, "works");
	CHECK(rung(lib->fd) > before, "doorbells are counted: %llu", (unsigned long long)(rung(lib->fd) - before));
	CHECK_ERRNO(lib_queue_destroy(&queue), 0, "it is destroyed");
	before = rung(lib->fd);
	CHECK(!touch_all(lib->doorbells, 0x1111), "then its doorbells are memory");
	CHECK(rung(lib->fd) == before, "and %llu reach the device", (unsigned long long)(rung(lib->fd) - before));
}

/*
 * Another process, which takes context @wanted and a queue in it. Says so, and when it is asked
 * shows that the queue works.
 */
static void heir_run(unsigned int wanted, int go, int told)
{
	struct gaon_packet packet = lib_nop(lib_va(0), 1, GAON_PKT_F_EVENT);
	unsigned int tries, context = 0;
	struct lib_queue queue;
	struct lib lib;
	char byte;
	int fd;

	uapi_quiet = true;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fd = uapi_open();
	/* Contexts are given out in turn: stop before it comes. */
	for (tries = 0; tries < 2 * GAON_CONTEXTS; tries++) {
		uint32_t vm = uapi_vm(fd, DRM_GAON_VM_LR);

		context = only_context();
		uapi_vm_destroy(fd, vm);
		if (context == wanted - 1)
			break;
	}
	lib_open_on(&lib, fd, DRM_GAON_VM_LR);
	if (only_context() != wanted) {
		printf("# after %u address spaces, the last %u, comes %u\n", tries, context, only_context());
		_exit(2);
	}
	if (lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0))
		_exit(3);
	lib_doorbell_map(&lib, &queue);
	if (write(told, "r", 1) != 1 || read(go, &byte, 1) != 1)
		_exit(4);
	lib_push(&queue, &packet);
	lib_ring(&queue);
	if (lib_wait(&lib, lib_word(&lib, 0), 1, PATIENCE_MS))
		_exit(5);
	lib_close(&lib);
	_exit(0);
}

static void test_recycled(struct lib *lib)
{
	volatile uint64_t *old = lib->doorbells;
	unsigned int context = only_context();
	int go[2], told[2], status = -1, fd = lib->fd;
	struct gaon_packet packet = lib_nop(lib_va(0), 1, GAON_PKT_F_EVENT);
	struct lib_queue queue;
	struct lib again;
	uint64_t before;
	char byte;
	pid_t pid;

	REQUIRE(context, "the only address space has a context");
	CHECK_ERRNO(uapi_vm_destroy(fd, lib->vm), 0, "the address space goes, its doorbells stay mapped");
	REQUIRE(!pipe(go) && !pipe(told), "pipes");
	fflush(stdout);
	pid = fork();
	if (!pid)
		heir_run(context, go[0], told[1]);
	close(go[0]);
	close(told[1]);
	REQUIRE(read(told[0], &byte, 1) == 1, "another process has context %u now, and a queue", context);
	before = rung(fd);
	CHECK(!touch_all(old, 0x2222), "the old doorbells are memory still");
	CHECK(rung(fd) == before, "of them %llu reach the device", (unsigned long long)(rung(fd) - before));
	CHECK(write(go[1], "g", 1) == 1, "told");
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "its own queue works: %#x", status);
	CHECK(rung(fd) > before, "and its own doorbells reach the device");
	/* The handle is free again as well: the old mapping is not the new address space's. */
	lib_open_on(&again, fd, DRM_GAON_VM_LR);
	CHECK(again.vm == lib->vm, "another address space has the same handle");
	REQUIRE(!lib_user_queue(&again, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	before = rung(fd);
	CHECK(!touch_all(old, 0x3333), "the old mapping is memory");
	CHECK(rung(fd) == before, "that rings %llu times", (unsigned long long)(rung(fd) - before));
	lib_push(&queue, &packet);
	lib_ring(&queue);
	CHECK_ERRNO(lib_wait(&again, lib_word(&again, 0), 1, PATIENCE_MS), 0, "it works with a mapping of its own");
	CHECK(rung(fd) > before, "that does");
	munmap((void *)old, DRM_GAON_DOORBELL_BYTES);
	munmap(lib->mem, LIB_MEM_BYTES);
	lib_close(&again);
}

int main(void)
{
	struct lib lib;

	REQUIRE(counters_lines("/sys/kernel/debug/accel/*/vms") == 0, "nobody else uses the card");
	/* Numbers are given in turn: one before which there is another of a user. */
	for (lib_open(&lib, DRM_GAON_VM_LR); only_context() < 8; lib_open(&lib, DRM_GAON_VM_LR))
		lib_close(&lib);
	test_destroyed(&lib);
	test_recycled(&lib);
	uapi_exit();
}
