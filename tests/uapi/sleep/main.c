// SPDX-License-Identifier: MIT
/*
 * The machine sleeps and processes notice nothing but time: `sleep WAY...`, as root.
 *
 *   core, devices	how far the kernel goes (/sys/power/pm_test) before it wakes again
 *   mem		to memory (S3), until the clock of the board wakes it
 *   freeze		the kernel only idles (s2idle), but for that (pm_test devices)
 *   image		the image of the machine is made, but not written (pm_test core)
 *   off		it is written, the machine switched off, and on again by the host, which is asked to
 *   full		with more in HBM than memory has room for: the machine stays awake
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "../queue_lib.h"

#define MIB		(1ull << 20)
#define WORD		0x0	/* of lib_run() */
#define COUNT		0x1000
#define GO		0x1040
#define DONE		0x1080
#define GONE_ON		0x10c0
#define LIST		0x2000
#define DATA_VA		0x300000000ull
#define DATA_BYTES	(24 * MIB)
#define JOB_CYCLES	10000000000ull	/* it waits for the test */
#define PATIENCE_MS	120000

/* What is on the card while the machine sleeps. */
struct scene {
	struct lib lr;
	struct lib_queue idle;		/* for lib_run() */
	struct lib_queue counts;	/* a launch without end, that is preempted inside a workgroup */
	struct lib_queue waits;		/* for a word */
	struct lib_queue broken;	/* it faulted */
	struct lib_queue stands;	/* it has stopped for its debugger */
	struct lib fence;
	struct lib_queue jobs;
	uint32_t job;			/* a syncobj */
	uint32_t data;
	uint64_t *seen;			/* the data, as the processor sees it */
	uint64_t seed;
};

/* A client that works all the time. */
struct busy {
	pthread_t thread;
	atomic_bool stop;
	atomic_ulong done;
	int err;
};

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	int err = errno;

	if (fd >= 0)
		close(fd);
	errno = err;
	return good;
}

/* Whether the card answers as its driver says, and how often it was reset. */
static int card_resets(void)
{
	char text[32] = "";
	glob_t found;
	int fd;

	REQUIRE(!glob("/sys/bus/pci/drivers/gaon/0*/resets", 0, NULL, &found), "the card's directory");
	fd = open(found.gl_pathv[0], O_RDONLY);
	REQUIRE(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0, "its resets");
	close(fd);
	globfree(&found);
	return atoi(text);
}

/* --- sleeping -------------------------------------------------------------------------------- */

static int machine_sleep(const char *test, const char *how, unsigned int seconds)
{
	char text[16];
	int err = 0;

	REQUIRE(write_file("/sys/power/pm_test", test) || !strcmp(test, "none"),
		"a kernel that tests its sleep");
	if (seconds) {
		snprintf(text, sizeof(text), "+%u", seconds);
		write_file("/sys/class/rtc/rtc0/wakealarm", "0");
		REQUIRE(write_file("/sys/class/rtc/rtc0/wakealarm", text), "a clock that wakes: %s",
			strerror(errno));
	}
	if (!strcmp(how, "disk"))
		write_file("/sys/power/disk", "shutdown");
	if (!strcmp(how, "deep")) {
		REQUIRE(write_file("/sys/power/mem_sleep", "deep"), "a machine that sleeps: %s",
			strerror(errno));
		how = "mem";
	}
	if (!write_file("/sys/power/state", how))
		err = errno;
	write_file("/sys/power/pm_test", "none");
	return err;
}

/*
 * Without the kernel's own five seconds of a tested sleep: a clock that rings before the machine is
 * asleep does not wake it, and a debugging kernel takes its time.
 */
static unsigned int tested_seconds;

static int machine_sleep_tested(const char *test)
{
	int64_t begin = lib_now();
	int err = machine_sleep(test, "mem", 0);
	int64_t seconds = (lib_now() - begin) / 1000000000 - 5;

	if (seconds > (int64_t)tested_seconds)
		tested_seconds = (unsigned int)seconds;
	return err;
}

static int sleep_by(const char *way)
{
	if (!strcmp(way, "core") || !strcmp(way, "devices"))
		return machine_sleep_tested(way);
	if (!strcmp(way, "mem"))
		return machine_sleep("none", "deep", 4 + 2 * tested_seconds);
	if (!strcmp(way, "freeze"))
		return machine_sleep("devices", "freeze", 0);
	if (!strcmp(way, "image"))
		return machine_sleep("core", "disk", 0);
	if (!strcmp(way, "off")) {
		printf("host: hibernate\n");
		fflush(stdout);
		return machine_sleep("none", "disk", 0);
	}
	return -1;
}

