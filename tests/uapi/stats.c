// SPDX-License-Identifier: MIT
/* What administrators see of work: fdinfo, sensors, tracepoints. Run as root. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue_lib.h"

#define WORD	0x0
#define LIST	0x1000
#define TRACING	"/sys/kernel/tracing/"

static bool read_file(const char *path, char *text, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t n = 0;

	if (file) {
		n = fread(text, 1, size - 1, file);
		fclose(file);
	}
	text[n] = '\0';
	return file;
}

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* A number of the file's fdinfo; UINT64_MAX: it is not there. */
static uint64_t fdinfo(int fd, const char *key)
{
	char path[64], text[8192], *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (!read_file(path, text, sizeof(text)))
		return UINT64_MAX;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			return strtoull(line + strlen(key) + 1, NULL, 10);
	}
	return UINT64_MAX;
}

/* What a copy keeps a copy engine busy: at least what its bytes take at the fastest, and no core. */
static void test_copy_engines(struct lib *lib, struct lib_queue *queue, struct lib *idle)
{
	struct drm_gaon_query_topology topology = { 0 };
	uint32_t out = lib_syncobj(lib->fd);
	uint64_t cores = fdinfo(lib->fd, "drm-cycles-core"), cycles;

	uapi_query(lib->fd, DRM_GAON_QUERY_TOPOLOGY, &topology, sizeof(topology));
	CHECK(fdinfo(lib->fd, "drm-engine-capacity-copy") == topology.copy_engines,
	      "as many copy engines as there are");
	CHECK(fdinfo(lib->fd, "drm-cycles-copy") == 0, "nothing was copied at first");
	memcpy(lib->mem + LIST, &(struct gaon_packet){
		.type = GAON_PKT_COPY, .flags = GAON_PKT_F_BARRIER,
		.scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4,
		.copy = { .dst_va = lib_va(0x40000), .src_va = lib_va(0x10000), .bytes = 0x30000 },
	}, sizeof(struct gaon_packet));
	CHECK_ERRNO(lib_submit(queue, lib_va(LIST), 1, 0, 0, out, 0), 0, "a copy");
	CHECK_ERRNO(lib_syncobj_wait(lib->fd, out, 0, 20000), 0, "ends");
	cycles = fdinfo(lib->fd, "drm-cycles-copy");
	/* The link is not faster than 1024 bytes a cycle. */
	CHECK(cycles != UINT64_MAX && cycles >= 0x30000 / 1024, "cycles of copy engines: %llu",
	      (unsigned long long)cycles);
	CHECK(fdinfo(lib->fd, "drm-engine-copy") > 0, "and time");
	CHECK(fdinfo(lib->fd, "drm-cycles-core") == cores, "cores had nothing to do with it");
	CHECK(fdinfo(idle->fd, "drm-cycles-copy") == 0, "another file copied nothing");
	CHECK_ERRNO(lib_queue_destroy(queue), 0, "destroy");
	CHECK(fdinfo(lib->fd, "drm-cycles-copy") == cycles, "they stay when the queue is gone");
	lib_syncobj_destroy(lib->fd, out);
}

static void test_fdinfo(void)
{
	struct drm_gaon_query_topology topology = { 0 };
	struct gaon_packet packet;
	struct lib_queue user, kernel;
	struct lib lr, fence, idle;
	uint64_t before, after, cycles;
	uint32_t out, i;

	lib_open(&lr, DRM_GAON_VM_LR);
	lib_open(&fence, 0);
	lib_open(&idle, DRM_GAON_VM_LR);
	lib_code(&lr);
	lib_code(&fence);
	uapi_query(lr.fd, DRM_GAON_QUERY_TOPOLOGY, &topology, sizeof(topology));
	CHECK(fdinfo(lr.fd, "drm-engine-capacity-core") == topology.cores, "as many engines as cores");
	CHECK(fdinfo(lr.fd, "drm-engine-core") == 0 && fdinfo(lr.fd, "drm-cycles-core") == 0,
	      "no time at first");
	REQUIRE(!lib_user_queue(&lr, &user, 4, DRM_GAON_PRIORITY_NORMAL, 0) &&
		!lib_kernel_queue(&fence, &kernel, 4, DRM_GAON_PRIORITY_NORMAL, 0), "two queues");
	for (i = 1; i <= 20; i++) {
		packet = lib_launch(LIB_CODE_VA + LIB_CODE_RET, 0, 64);
		lib_push(&user, &packet);
		packet = lib_nop(lib_va(WORD), i, GAON_PKT_F_EVENT);
		lib_push(&user, &packet);
		lib_wait(&lr, lib_word(&lr, WORD), i, 20000);
	}
	/* 20 launches of 64 workgroups of 32 cycles and a ret each, at least. */
	cycles = fdinfo(lr.fd, "drm-cycles-core");
	CHECK(cycles != UINT64_MAX && cycles >= 20 * 64, "cycles of a user-mode queue: %llu",
	      (unsigned long long)cycles);
	CHECK(fdinfo(lr.fd, "drm-engine-core") > 0, "and time");
	CHECK(fdinfo(lr.fd, "drm-total-cycles-core") >= cycles / topology.cores, "the device had more");
	CHECK(fdinfo(idle.fd, "drm-cycles-core") == 0, "another file had none");
	CHECK_ERRNO(lib_queue_destroy(&user), 0, "destroy");
	CHECK(fdinfo(lr.fd, "drm-cycles-core") == cycles, "stay when the queue is gone");

	memcpy(fence.mem + LIST, &(struct gaon_packet[]){ lib_launch(LIB_CODE_VA + LIB_CODE_RET, 0, 64) },
	       sizeof(struct gaon_packet));
	out = lib_syncobj(fence.fd);
	before = fdinfo(fence.fd, "drm-cycles-core");
	CHECK_ERRNO(lib_submit(&kernel, lib_va(LIST), 1, 0, 0, out, 0), 0, "a job");
	CHECK_ERRNO(lib_syncobj_wait(fence.fd, out, 0, 20000), 0, "ends");
	after = fdinfo(fence.fd, "drm-cycles-core");
	CHECK(!before && after >= 64, "cycles of a kernel-owned queue: %llu", (unsigned long long)after);
	test_copy_engines(&fence, &kernel, &idle);
	lib_close(&lr);
	lib_close(&fence);
	lib_close(&idle);
}

