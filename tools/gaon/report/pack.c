// SPDX-License-Identifier: MIT
/* The archive, by tar, beside its name until it is whole and on the disk. */
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define TAR_S	600.0

static void be_tar(const struct report *r, int fd)
{
	signal(SIGINT, SIG_IGN);
	dup2(fd, 1);
	execlp("tar", "tar", "-C", r->base, "--owner=0", "--group=0", "--numeric-owner", "--sort=name", "-cz", r->name,
	       (char *)NULL);
	fprintf(stderr, "gaon: tar cannot be run: %s\n", strerror(errno));
	_exit(127);
}

bool report_pack(const struct report *r, const char *path, long long *size)
{
	char part[REPORT_PATH];
	struct stat st = { 0 };
	int fd, status = -1;
	bool good;
	pid_t pid;

	if (snprintf(part, sizeof(part), "%s.XXXXXX", path) >= (int)sizeof(part)) {
		fprintf(stderr, "gaon: the name '%.60s...' is too long\n", path);
		return false;
	}
	fd = mkostemp(part, O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "gaon: %s cannot be made: %s\n", path, strerror(errno));
		return false;
	}
	pid = fork();
	if (!pid)
		be_tar(r, fd);
	if (pid > 0)
		status = report_wait(pid, TAR_S);
	good = !status && !fsync(fd) && !fstat(fd, &st);
	good = !close(fd) && good && !rename(part, path);
	*size = (long long)st.st_size;
	if (good)
		return true;
	unlink(part);
	fprintf(stderr, "gaon: %s was not written: %s; nothing is left of it\n", path, report_is_stopped() ?
		"interrupted" : status ? "tar failed, see above" : strerror(errno));
	return false;
}