/* --- what is on the card --------------------------------------------------------------------- */

static uint64_t data_word(const struct scene *scene, uint64_t i)
{
	uint64_t x = scene->seed + i * 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	/* Pages that are zero are a case of their own. */
	return i / 512 % 5 == 3 ? 0 : x ^ x >> 27;
}

static void scene_add_data(struct scene *scene)
{
	uint64_t i;

	scene->seed = uapi_random();
	scene->data = uapi_bo(scene->lr.fd, DATA_BYTES, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, 0);
	scene->seen = uapi_mmap(scene->lr.fd, scene->data, DATA_BYTES);
	REQUIRE(scene->seen, "memory on the card");
	REQUIRE(!uapi_map(scene->lr.fd, scene->lr.vm, scene->data, 0, DATA_VA, DATA_BYTES, 0),
		"that the device sees");
	for (i = 0; i < DATA_BYTES / 8; i++)
		scene->seen[i] = data_word(scene, i);
}

static void scene_check_data(struct scene *scene, const char *way)
{
	uint64_t i, bad = 0;

	for (i = 0; i < DATA_BYTES / 8; i++)
		bad += scene->seen[i] != data_word(scene, i);
	CHECK(!bad, "%s: %llu of %llu words on the card are others", way, (unsigned long long)bad,
	      (unsigned long long)DATA_BYTES / 8);
	/* As the device sees it. */
	CHECK_ERRNO(lib_run(&scene->idle, lib_copy(lib_va(LIST), DATA_VA + DATA_BYTES / 2, 4096)), 0,
		    "%s: a copy", way);
	for (i = 0, bad = 0; i < 512; i++)
		bad += lib_word(&scene->lr, LIST)[i] != data_word(scene, DATA_BYTES / 16 + i);
	CHECK(!bad, "%s: the device reads %llu words that are others", way, (unsigned long long)bad);
}

static void scene_add_queues(struct scene *scene)
{
	struct lib *lr = &scene->lr;
	struct gaon_packet packet;

	REQUIRE(!lib_user_queue(lr, &scene->idle, 4, DRM_GAON_PRIORITY_NORMAL, 0) &&
		!lib_user_queue(lr, &scene->counts, 4, DRM_GAON_PRIORITY_NORMAL, UINT64_MAX) &&
		!lib_user_queue(lr, &scene->waits, 4, DRM_GAON_PRIORITY_NORMAL, 0) &&
		!lib_user_queue(lr, &scene->broken, 4, DRM_GAON_PRIORITY_NORMAL, 0) &&
		!lib_debug_queue(lr, &scene->stands), "queues");
	packet = lib_launch(LIB_CODE_VA + LIB_CODE_COUNT, lib_va(COUNT), 1);
	lib_push(&scene->counts, &packet);
	packet = lib_wait_packet(lib_va(GO), 1);
	lib_push(&scene->waits, &packet);
	packet = lib_nop(lib_va(DONE), 1, GAON_PKT_F_EVENT);
	lib_push(&scene->waits, &packet);
	packet = lib_launch(LIB_CODE_VA + LIB_CODE_BREAK, 0, 1);
	lib_push(&scene->broken, &packet);
	packet = lib_launch(LIB_CODE_VA + LIB_CODE_BREAK, 0, 1);
	packet.flags |= GAON_PKT_F_SIGNAL | GAON_PKT_F_EVENT;
	packet.signal_va = lib_va(GONE_ON);
	packet.signal_value = 1;
	lib_push(&scene->stands, &packet);
}

static void scene_add_job(struct scene *scene)
{
	struct lib *fence = &scene->fence;
	struct gaon_packet packet = lib_launch(LIB_CODE_VA + LIB_CODE_UNTIL, lib_va(GO), 1);

	lib_open(fence, 0);
	lib_code(fence);
	REQUIRE(!lib_kernel_queue(fence, &scene->jobs, 4, DRM_GAON_PRIORITY_NORMAL, JOB_CYCLES), "a queue");
	memcpy(fence->mem + LIST, &packet, sizeof(packet));
	scene->job = lib_syncobj(fence->fd);
}

