// SPDX-License-Identifier: MIT
/* Each file that administrators may read in debugfs, beside work whose numbers are known. Run as root. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "queue_lib.h"

#define ROOT	"/sys/kernel/debug/accel/*/"
#define LIST	0x1000
#define JOBS	3u

static char text[1 << 20];

/* The only card's file: its length, or a negative errno. */
static ssize_t file_read(const char *name)
{
	char pattern[96];
	ssize_t n = -ENOENT, got;
	glob_t found;
	int fd;

	snprintf(pattern, sizeof(pattern), ROOT "%s", name);
	if (glob(pattern, 0, NULL, &found))
		return -ENOENT;
	fd = open(found.gl_pathv[0], O_RDONLY);
	globfree(&found);
	if (fd < 0)
		return -errno;
	for (n = 0; (got = read(fd, text + n, sizeof(text) - 1 - (size_t)n)) > 0; n += got)
		;
	n = got < 0 ? -errno : n;
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return n;
}

/* The line of @text that begins with this number; NULL: there is none. */
static const char *line_of(unsigned long number)
{
	for (const char *at = text; at; at = strchr(at, '\n')) {
		char *end;

		at += *at == '\n';
		if (strtoul(at, &end, 10) == number && end != at && *end == ' ')
			return at;
	}
	return NULL;
}

static void test_queues(struct lib *lib, struct lib *lr)
{
	unsigned long long submitted = 0, completed = 0, lost = 0;
	uint32_t out = lib_syncobj(lib->fd);
	char kind[16], flags[8], phase[16];
	struct lib_queue kernel, user;
	unsigned int priority, fault;
	struct gaon_packet packet;
	const char *line;

	REQUIRE(!lib_kernel_queue(lib, &kernel, 4, DRM_GAON_PRIORITY_HIGH, 0) &&
		!lib_user_queue(lr, &user, 4, DRM_GAON_PRIORITY_LOW, 0), "two queues");
	packet = lib_nop(0, 0, 0);
	memcpy(lib->mem + LIST, &packet, sizeof(packet));
	for (unsigned int i = 0; i < JOBS; i++)
		MUST(!lib_submit(&kernel, lib_va(LIST), 1, 0, 0, out, 0) &&
		     !lib_syncobj_wait(lib->fd, out, 0, 60000), "a job");
	REQUIRE(file_read("queues") > 0, "queues");
	line = line_of(kernel.hw_id);
	CHECK(line && sscanf(line, "%*u %*u %15s %u %u %7s %llu %llu %llu %15s", kind, &priority, &fault, flags,
			     &submitted, &completed, &lost, phase) == 8 &&
	      !strcmp(kind, "kernel") && priority == DRM_GAON_PRIORITY_HIGH && !fault && !strcmp(flags, "----") &&
	      submitted == JOBS && completed == JOBS && !lost && !strcmp(phase, "running"),
	      "the kernel-owned one: %llu of %llu jobs: %.90s", completed, submitted, line ?: "no line");
	line = line_of(user.hw_id);
	CHECK(line && sscanf(line, "%*u %*u %15s %u %u %7s", kind, &priority, &fault, flags) == 4 &&
	      !strcmp(kind, "user") && priority == DRM_GAON_PRIORITY_LOW && !fault && !strcmp(flags, "----"),
	      "the user-mode one: %.60s", line ?: "no line");

	packet = lib_copy(0x7000000000, lib_va(0), 64);
	lib_push(&user, &packet);
	for (unsigned int i = 0; i < 1000; i++) {
		struct drm_gaon_queue_query query;

		if (!lib_state(&user, &query, 0) && query.state & DRM_GAON_QUEUE_FAULTED)
			break;
		usleep(10000);
	}
	REQUIRE(file_read("queues") > 0, "queues");
	line = line_of(user.hw_id);
	CHECK(line && sscanf(line, "%*u %*u %15s %u %u %7s", kind, &priority, &fault, flags) == 4 &&
	      fault == GAON_FAULT_PAGE && flags[0] == 'F' && flags[2] == 'G', "after its fault: %.60s",
	      line ?: "no line");
	CHECK_ERRNO(lib_queue_destroy(&kernel), 0, "destroy");
	CHECK_ERRNO(lib_queue_destroy(&user), 0, "destroy");
	REQUIRE(file_read("queues") > 0, "queues");
	CHECK(!line_of(kernel.hw_id) && !line_of(user.hw_id), "they are gone");
	lib_syncobj_destroy(lib->fd, out);
}

