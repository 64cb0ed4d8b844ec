// SPDX-License-Identifier: MIT
/*
 * cgroup [dmem]: host memory of objects counts in the memory cgroup of who asks for it, also when it
 * comes from moving an object out of HBM; a cgroup that is full gets ENOMEM and nobody is killed. With
 * `dmem`: HBM counts in the dmem controller, and what is over its limit moves to host memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "uapi.h"

#define MIB	(1024 * 1024ull)
#define PIECE	(2 * MIB)
#define LIMIT	(48 * MIB)
#define GROUP	"/sys/fs/cgroup/gaon-test"

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return good;
}

static void get(const char *path, char *text, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, text, size - 1) : 0;

	text[got > 0 ? got : 0] = 0;
	close(fd);
}

static uint64_t number(const char *path)
{
	char text[64];

	get(path, text, sizeof(text));
	return strtoull(text, NULL, 10);
}

static int create(int fd, uint64_t size, uint32_t flags, uint32_t *handle)
{
	struct drm_gaon_bo_create args = { .size = size, .flags = flags };
	int err = uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &args);

	*handle = args.handle;
	return err;
}

/* Runs in a process of its own, in the group. */
static void in_group(void (*run)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		REQUIRE(put(GROUP "/cgroup.procs", "0"), "into the group");
		run();
		fflush(stdout);
		uapi_quiet = true;
		uapi_exit();
	}
	waitpid(pid, &status, 0);
	CHECK(!status, "the process in the group ended well: %#x", status);
}

/* --- host memory ----------------------------------------------------------------------------------- */

static void fill(int fd, uint32_t flags)
{
	uint32_t handles[256], count = 0;
	int err = 0;

	while (count < 256 && !err) {
		err = create(fd, PIECE, flags, &handles[count]);
		count += !err;
	}
	CHECK(err == ENOMEM && count * PIECE <= LIMIT && count * PIECE >= LIMIT / 2,
	      "flags %#x: %u objects of 2 MiB of at most %llu MiB, then: %s", flags, count, LIMIT / MIB,
	      strerror(err));
	CHECK(number(GROUP "/memory.current") >= count * PIECE, "the group has %llu bytes",
	      (unsigned long long)number(GROUP "/memory.current"));
	while (count)
		uapi_bo_close(fd, handles[--count]);
	CHECK(number(GROUP "/memory.current") <= LIMIT / 2, "they are given back: %llu bytes",
	      (unsigned long long)number(GROUP "/memory.current"));
}

static void run_host(void)
{
	int fd = uapi_open();

	fill(fd, DRM_GAON_BO_HOST);
	fill(fd, DRM_GAON_BO_HOST | DRM_GAON_BO_WC);
	fill(fd, DRM_GAON_BO_HOST);
	close(fd);
}

/* Who makes an object move to host memory, for another driver, pays for it. */
static void run_moved(void)
{
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	struct drm_gaon_bo_info info = { 0 };
	int fd = uapi_open(), peer = uapi_vgem_open(), err;

	REQUIRE(peer >= 0, "a node of vgem (modprobe vgem)");
	REQUIRE(!create(fd, LIMIT + 16 * MIB, DRM_GAON_BO_HBM, &prime.handle), "an object larger than the group's limit");
	info.handle = prime.handle;
	REQUIRE(!uapi_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), "export");
	err = uapi_ioctl(peer, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime);
	CHECK_ERRNO(err, ENOMEM, "another driver has it in host memory: not if that is too much");
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_BO_INFO, &info), 0, "info");
	CHECK(info.placement == DRM_GAON_MEMORY_HBM, "it is where it was");
	close(prime.fd);
	close(peer);
	close(fd);
}

static void test_memory(void)
{
	char events[512];

	REQUIRE(put("/sys/fs/cgroup/cgroup.subtree_control", "+memory"), "the memory controller");
	REQUIRE(!mkdir(GROUP, 0755), "a group");
	REQUIRE(put(GROUP "/memory.max", "50331648"), "its limit");
	in_group(run_host);
	in_group(run_moved);
	get(GROUP "/memory.events", events, sizeof(events));
	CHECK(strstr(events, "oom_kill 0"), "nobody was killed");
	rmdir(GROUP);
}

/* --- HBM ------------------------------------------------------------------------------------------- */

static char region[128];

/* "REGION NUMBER" of a file of the dmem controller. */
static uint64_t dmem(const char *path)
{
	char text[512], *at;

	get(path, text, sizeof(text));
	at = strstr(text, region);
	return at ? strtoull(at + strlen(region), NULL, 10) : 0;
}

static void run_hbm(void)
{
	uint32_t handles[2 * LIMIT / PIECE], count = sizeof(handles) / sizeof(handles[0]), i;
	int fd = uapi_open(), err = 0;
	uint64_t most = 0, now;

	for (i = 0; i < count && !err; i++) {
		err = create(fd, PIECE, DRM_GAON_BO_HBM, &handles[i]);
		now = dmem(GROUP "/dmem.current");
		most = now > most ? now : most;
	}
	CHECK(!err && i == count, "%u objects of 2 MiB: %s", i, strerror(err));
	CHECK(most <= LIMIT && most >= LIMIT - 2 * PIECE, "at most %llu MiB of them are in HBM",
	      (unsigned long long)most / MIB);
	CHECK_ERRNO(create(fd, LIMIT + PIECE, DRM_GAON_BO_HBM, &handles[0]), ENOMEM, "one that is over the limit");
	close(fd);
}

static void test_dmem(void)
{
	char text[512], limit[192];

	REQUIRE(put("/sys/fs/cgroup/cgroup.subtree_control", "+dmem"), "the dmem controller");
	get("/sys/fs/cgroup/dmem.capacity", text, sizeof(text));
	REQUIRE(sscanf(text, "%126s", region) == 1 && strstr(region, "hbm"), "the card's region: %s", text);
	strcat(region, " ");
	REQUIRE(!mkdir(GROUP, 0755), "a group");
	snprintf(limit, sizeof(limit), "%s%llu", region, LIMIT);
	REQUIRE(put(GROUP "/dmem.max", limit), "its limit: %s", limit);
	in_group(run_hbm);
	rmdir(GROUP);
}

int main(int argc, char **argv)
{
	if (access("/sys/fs/cgroup/cgroup.procs", F_OK))
		mount("none", "/sys/fs/cgroup", "cgroup2", 0, NULL);
	if (argc > 1 && !strcmp(argv[1], "dmem"))
		test_dmem();
	else
		test_memory();
	uapi_exit();
}