/* A job that is at work when the machine goes to sleep, and ends well when it is awake again. */
static void job_begin(struct scene *scene)
{
	*lib_word(&scene->fence, GO) = 0;
	REQUIRE(!lib_submit(&scene->jobs, lib_va(LIST), 1, 0, 0, scene->job, 0), "a job");
}

static void job_end(struct scene *scene, const char *way)
{
	CHECK_ERRNO(lib_syncobj_wait(scene->fence.fd, scene->job, 0, 100), ETIME, "%s: the job runs", way);
	*lib_word(&scene->fence, GO) = 1;
	CHECK_ERRNO(lib_syncobj_wait(scene->fence.fd, scene->job, 0, PATIENCE_MS), 0, "%s: it ends", way);
	CHECK(!lib_syncobj_status(scene->fence.fd, scene->job), "%s: well: %d", way,
	      lib_syncobj_status(scene->fence.fd, scene->job));
}

/* No event tells of it. */
static bool counts_on(struct scene *scene)
{
	volatile uint64_t *count = lib_word(&scene->lr, COUNT);
	uint64_t end = *count + 1000;
	unsigned int ms;

	for (ms = 0; ms < PATIENCE_MS && *count < end; ms++)
		usleep(1000);
	return *count >= end;
}

static void scene_open(struct scene *scene)
{
	struct drm_gaon_queue_query query = { 0 };
	unsigned int tries;

	memset(scene, 0, sizeof(*scene));
	lib_open(&scene->lr, DRM_GAON_VM_LR);
	lib_code(&scene->lr);
	scene_add_queues(scene);
	scene_add_data(scene);
	scene_add_job(scene);
	REQUIRE(counts_on(scene), "it counts");
	for (tries = 0; tries < 2000 && !(query.state & DRM_GAON_QUEUE_FAULTED); tries++) {
		lib_state(&scene->broken, &query, 0);
		usleep(10000);
	}
	REQUIRE(query.state & DRM_GAON_QUEUE_FAULTED, "a queue that faulted");
	lib_state(&scene->broken, &query, DRM_GAON_QUEUE_ACK);
	for (tries = 0; tries < 2000 && !(query.state & DRM_GAON_QUEUE_STOPPED); tries++) {
		lib_state(&scene->stands, &query, 0);
		usleep(10000);
	}
	REQUIRE(query.state & DRM_GAON_QUEUE_STOPPED, "a queue that stopped");
}

static void scene_check_stopped(struct scene *scene, const char *way)
{
	struct drm_gaon_queue_query query;
	struct lib_stopped stopped;

	CHECK(!lib_state(&scene->stands, &query, 0) && query.state & DRM_GAON_QUEUE_STOPPED &&
	      query.state & DRM_GAON_QUEUE_SUSPENDED, "%s: what stood for its debugger does: state %#x", way,
	      query.state);
	CHECK(lib_debug_look(&scene->stands, &stopped) && stopped.regs.pc == LIB_CODE_VA + LIB_CODE_BREAK &&
	      stopped.regs.stop == GAON_STOP_FAULT, "%s: where it stood: pc %#llx", way,
	      (unsigned long long)stopped.regs.pc);
}

static void scene_end_stopped(struct scene *scene)
{
	CHECK_ERRNO(lib_debug_leave(&scene->stands), 0, "what stands for its debugger goes on");
	CHECK_ERRNO(lib_wait(&scene->lr, lib_word(&scene->lr, GONE_ON), 1, PATIENCE_MS), 0, "and ends");
}

static void scene_check(struct scene *scene, const char *way, uint64_t before)
{
	volatile uint64_t *count = lib_word(&scene->lr, COUNT);
	struct drm_gaon_queue_query query;
	uint64_t now = *count;

	CHECK(now >= before, "%s: the count was %llu and is %llu", way, (unsigned long long)before,
	      (unsigned long long)now);
	CHECK(counts_on(scene), "%s: it counts on", way);
	CHECK_ERRNO(lib_run(&scene->idle, lib_nop(0, 0, 0)), 0, "%s: a queue that slept", way);
	scene_check_data(scene, way);
	CHECK(!lib_state(&scene->broken, &query, 0) && query.state & DRM_GAON_QUEUE_FAULTED,
	      "%s: the fault is still there: state %#x", way, query.state);
	scene_check_stopped(scene, way);
}