static void test_objects(struct lib *lib)
{
	uint32_t hbm = uapi_bo(lib->fd, 64 << 10, DRM_GAON_BO_HBM, 0);
	unsigned int found = 0;
	char place[8];

	REQUIRE(file_read("objects") > 0, "objects");
	for (const char *at = text; (at = strchr(at, '\n')) && *++at;) {
		unsigned long long client, kib;
		int handle;

		found += sscanf(at, "%llu %d %llu %7s", &client, &handle, &kib, place) == 4 &&
			 (uint32_t)handle == hbm && kib == 64 && !strcmp(place, "hbm");
	}
	CHECK(found == 1, "an object of 64 KiB of HBM: %u lines", found);
	uapi_bo_close(lib->fd, hbm);
}

/* Two files and their contexts: one for long work. */
static void test_vms(void)
{
	unsigned int fence = 0, lr = 0;

	REQUIRE(file_read("vms") > 0, "vms");
	for (const char *at = text; (at = strchr(at, '\n')) && *++at;) {
		char kind[8];

		if (sscanf(at, "%*u %*u %7s", kind) != 1)
			continue;
		fence += !strcmp(kind, "FENCE");
		lr += !strcmp(kind, "LR");
	}
	CHECK(fence >= 1 && lr >= 1, "address spaces: %u for jobs, %u for long work", fence, lr);
}

/* HBM: that of an object is not free. */
static unsigned long long hbm_free_kib(void)
{
	unsigned long long all = 0, left = 0;

	if (file_read("hbm") > 0) {
		const char *line = strstr(text, "hbm: ");

		if (!line || sscanf(line, "hbm: %llu KiB, free %llu KiB", &all, &left) != 2 || left > all)
			return 0;
	}
	return left;
}

static void test_hbm(struct lib *lib)
{
	unsigned long long before = hbm_free_kib(), with;
	uint32_t bo = uapi_bo(lib->fd, 4 << 20, DRM_GAON_BO_HBM, 0);

	with = hbm_free_kib();
	CHECK(before && with + 4096 == before, "4 MiB of HBM: %llu KiB were free, now %llu", before, with);
	CHECK(strstr(text, "visible: ") && strstr(text, "bad pages: "), "the aperture and bad pages, too");
	uapi_bo_close(lib->fd, bo);
}

/* All others: a heading and a line at least, or one of the two. */
static void test_others(void)
{
	static const struct {
		const char *name, *has;
	} files[] = {
		{ "resets", "queues engines device copies" }, { "room", "waiting suspended" },
		{ "shrink", "" }, { "errors", "" }, { "retired", "" }, { "recovery", "innocent_lost" },
		{ "firmware_log", "" },
	};

	for (unsigned int i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		ssize_t n = file_read(files[i].name);

		CHECK(n >= 0 && strstr(text, files[i].has), "%s: %zd bytes", files[i].name, n);
	}
}

int main(void)
{
	struct lib lib, lr;

	lib_open(&lib, 0);
	lib_open(&lr, DRM_GAON_VM_LR);
	test_queues(&lib, &lr);
	test_objects(&lib);
	test_vms();
	test_hbm(&lib);
	test_others();
	lib_close(&lr);
	lib_close(&lib);
	uapi_exit();
}
