// SPDX-License-Identifier: MIT
/* What administrators see of work and memory: fdinfo, debugfs, sensors, tracepoints. Run as root. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "queue_lib.h"

#define WORD	0x0
#define LIST	0x1000
#define TRACING	"/sys/kernel/tracing/"
#define DEBUGFS	"/sys/kernel/debug/accel/*/"
#define MIB	(1ull << 20)

/* Headers of older kernels do not have it. */
#ifndef DRM_IOCTL_SET_CLIENT_NAME
struct drm_set_client_name {
	__u64 name_len;
	__u64 name;
};
#define DRM_IOCTL_SET_CLIENT_NAME	DRM_IOWR(0xd1, struct drm_set_client_name)
#endif

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

/* The only card's file in debugfs. */
static bool debugfs(const char *name, char *path, size_t size)
{
	char pattern[64];
	glob_t found;
	bool good;

	snprintf(pattern, sizeof(pattern), DEBUGFS "%s", name);
	good = !glob(pattern, 0, NULL, &found);
	if (good)
		snprintf(path, size, "%s", found.gl_pathv[0]);
	globfree(&found);
	return good;
}

static bool device_reset(void)
{
	char path[128];

	return debugfs("reset", path, sizeof(path)) && write_file(path, "device");
}

/* What stands behind a key of the file's fdinfo; NULL: it is not there. */
static const char *fdinfo_text(int fd, const char *key)
{
	static char text[8192];
	char path[64], *line;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	if (!read_file(path, text, sizeof(text)))
		return NULL;
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':') {
			line += strlen(key) + 1;
			return line + strspn(line, " \t");
		}
	}
	return NULL;
}

/* A number of it, in bytes if it is memory; UINT64_MAX: it is not there. */
static uint64_t fdinfo(int fd, const char *key)
{
	const char *text = fdinfo_text(fd, key);
	uint64_t value;
	char *unit;

	if (!text)
		return UINT64_MAX;
	value = strtoull(text, &unit, 10);
	return !strcmp(unit, " KiB") ? value << 10 : !strcmp(unit, " MiB") ? value << 20 : value;
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

/* --- memory ---------------------------------------------------------------------------------- */

static void check_memory(int fd, const char *region, uint64_t total, uint64_t shared, const char *when)
{
	static const char *const kinds[] = { "total", "resident", "shared", "active" };
	const uint64_t want[] = { total, total, shared, 0 };
	char key[64];
	unsigned int i;

	for (i = 0; i < 4; i++) {
		snprintf(key, sizeof(key), "drm-%s-%s", kinds[i], region);
		CHECK(fdinfo(fd, key) == want[i], "%s: %s: %llu, not %llu", when, key,
		      (unsigned long long)fdinfo(fd, key), (unsigned long long)want[i]);
	}
}

static void test_memory(void)
{
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC };
	int fd = uapi_open(), other = uapi_open();
	uint32_t hbm, host, theirs = 0;

	check_memory(fd, "hbm", 0, 0, "at first");
	check_memory(fd, "host", 0, 0, "at first");
	hbm = uapi_bo(fd, 4 * MIB, DRM_GAON_BO_HBM, 0);
	check_memory(fd, "hbm", 4 * MIB, 0, "4 MiB of HBM");
	check_memory(fd, "host", 0, 0, "4 MiB of HBM");
	host = uapi_bo(fd, 3 * MIB + 4096, DRM_GAON_BO_HOST, 0);
	check_memory(fd, "hbm", 4 * MIB, 0, "and of the host");
	check_memory(fd, "host", 3 * MIB + 4096, 0, "and of the host");
	check_memory(other, "hbm", 0, 0, "another file");
	CHECK(fdinfo(fd, "drm-total-memory") == UINT64_MAX, "no region but these");
	prime.handle = hbm;
	REQUIRE(!uapi_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), "export");
	CHECK_ERRNO(uapi_to_handle(other, prime.fd, &theirs), 0, "another file opens it");
	check_memory(fd, "hbm", 4 * MIB, 4 * MIB, "shared");
	check_memory(other, "hbm", 4 * MIB, 4 * MIB, "shared, the other");
	close(prime.fd);
	uapi_bo_close(other, theirs);
	uapi_bo_close(fd, hbm);
	check_memory(fd, "hbm", 0, 0, "closed");
	check_memory(fd, "host", 3 * MIB + 4096, 0, "closed");
	uapi_bo_close(fd, host);
	check_memory(fd, "host", 0, 0, "closed, too");
	close(other);
	close(fd);
}

/* The line of debugfs that ends in that name, without it; empty: there is none. */
static const char *object_line(const char *name)
{
	static char text[65536];
	char path[128], *line, *space;

	REQUIRE(debugfs("objects", path, sizeof(path)) && read_file(path, text, sizeof(text)),
		"debugfs lists objects");
	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		space = strrchr(line, ' ');
		if (space && !strcmp(space + 1, name)) {
			*space = '\0';
			return line;
		}
	}
	return "";
}

