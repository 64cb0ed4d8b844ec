// SPDX-License-Identifier: MIT
/*
 * Memory that was another's: of processes that were killed in the middle of work, that ended with a fault,
 * or whose work a reset took away, and of objects that had to make room. Who gets it next finds nothing in
 * it, at first and a while later, when what was on its way would have arrived; and whose memory it still is
 * finds nothing but his own. As root, on a card with little HBM.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../queue_lib.h"

#define MIB		(1024 * 1024ull)
#define PART		(4 * MIB)	/* an object of the victim */
#define PARTS		8u		/* of them: */
#define PARTS_HBM	6u
#define OWN_BYTES	MIB		/* and its own memory */
#define PART_VA		0x400000000ull
#define OWN_VA		(PART_VA + PARTS * PART)
#define TAKEN_VA	0x800000000ull
#define TAKEN_MAX	256u
#define TAKEN_HOST	4u
#define SECRET		0x5ec2e75ec2e75ec2ull
#define OTHER		0x0111e20111e20111ull
#define MOVED		8u
#define PATIENCE_MS	60000

/* --- the heir -------------------------------------------------------------------------------------- */

struct taken {
	int fd;
	uint32_t vm;
	unsigned int count;
	uint64_t bytes;
	struct {
		uint64_t *cpu;
		uint64_t size;
	} part[TAKEN_MAX];
};

static uint32_t create(int fd, uint64_t size, uint32_t flags)
{
	struct drm_gaon_bo_create args = { .size = size, .flags = flags };

	return uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &args) ? 0 : args.handle;
}

static bool take_one(struct taken *taken, uint64_t size, uint32_t flags)
{
	uint32_t handle = taken->count < TAKEN_MAX ? create(taken->fd, size, flags) : 0;

	if (!handle)
		return false;
	/* In an address space for long work it stays where it is. */
	MUST(!uapi_map(taken->fd, taken->vm, handle, 0, TAKEN_VA + taken->bytes, size, 0), "map");
	taken->part[taken->count].cpu = uapi_mmap(taken->fd, handle, size);
	MUST(taken->part[taken->count].cpu, "mmap");
	taken->part[taken->count++].size = size;
	taken->bytes += size;
	uapi_bo_close(taken->fd, handle);
	return true;
}

/* All HBM that is to be had, and host memory. */
static void take(struct taken *taken)
{
	static const uint64_t sizes[] = { PART, MIB, MIB / 16, 4096 };

	*taken = (struct taken){ .fd = uapi_open() };
	taken->vm = uapi_vm(taken->fd, DRM_GAON_VM_LR);
	for (unsigned int i = 0; i < TAKEN_HOST; i++)
		take_one(taken, PART, DRM_GAON_BO_HOST);
	for (unsigned int s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		while (take_one(taken, sizes[s], DRM_GAON_BO_HBM | DRM_GAON_BO_CPU))
			;
	}
}

/* Words that are not 0, of all or of every @step. */
static uint64_t taken_bad(const struct taken *taken, unsigned int step)
{
	uint64_t bad = 0;

	for (unsigned int i = 0; i < taken->count; i++) {
		const volatile uint64_t *cpu = taken->part[i].cpu;

		for (uint64_t w = 0; w < taken->part[i].size / 8; w += step)
			bad += cpu[w] != 0;
	}
	return bad;
}

/* Something in each line of it. */
static void taken_write(const struct taken *taken)
{
	for (unsigned int i = 0; i < taken->count; i++) {
		volatile uint64_t *cpu = taken->part[i].cpu;

		for (uint64_t w = 0; w < taken->part[i].size / 8; w += 8)
			cpu[w] = OTHER;
	}
}

static void give_back(struct taken *taken)
{
	for (unsigned int i = 0; i < taken->count; i++)
		munmap(taken->part[i].cpu, taken->part[i].size);
	close(taken->fd);
}

