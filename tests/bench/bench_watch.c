// SPDX-License-Identifier: MIT
/*
 * What it costs to be watched: a program alone, and the same under gaon's tools. Seconds of the host's
 * processors, which other programs on the machine disturb less than the time on the wall.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* The best of a few runs of @command, without what it prints; negative if it fails. */
static double command_seconds(char *const command[])
{
	double best = -1;

	for (int i = 0; i < 3; i++) {
		struct rusage used;
		double seconds;
		pid_t pid = fork();
		int status;

		if (!pid) {
			if (freopen("/dev/null", "w", stdout))
				execv(command[0], command);
			_exit(127);
		}
		if (pid < 0 || wait4(pid, &status, 0, &used) != pid || status)
			return -1;
		/* Of all that it waited for, too. */
		seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
			  (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
		if (best < 0 || seconds < best)
			best = seconds;
	}
	return best;
}

static double probe_digits(void)
{
	char *const command[] = { (char *)BENCH_BIN "/gaon-demo-digits", NULL };

	return command_seconds(command);
}

/* With the summary that it prints in the end. */
static double probe_digits_prof(void)
{
	char *const command[] = { (char *)BENCH_BIN "/gaon", (char *)"prof", (char *)"--",
				  (char *)BENCH_BIN "/gaon-demo-digits", NULL };

	return command_seconds(command);
}

/* With what the file needs to be whole, on the disk. */
static double probe_digits_record(void)
{
	char path[] = "/tmp/gaon-bench-record.XXXXXX";
	char *const command[] = { (char *)BENCH_BIN "/gaon", (char *)"record", (char *)"-o", path, (char *)"--",
				  (char *)BENCH_BIN "/gaon-demo-digits", NULL };
	int fd = mkstemp(path);
	double seconds;

	if (fd < 0)
		return -1;
	close(fd);
	seconds = command_seconds(command);
	unlink(path);
	return seconds;
}

const struct bench_probe bench_probes_watch[] = {
	{ "digits", probe_digits },
	{ "digits_prof", probe_digits_prof },
	{ "digits_record", probe_digits_record },
	{ NULL, NULL },
};
