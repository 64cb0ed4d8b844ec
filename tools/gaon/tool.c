// SPDX-License-Identifier: MIT
#include "tool.h"

#include <dlfcn.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIRECTORIES	8	/* that are open at a time */

bool tool_find(char path[4096], const char *name)
{
	Dl_info info;
	void *at = dlsym(RTLD_DEFAULT, "gaon_version");
	char *slash, *whole;

	if (!at || !dladdr(at, &info) || !info.dli_fname)
		return false;
	whole = realpath(info.dli_fname, NULL);
	slash = whole ? strrchr(whole, '/') : NULL;
	if (slash)
		*slash = '\0';
	snprintf(path, 4096, "%s/gaon/%s.so", whole ? whole : "", name);
	free(whole);
	if (!access(path, R_OK))
		return true;
	fprintf(stderr, "gaon: %s: %s; install gaon-tools again\n", path, strerror(errno));
	return false;
}

bool tool_directory(char path[4096], const char *name)
{
	const char *base = getenv("TMPDIR");

	snprintf(path, 4096, "%s/gaon-%s.XXXXXX", base && *base ? base : "/tmp", name);
	if (mkdtemp(path))
		return true;
	fprintf(stderr, "gaon %s: %s: %s\n", name, path, strerror(errno));
	return false;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)st;
	(void)type;
	(void)where;
	remove(path);
	return 0;
}

void tool_remove_directory(const char *directory)
{
	nftw(directory, remove_one, DIRECTORIES, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

pid_t tool_fork(void)
{
	fflush(stdout);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	return fork();
}

void tool_exec(const char *who, char **argv, const char *tool, const char *device, bool aside)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	if (setenv("GAON_TOOLS", tool, 1) || (device && setenv("GAON_DEVICE", device, 1)) ||
	    (aside && dup2(STDERR_FILENO, STDOUT_FILENO) < 0))
		_exit(1);
	execvp(argv[0], argv);
	fprintf(stderr, "%s: %s: %s\n", who, argv[0], strerror(errno));
	_exit(errno == ENOENT ? 127 : 126);
}

int tool_status(const char *who, int status)
{
	if (!WIFSIGNALED(status))
		return WEXITSTATUS(status);
	fprintf(stderr, "%s: the program was ended by signal %d (%s)\n", who, WTERMSIG(status),
		strsignal(WTERMSIG(status)));
	return TOOL_SIGNAL + WTERMSIG(status);
}

int tool_wait(const char *who, const char *name, pid_t pid)
{
	int status;

	while (pid > 0 && waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			pid = -1;
	}
	if (pid > 0)
		return tool_status(who, status);
	fprintf(stderr, "%s: %s: %s\n", who, name, strerror(errno));
	return -1;
}