/* Takes it, looks, and looks again. At least @least bytes. */
static void inherit(struct taken *taken, uint64_t least, const char *after)
{
	uint64_t *own = mmap(NULL, 32 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint64_t first, later, mine = 0;

	REQUIRE(own != MAP_FAILED, "memory");
	memset(own, 0, 32 * MIB);
	take(taken);
	first = taken_bad(taken, 1);
	usleep(50000);
	later = taken_bad(taken, 8);
	for (uint64_t w = 0; w < 32 * MIB / 8; w += 8)
		mine += own[w] != 0;
	munmap(own, 32 * MIB);
	CHECK(taken->bytes >= least, "%s: %llu KiB are to be had", after, (unsigned long long)taken->bytes >> 10);
	CHECK(!first, "%s: they read 0: %llu words do not", after, (unsigned long long)first);
	CHECK(!later, "%s: and later: %llu words do not", after, (unsigned long long)later);
	CHECK(!mine, "%s: nor does anything arrive in ordinary memory: %llu words", after, (unsigned long long)mine);
}

/* --- the victim ------------------------------------------------------------------------------------ */

enum end { KILLED, FAULTED, RESET };

struct victim {
	enum end end;
	int told, go;
	uint64_t *cpu[PARTS];
};

static void victim_memory(struct victim *v, struct lib *lib)
{
	struct drm_gaon_vm_bind_op op = {
		.type = DRM_GAON_VM_BIND_MAP_USERPTR, .va = OWN_VA, .size = OWN_BYTES,
		.offset = (uintptr_t)mmap(NULL, OWN_BYTES, PROT_READ | PROT_WRITE,
					  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
	};

	for (unsigned int i = 0; i < PARTS; i++) {
		uint32_t bo = uapi_bo(lib->fd, PART, i < PARTS_HBM ? DRM_GAON_BO_HBM | DRM_GAON_BO_CPU :
				      DRM_GAON_BO_HOST, 0);

		MUST(bo && !uapi_map(lib->fd, lib->vm, bo, 0, PART_VA + i * PART, PART, 0), "map");
		v->cpu[i] = uapi_mmap(lib->fd, bo, PART);
		MUST(v->cpu[i], "mmap");
	}
	MUST(!uapi_bind(lib->fd, lib->vm, &op, 1), "its own memory");
}

static int victim_fill(struct lib_queue *queue)
{
	int err = lib_run(queue, lib_fill(OWN_VA, OWN_BYTES, SECRET));

	for (unsigned int i = 0; i < PARTS && !err; i++)
		err = lib_run(queue, lib_fill(PART_VA + i * PART, PART, SECRET));
	return err;
}

/* Nothing but its own: what it wrote, what it counts, or 0 if a reset took it away. */
static bool victim_looks(struct victim *v)
{
	uint64_t bad = 0;

	for (unsigned int i = 0; i < PARTS; i++) {
		for (uint64_t w = 8; w < PART / 8; w += 8)
			bad += v->cpu[i][w] != SECRET && v->cpu[i][w];
	}
	return !bad;
}

/* Work of all kinds is under way when it ends. */
static void victim_run(struct victim *v)
{
	struct gaon_packet packet;
	struct lib_queue queue, endless;
	struct lib lib;
	char byte;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	uapi_quiet = true;
	lib_open_user(&lib, &queue);
	lib_code(&lib);
	victim_memory(v, &lib);
	MUST(!lib_user_queue(&lib, &endless, 4, DRM_GAON_PRIORITY_LOW, UINT64_MAX), "a queue");
	/* Cores store to HBM and to host memory, in words that are looked at by none but heirs. */
	packet = lib_launch(LIB_CODE_VA + LIB_CODE_COUNT, PART_VA, 1);
	lib_push(&endless, &packet);
	MUST(!victim_fill(&queue), "filled");
	MUST(write(v->told, "", 1) == 1, "told");
	if (v->end == RESET) {
		MUST(read(v->go, &byte, 1) == 1, "asked");
		_exit(!victim_looks(v));
	}
	if (v->end == FAULTED) {
		for (unsigned int i = 0; i < PARTS; i++) {
			packet = lib_fill(PART_VA + i * PART, PART, SECRET);
			lib_push(&queue, &packet);
		}
		packet = lib_launch(LIB_CODE_VA + LIB_CODE_BREAK, 0, 8);
		lib_push(&endless, &packet);
		lib_push(&queue, &packet);
		_exit(0);
	}
	while (!victim_fill(&queue))
		;
	_exit(1);
}

static pid_t victim_start(enum end end, int *go)
{
	struct victim v = { .end = end };
	int told[2], asked[2];
	char byte;
	pid_t pid;

	REQUIRE(!pipe(told) && !pipe(asked), "pipes");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		close(told[0]);
		v.told = told[1];
		v.go = asked[0];
		victim_run(&v);
	}
	close(told[1]);
	close(asked[0]);
	MUST(read(told[0], &byte, 1) == 1, "another process has secrets in its memory");
	close(told[0]);
	*go = asked[1];
	return pid;
}

/* --- ends ------------------------------------------------------------------------------------------ */

static void test_killed(void)
{
	struct taken taken;
	int go, status;
	pid_t pid;

	pid = victim_start(KILLED, &go);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	close(go);
	CHECK(WIFSIGNALED(status), "a process is killed in the middle of work: %#x", status);
	inherit(&taken, (PARTS_HBM + TAKEN_HOST + 2) * PART, "killed");
	give_back(&taken);
}

static void test_faulted(void)
{
	struct taken taken;
	int go, status;
	pid_t pid;

	pid = victim_start(FAULTED, &go);
	waitpid(pid, &status, 0);
	close(go);
	CHECK(!status, "a process ends while its work faults: %#x", status);
	inherit(&taken, (PARTS_HBM + TAKEN_HOST + 2) * PART, "faulted");
	give_back(&taken);
}

static bool reset_card(const char *what)
{
	const char *pattern = strcmp(what, "1") ? "/sys/kernel/debug/accel/*/reset" :
						  "/sys/class/accel/accel0/device/reset";
	glob_t found;
	bool good;
	int fd;

	if (glob(pattern, 0, NULL, &found))
		return false;
	fd = open(found.gl_pathv[0], O_WRONLY);
	good = fd >= 0 && write(fd, what, strlen(what)) == (ssize_t)strlen(what);
	if (fd >= 0)
		close(fd);
	globfree(&found);
	return good;
}

/* A process whose card is reset keeps its objects; all the rest of memory becomes another's. */
static void test_reset(const char *what, const char *name)
{
	struct taken taken;
	int go, status;
	pid_t pid;

	pid = victim_start(RESET, &go);
	CHECK(reset_card(what), "%s", name);
	inherit(&taken, (TAKEN_HOST + 2) * PART, name);
	taken_write(&taken);
	MUST(write(go, "", 1) == 1, "asked");
	waitpid(pid, &status, 0);
	CHECK(!status, "%s: whose card was reset finds nothing of others: %#x", name, status);
	close(go);
	give_back(&taken);
	/* What it had is free now, too. */
	inherit(&taken, (PARTS_HBM + TAKEN_HOST + 2) * PART, name);
	give_back(&taken);
}

/* --- making room ----------------------------------------------------------------------------------- */

struct moved {
	int fd;
	uint32_t vm;
	uint32_t handle[MOVED];
	uint64_t *cpu[MOVED];
};

static unsigned int moved_in_hbm(const struct moved *m)
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < MOVED; i++) {
		struct drm_gaon_bo_info info = { .handle = m->handle[i] };

		count += !uapi_ioctl(m->fd, DRM_IOCTL_GAON_BO_INFO, &info) &&
			 info.placement == DRM_GAON_MEMORY_HBM;
	}
	return count;
}

