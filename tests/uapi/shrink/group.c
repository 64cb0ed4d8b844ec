// SPDX-License-Identifier: MIT
/*
 * Whose memory it is, whoever takes it away or brings it back: that of the memory cgroup of the process
 * that created the object.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../edges/counters.h"
#include "group.h"
#include "object.h"

#define ROOT		"/sys/fs/cgroup/"
#define GROUP		ROOT "gaon-shrink/"
#define BYTES		(24 * MIB)
#define SLACK		(3 * MIB)	/* what the kernel charges ahead, and what else the process has */
#define STORED		(BYTES / 7 * 6)	/* a page in seven is zero */

static uint64_t group_number(const char *name)
{
	char path[128], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), GROUP "%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0, "%s: %s", path, strerror(errno));
	close(fd);
	return strtoull(text, NULL, 10);
}

/* In memory or in swap. */
static uint64_t group_charged(void)
{
	return group_number("memory.current") + group_number("memory.swap.current");
}

/* A process in the group creates the object with the file that its parent has, too, and waits. */
static pid_t group_create(struct object *object, int fd, int go, int done)
{
	pid_t pid = fork();
	char byte;

	REQUIRE(pid >= 0, "fork");
	if (pid)
		return pid;
	uapi_quiet = true;
	if (counters_write(GROUP "cgroup.procs", "0"))
		_exit(1);
	object_create(object, fd, BYTES, DRM_GAON_BO_HOST, 0);
	if (write(done, object, sizeof(*object)) != sizeof(*object) || read(go, &byte, 1) != 1)
		_exit(1);
	_exit(0);
}

void test_group(void)
{
	int fd = uapi_open(), go[2], done[2], status;
	struct object object;
	uint64_t before, bytes;
	pid_t pid;

	REQUIRE(!counters_write(ROOT "cgroup.subtree_control", "+memory") && !mkdir(GROUP, 0755) &&
		!pipe(go) && !pipe(done), "a memory cgroup: %s", strerror(errno));
	before = group_charged();
	pid = group_create(&object, fd, go[0], done[1]);
	REQUIRE(read(done[0], &object, sizeof(object)) == sizeof(object), "an object of a process in the group");
	bytes = group_charged() - before;
	CHECK(bytes + SLACK >= BYTES && bytes <= BYTES + SLACK, "the group is charged %llu KiB for %llu",
	      (unsigned long long)bytes / 1024, BYTES / 1024);
	shrink_all();
	bytes = group_charged() - before;
	CHECK(bytes + SLACK >= STORED && bytes <= STORED + SLACK,
	      "when another takes it away: %llu KiB, of which %llu are not zero", (unsigned long long)bytes / 1024,
	      STORED / 1024);
	object.cpu = uapi_mmap(fd, object.handle, BYTES);
	REQUIRE(object.cpu && !object_bad(&object), "and another looks at it, who finds it right");
	bytes = group_charged() - before;
	CHECK(bytes + SLACK >= BYTES && bytes <= BYTES + SLACK, "it is charged %llu KiB again",
	      (unsigned long long)bytes / 1024);
	REQUIRE(write(go[1], "", 1) == 1, "go");
	CHECK(waitpid(pid, &status, 0) == pid && !status, "the process ends well: %#x", status);
	object_close(&object);
	close(fd);
	CHECK(!rmdir(GROUP), "the group can go: %s", strerror(errno));
	for (int i = 0; i < 2; i++) {
		close(go[i]);
		close(done[i]);
	}
}