/* --- sensors --------------------------------------------------------------------------------- */

static bool find_hwmon(char *path, size_t size)
{
	char text[64], name[256];
	glob_t found;
	bool good = false;
	size_t i;

	if (glob("/sys/class/hwmon/hwmon*", 0, NULL, &found))
		return false;
	for (i = 0; i < found.gl_pathc && !good; i++) {
		snprintf(name, sizeof(name), "%s/name", found.gl_pathv[i]);
		good = read_file(name, text, sizeof(text)) && !strcmp(text, "gaon\n");
		if (good)
			snprintf(path, size, "%s", found.gl_pathv[i]);
	}
	globfree(&found);
	return good;
}

static long sensor(const char *hwmon, const char *name)
{
	char path[320], text[64];

	snprintf(path, sizeof(path), "%s/%s", hwmon, name);
	return read_file(path, text, sizeof(text)) && *text ? strtol(text, NULL, 10) : -1;
}

static void test_sensors(void)
{
	struct drm_gaon_query_device device = { 0 };
	char path[256];
	int fd = uapi_open();

	uapi_query(fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device));
	REQUIRE(find_hwmon(path, sizeof(path)), "a hwmon device called gaon");
	CHECK(sensor(path, "temp1_input") > 20000 && sensor(path, "temp1_input") < 120000,
	      "temperature: %ld m°C", sensor(path, "temp1_input"));
	CHECK(sensor(path, "power1_average") >= 1000000, "power: %ld uW", sensor(path, "power1_average"));
	CHECK(sensor(path, "energy1_input") >= 0, "energy: %ld uJ", sensor(path, "energy1_input"));
	CHECK(sensor(path, "freq1_input") == 1000l * device.clock_khz, "clock: %ld Hz",
	      sensor(path, "freq1_input"));
	close(fd);
}

/* --- tracepoints ----------------------------------------------------------------------------- */

static void test_traces(void)
{
	static const char *const events[] = {
		"gaon_job_submit: ", "gaon_job_run: ", "gaon_job_end: ", "gaon_fault: ",
		"gaon_map: ",
	};
	static char text[65536];
	struct lib_queue queue;
	uint32_t out, i;
	struct lib lib;

	REQUIRE(write_file(TRACING "trace", "\n") && write_file(TRACING "events/gaon/enable", "1"),
		"tracepoints are enabled");
	lib_open(&lib, 0);
	out = lib_syncobj(lib.fd);
	REQUIRE(!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	memcpy(lib.mem + LIST, &(struct gaon_packet){ .type = 0x77 }, sizeof(struct gaon_packet));
	CHECK_ERRNO(lib_submit(&queue, lib_va(LIST), 1, 0, 0, out, 0), 0, "a job that faults");
	CHECK_ERRNO(lib_syncobj_wait(lib.fd, out, 0, 20000), 0, "ends");
	lib_close(&lib);
	write_file(TRACING "events/gaon/enable", "0");
	REQUIRE(read_file(TRACING "trace", text, sizeof(text)), "the trace");
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		CHECK(strstr(text, events[i]), "has %s", events[i]);
	CHECK(strstr(text, "error=-5"), "and the error");
	CHECK(strstr(text, " type=map address=0x"), "and what was mapped");
}

int main(void)
{
	test_fdinfo();
	test_sensors();
	test_traces();
	uapi_exit();
}