/* What goes on only now: each for itself, after any number of sleeps. */
static void scene_end(struct scene *scene)
{
	scene_end_stopped(scene);
	CHECK_ERRNO(lib_clear(&scene->broken), 0, "the queue that faulted is cleared");
	*lib_word(&scene->lr, DONE + 8) = 0;
	CHECK(*lib_word(&scene->lr, DONE) == 0, "the queue that waits still does");
	*lib_word(&scene->lr, GO) = 1;
	lib_ring(&scene->waits);
	CHECK_ERRNO(lib_wait(&scene->lr, lib_word(&scene->lr, DONE), 1, PATIENCE_MS), 0,
		    "and goes on when its word has come");
	lib_close(&scene->fence);
	munmap(scene->seen, DATA_BYTES);
	lib_close(&scene->lr);
}

/* --- beside it ------------------------------------------------------------------------------- */

static void *busy_run(void *arg)
{
	struct busy *busy = arg;
	struct lib_queue queue;
	struct lib lib;

	lib_open_user(&lib, &queue);
	while (!busy->stop && !busy->err) {
		busy->err = lib_run(&queue, lib_nop(0, 0, 0));
		busy->done++;
	}
	lib_close(&lib);
	return NULL;
}

static void busy_start(struct busy *busy)
{
	memset(busy, 0, sizeof(*busy));
	REQUIRE(!pthread_create(&busy->thread, NULL, busy_run, busy), "a thread");
	while (!busy->done)
		usleep(1000);
}

static void busy_end(struct busy *busy)
{
	busy->stop = true;
	pthread_join(busy->thread, NULL);
	CHECK(!busy->err, "a client that worked all the time: %lu packets, error %d",
	      (unsigned long)busy->done, busy->err);
}

/* --- more than there is room for -------------------------------------------------------------- */

/** struct filling - memory of the card, more than the machine has */
struct filling {
	uint64_t bytes, *seen;
	uint32_t bo;
};

static void filling_make(struct filling *filling, struct scene *scene)
{
	struct sysinfo info;

	sysinfo(&info);
	filling->bytes = ((uint64_t)info.totalram * info.mem_unit + 16 * MIB) & ~(MIB - 1);
	filling->bo = uapi_bo(scene->lr.fd, filling->bytes, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU, 0);
	filling->seen = uapi_mmap(scene->lr.fd, filling->bo, filling->bytes);
	REQUIRE(filling->seen, "%llu MiB on the card", (unsigned long long)(filling->bytes / MIB));
	for (uint64_t i = 0; i < filling->bytes / 8; i += 512)
		filling->seen[i] = i + 1;
}

static void filling_check(struct filling *filling, struct scene *scene)
{
	uint64_t i;

	for (i = 0; i < filling->bytes / 8 && filling->seen[i] == i + 1; i += 512)
		;
	CHECK(i >= filling->bytes / 8, "full: nothing is lost: word %llu", (unsigned long long)i);
	munmap(filling->seen, filling->bytes);
	uapi_bo_close(scene->lr.fd, filling->bo);
}

/* A job may take ten seconds of the card's time: what takes minutes on a slow machine is done before. */
static void test_way(struct scene *scene, const char *way)
{
	uint64_t before = *lib_word(&scene->lr, COUNT);
	bool full = !strcmp(way, "full");
	struct filling filling;

	if (full)
		filling_make(&filling, scene);
	job_begin(scene);
	if (full)
		CHECK_ERRNO(machine_sleep("none", "mem", 0), ENOMEM, "full: the machine stays awake");
	else
		CHECK_ERRNO(sleep_by(way), 0, "%s: the machine slept", way);
	job_end(scene, way);
	if (full)
		filling_check(&filling, scene);
	scene_check(scene, way, before);
	uapi_figure("sleep of the machine, with work on the card", way, 1);
}

int main(int argc, char **argv)
{
	int resets = card_resets(), i;
	struct scene scene;
	struct busy busy;

	scene_open(&scene);
	busy_start(&busy);
	for (i = 1; i < argc; i++)
		test_way(&scene, argv[i]);
	busy_end(&busy);
	scene_end(&scene);
	CHECK(card_resets() == resets, "the device was reset %d times", card_resets() - resets);
	uapi_exit();
}
