// SPDX-License-Identifier: MIT
/*
 * Makes one incident, and says what a dump of it must tell, for tests/vm/guest/coredump.py:
 *
 *   incident page|illegal|packet|timeout|engines
 *   incident bystander		works beside them until it is killed, with a number in a register
 *
 * As root, with the module loaded with job_timeout_ms.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../queue_lib.h"

#define WAIT_MS		120000
#define BUFFER_VA	0x300000000ull
#define BUFFER_BYTES	0x4000ull
#define BEHIND		0x18		/* bytes behind the buffer's end */
#define LIST		0x1000		/* in the memory */
#define ILLEGAL		0x200		/* where in the code */
#define CODE_OBJECT	"kernel of the test"
#define BUFFER_OBJECT	"buffer of the test"
#define TAG		4711

static void say(const char *key, uint64_t value)
{
	printf("%s %#" PRIx64 "\n", key, value);
}

static void name_object(int fd, uint32_t handle, const char *name)
{
	struct drm_gaon_bo_set_name args = { .handle = handle };

	snprintf((char *)args.name, sizeof(args.name), "%s", name);
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_SET_NAME, &args), 0, "name");
}

/* Code that the library has, and what is no instruction; and a buffer to go past the end of. */
static void prepare(struct lib *lib)
{
	uint32_t code = uapi_bo(lib->fd, 4096, DRM_GAON_BO_HOST, 0);
	uint32_t buffer = uapi_bo(lib->fd, BUFFER_BYTES, DRM_GAON_BO_HBM, 0);
	static const uint32_t illegal = 0xffffffff;
	uint8_t *cpu = uapi_mmap(lib->fd, code, 4096);
	/* sd a0, 0(a0) with registers that the dump must show. */
	static const uint32_t store[] = {
		0x12345437,	/* lui s0, 0x12345 */
		0x02a00493,	/* li s1, 42 */
		0x00a53023,	/* sd a0, 0(a0) */
	};
	static const uint32_t spin[] = { 0x02b00493, 0x0000006f };	/* li s1, 43; j . */

	REQUIRE(cpu, "code");
	memcpy(cpu + LIB_CODE_STORE, store, sizeof(store));
	memcpy(cpu + LIB_CODE_SPIN, spin, sizeof(spin));
	memcpy(cpu + ILLEGAL, &illegal, sizeof(illegal));
	munmap(cpu, 4096);
	REQUIRE(!uapi_map(lib->fd, lib->vm, code, 0, LIB_CODE_VA, 4096, DRM_GAON_VM_BIND_EXEC) &&
		!uapi_map(lib->fd, lib->vm, buffer, 0, BUFFER_VA, BUFFER_BYTES, 0), "mappings");
	name_object(lib->fd, code, CODE_OBJECT);
	name_object(lib->fd, buffer, BUFFER_OBJECT);
}

static struct gaon_packet launch(uint64_t code, uint64_t args)
{
	struct gaon_packet packet = lib_launch(LIB_CODE_VA + code, args, 1);

	packet.tag = TAG;
	return packet;
}

static void wait_fault(struct lib_queue *queue, uint32_t type)
{
	struct drm_gaon_queue_query query = { 0 };
	int64_t end = lib_now() + WAIT_MS * 1000000ll;

	do {
		usleep(10000);
		CHECK_ERRNO(lib_state(queue, &query, 0), 0, "state");
	} while (query.fault.type == GAON_FAULT_NONE && lib_now() < end);
	CHECK(query.fault.type == type, "fault %u, not %u", query.fault.type, type);
}

/* A user-mode queue whose second packet goes wrong. */
static void user_incident(const struct gaon_packet *bad, uint32_t type)
{
	struct gaon_packet nop = lib_nop(0, 0, 0);
	struct lib_queue queue;
	struct lib lib;

	lib_open_user(&lib, &queue);
	prepare(&lib);
	nop.tag = 1;
	lib_push(&queue, &nop);
	lib_push(&queue, bad);
	wait_fault(&queue, type);
	say("queue", queue.hw_id);
	say("ring", queue.ring_va);
	lib_close(&lib);
}