static uint64_t moved_bad(const struct moved *m)
{
	uint64_t bad = 0;

	for (unsigned int i = 0; i < MOVED; i++) {
		for (uint64_t w = 0; w < PART / 8; w++)
			bad += m->cpu[i][w] != SECRET + i;
	}
	return bad;
}

static void test_moved(void)
{
	struct moved m = { .fd = uapi_open() };
	struct taken taken;

	m.vm = uapi_vm(m.fd, 0);
	for (unsigned int i = 0; i < MOVED; i++) {
		m.handle[i] = uapi_bo(m.fd, PART, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, 0);
		m.cpu[i] = uapi_mmap(m.fd, m.handle[i], PART);
		REQUIRE(m.cpu[i] && !uapi_map(m.fd, m.vm, m.handle[i], 0, PART_VA + i * PART, PART, 0),
			"an object");
		for (uint64_t w = 0; w < PART / 8; w++)
			m.cpu[i][w] = SECRET + i;
	}
	CHECK(moved_in_hbm(&m) == MOVED, "%u objects are in HBM", moved_in_hbm(&m));
	inherit(&taken, (MOVED + TAKEN_HOST) * PART, "had to make room");
	taken_write(&taken);
	CHECK(moved_in_hbm(&m) <= 1, "then %u are", moved_in_hbm(&m));
	CHECK(!moved_bad(&m), "their owner, who had them mapped, sees them: %llu words are not right",
	      (unsigned long long)moved_bad(&m));
	give_back(&taken);
	for (unsigned int i = 0; i < MOVED; i++) {
		MUST(!uapi_unmap(m.fd, m.vm, PART_VA + i * PART, PART) &&
		     !uapi_map(m.fd, m.vm, m.handle[i], 0, PART_VA + i * PART, PART, 0), "mapped anew");
	}
	CHECK(moved_in_hbm(&m) == MOVED, "back in HBM: %u", moved_in_hbm(&m));
	CHECK(!moved_bad(&m), "as they were: %llu words are not", (unsigned long long)moved_bad(&m));
	/* The host's pages in which they have been are free. */
	inherit(&taken, TAKEN_HOST * PART, "have come back");
	give_back(&taken);
	for (unsigned int i = 0; i < MOVED; i++)
		munmap(m.cpu[i], PART);
	close(m.fd);
}

int main(void)
{
	test_killed();
	test_faulted();
	test_moved();
	test_reset("engines", "the engines are reset");
	test_reset("device", "the device is reset");
	test_reset("1", "the function is reset");
	uapi_exit();
}
