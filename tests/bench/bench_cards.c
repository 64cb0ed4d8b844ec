// SPDX-License-Identifier: MIT
/* Commands that look at a recorded machine of eight cards: milliseconds, and parts of a processor. */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

#define PROCESSES	300	/* that use no card, but are looked at */
#define TOP_SECONDS	10

static double info_once(const char *root)
{
	double start = bench_now();
	int status, null;
	pid_t pid = fork();

	if (!pid) {
		null = open("/dev/null", O_WRONLY);
		dup2(null, STDOUT_FILENO);
		execl(BENCH_GAON, "gaon", "info", "--root", root, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return -1;
	return (bench_now() - start) * 1e3;
}

static double probe_info(void)
{
	enum { ROUNDS = 31 };
	char root[] = "/tmp/gaon-bench-XXXXXX";
	double t[ROUNDS], result = -1;
	int i;

	if (bench_cards_make(root, PROCESSES)) {
		for (i = 0; i < ROUNDS && (t[i] = info_once(root)) >= 0; i++)
			;
		if (i == ROUNDS)
			result = bench_median(t, ROUNDS);
	}
	bench_cards_free(root);
	return result;
}

/* What the terminal would show is thrown away, until @end. */
static void drain(int fd, double end)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	char data[4096];
	double left;

	while ((left = end - bench_now()) > 0) {
		if (poll(&in, 1, (int)(left * 1e3) + 1) > 0 && read(fd, data, sizeof(data)) <= 0)
			return;
	}
}

/* Percent of one processor, start and end included, at the interval that it has by itself. */
static double probe_top(void)
{
	struct winsize size = { .ws_row = 50, .ws_col = 160 };
	char root[] = "/tmp/gaon-bench-XXXXXX";
	struct rusage usage;
	double result = -1, start = 0;
	int fd, status;
	pid_t pid = -1;

	if (bench_cards_make(root, PROCESSES)) {
		start = bench_now();
		pid = forkpty(&fd, NULL, NULL, &size);
	}
	if (!pid) {
		setenv("TERM", "xterm-256color", 1);
		setenv("LC_ALL", "C.UTF-8", 1);
		execl(BENCH_GAON, "gaon", "top", "--root", root, (char *)NULL);
		_exit(127);
	}
	if (pid > 0) {
		drain(fd, start + TOP_SECONDS);
		kill(pid, SIGTERM);
		if (wait4(pid, &status, 0, &usage) == pid && WIFSIGNALED(status) &&
		    WTERMSIG(status) == SIGTERM)
			result = 100 * ((double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
					(double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6) /
				 (bench_now() - start);
		close(fd);
	}
	bench_cards_free(root);
	return result;
}

const struct bench_probe bench_probes_cards[] = {
	{ "gaon_info", probe_info }, { "gaon_top", probe_top }, { NULL, NULL },
};