/* A job of a kernel-owned queue whose second packet goes wrong. */
static void job_incident(const struct gaon_packet *bad, uint32_t type, void (*during)(void))
{
	struct gaon_packet *list;
	struct lib_queue queue;
	struct lib lib;

	lib_open(&lib, 0);
	prepare(&lib);
	list = (struct gaon_packet *)(lib.mem + LIST);
	list[0] = lib_nop(0, 0, 0);
	list[0].tag = 1;
	list[1] = *bad;
	/* As long as there is anything a launch may take. */
	REQUIRE(!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 10000ull * 1000000),
		"a kernel-owned queue");
	CHECK_ERRNO(lib_submit(&queue, lib_va(LIST), 2, 0, 0, 0, 0), 0, "submit");
	if (during)
		during();
	wait_fault(&queue, type);
	say("queue", queue.hw_id);
	say("list", lib_va(LIST));
	lib_close(&lib);
}

static void reset_engines(void)
{
	glob_t found;
	int fd;

	sleep(1);
	REQUIRE(!glob("/sys/kernel/debug/accel/*/reset", 0, NULL, &found), "debugfs");
	fd = open(found.gl_pathv[0], O_WRONLY);
	CHECK(write(fd, "engines", 7) == 7, "engines are reset");
	close(fd);
	globfree(&found);
}

/* Another context's work, of whose registers no dump of somebody's fault tells. */
static void bystand(void)
{
	static const uint32_t work[] = {
		0x5ec2e437,	/* lui s0, 0x5ec2e */
		0x00a53023,	/* sd a0, 0(a0) */
		0x0000006f,	/* j . */
	};
	/* Of several cores: one it may have to share with who makes the incident. */
	struct gaon_packet packet = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 4);
	struct lib_queue queue;
	struct lib lib;
	uint32_t code;
	uint8_t *cpu;

	lib_open(&lib, DRM_GAON_VM_LR);
	code = uapi_bo(lib.fd, 4096, DRM_GAON_BO_HOST, 0);
	cpu = uapi_mmap(lib.fd, code, 4096);
	REQUIRE(cpu && !lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, UINT64_MAX), "a queue");
	memcpy(cpu + LIB_CODE_SPIN, work, sizeof(work));
	REQUIRE(!uapi_map(lib.fd, lib.vm, code, 0, LIB_CODE_VA, 4096, DRM_GAON_VM_BIND_EXEC), "code");
	packet.launch.args_va = lib_va(LIST);
	lib_push(&queue, &packet);
	REQUIRE(!lib_wait(&lib, lib_word(&lib, LIST), lib_va(LIST), WAIT_MS), "work that has begun");
	say("register", 0x5ec2e000);
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const char *kind = argc == 2 ? argv[1] : "";
	struct gaon_packet packet;

	setvbuf(stdout, NULL, _IOLBF, 0);
	say("pid", (uint64_t)getpid());
	if (!strcmp(kind, "page")) {
		packet = launch(LIB_CODE_STORE, BUFFER_VA + BUFFER_BYTES + BEHIND);
		say("address", packet.launch.args_va);
		say("pc", LIB_CODE_VA + LIB_CODE_STORE + 8);
		user_incident(&packet, GAON_FAULT_PAGE);
	} else if (!strcmp(kind, "illegal")) {
		packet = launch(ILLEGAL, 0);
		say("pc", LIB_CODE_VA + ILLEGAL);
		job_incident(&packet, GAON_FAULT_ILLEGAL, NULL);
	} else if (!strcmp(kind, "packet")) {
		packet = lib_nop(0, 0, 0);
		packet.type = 0x77;
		packet.tag = TAG;
		user_incident(&packet, GAON_FAULT_BAD_PACKET);
	} else if (!strcmp(kind, "timeout")) {
		packet = launch(LIB_CODE_SPIN, 0);
		say("pc", LIB_CODE_VA + LIB_CODE_SPIN + 4);
		job_incident(&packet, GAON_FAULT_WATCHDOG, NULL);
	} else if (!strcmp(kind, "engines")) {
		packet = launch(LIB_CODE_SPIN, 0);
		say("pc", LIB_CODE_VA + LIB_CODE_SPIN + 4);
		job_incident(&packet, GAON_FAULT_RESET, reset_engines);
	} else if (!strcmp(kind, "bystander")) {
		bystand();
	} else {
		fprintf(stderr, "usage: incident page|illegal|packet|timeout|engines|bystander\n");
		return 2;
	}
	uapi_exit();
}