static void check_object(int fd, uint32_t handle, uint32_t flags, const char *place)
{
	struct drm_gaon_bo_set_name name = { .handle = handle };
	unsigned int got_handle = 0, got_flags = 0;
	unsigned long long client = 0, kib = 0;
	char got_place[8] = "";

	snprintf((char *)name.name, sizeof(name.name), "weights-%u", handle);
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_SET_NAME, &name), 0, "a name");
	CHECK(sscanf(object_line((const char *)name.name), "%llu %u %llu %7s %x", &client, &got_handle, &kib,
		     got_place, &got_flags) == 5 && client == fdinfo(fd, "drm-client-id") &&
	      got_handle == handle && kib == 1028 && !strcmp(got_place, place) && got_flags == flags,
	      "%s: client %llu, handle %u, %llu KiB in %s, flags %#x", (const char *)name.name, client,
	      got_handle, kib, got_place, got_flags);
	CHECK_ERRNO(uapi_bo_close(fd, handle), 0, "close");
	CHECK(!*object_line((const char *)name.name), "it is gone");
}

/* Who has which objects; and a client's own name, where the kernel has such. */
static void test_names(void)
{
	static const char title[] = "trainer";
	struct drm_set_client_name name = { .name_len = sizeof(title) - 1, .name = (uintptr_t)title };
	int fd = uapi_open(), err, major = 0, minor = 0;
	const char *text;
	struct utsname kernel;

	check_object(fd, uapi_bo(fd, MIB + 4096, DRM_GAON_BO_HBM, 0), DRM_GAON_BO_HBM, "hbm");
	check_object(fd, uapi_bo(fd, MIB + 4096, DRM_GAON_BO_HOST, 0), DRM_GAON_BO_HOST, "host");
	uname(&kernel);
	REQUIRE(sscanf(kernel.release, "%d.%d", &major, &minor) == 2, "Linux %d.%d", major, minor);
	err = uapi_ioctl(fd, DRM_IOCTL_SET_CLIENT_NAME, &name);
	text = fdinfo_text(fd, "drm-client-name");
	if (major > 6 || (major == 6 && minor >= 13))
		CHECK(!err && text && !strcmp(text, title), "the client is called %s, error %d", text, err);
	else
		CHECK(err == EINVAL && !text, "clients have no names yet, error %d", err);
	close(fd);
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

/* What sensors say while others reset the card. */
struct reading {
	char path[320];
	_Atomic bool stop;
	_Atomic unsigned int values, again;
	unsigned int bad;
	int error;
};

static void *reading_run(void *arg)
{
	struct reading *reading = arg;
	char text[64];
	ssize_t n;
	int fd;

	while (!reading->stop) {
		fd = open(reading->path, O_RDONLY);
		n = read(fd, text, sizeof(text));
		if (n > 1) {
			reading->values++;
		} else if (errno == ENODATA) {
			reading->again++;
		} else {
			reading->error = errno;
			reading->bad++;
		}
		close(fd);
	}
	return NULL;
}

static void test_sensors_reset(void)
{
	struct reading reading = { 0 };
	unsigned int i, bad = 0;
	char hwmon[256];
	pthread_t thread;

	REQUIRE(find_hwmon(hwmon, sizeof(hwmon)), "a hwmon device called gaon");
	snprintf(reading.path, sizeof(reading.path), "%s/temp1_input", hwmon);
	REQUIRE(!pthread_create(&thread, NULL, reading_run, &reading), "a reader");
	for (i = 0; i < 100 && (i < 10 || !reading.again); i++)
		bad += !device_reset();
	reading.stop = true;
	pthread_join(thread, NULL);
	CHECK(!bad && reading.again && !reading.bad, "in %u resets, %u failed: %u values, %u to come again, %u errors (%s)",
	      i, bad, reading.values, reading.again, reading.bad, strerror(reading.error));
}

/* --- tracepoints ----------------------------------------------------------------------------- */

static void test_traces(void)
{
	static const char *const events[] = {
		"gaon_job_submit: ", "gaon_job_run: ", "gaon_job_end: ", "gaon_fault: ",
		"gaon_map: ", "gaon_reset: ",
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
	CHECK(device_reset(), "the card is reset");
	write_file(TRACING "events/gaon/enable", "0");
	REQUIRE(read_file(TRACING "trace", text, sizeof(text)), "the trace");
	for (i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		CHECK(strstr(text, events[i]), "has %s", events[i]);
	CHECK(strstr(text, "error=-5"), "and the error");
	CHECK(strstr(text, " type=map address=0x"), "and what was mapped");
	CHECK(strstr(text, " why=asked for in debugfs"), "and why it was reset");
}

int main(void)
{
	test_fdinfo();
	test_memory();
	test_names();
	test_sensors();
	test_sensors_reset();
	test_traces();
	uapi_exit();
}
