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

#define RUNS	7	/* of half a second, of which a hundredth is looked for */

/* The best of a few runs of @command, without what it prints; negative if it fails. */
static double command_seconds(char *const command[])
{
	double best = -1;

	for (int i = 0; i < RUNS; i++) {
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

#define COMMAND_MAX	16

/* Under gaon's @tool, which writes @path unless that is NULL; @tool NULL: alone. @program ends with NULL. */
static double watched_seconds(const char *tool, const char *path, const char *const program[])
{
	char *command[COMMAND_MAX] = { NULL };
	unsigned int count = 0;

	if (tool) {
		command[count++] = (char *)BENCH_BIN "/gaon";
		command[count++] = (char *)tool;
		if (path) {
			command[count++] = (char *)"-o";
			command[count++] = (char *)path;
		}
		command[count++] = (char *)"--";
	}
	while (*program && count < COMMAND_MAX - 1)
		command[count++] = (char *)*program++;
	return command_seconds(command);
}

/* With what the file needs to be whole, on the disk. */
static double recorded_seconds(const char *const program[])
{
	char path[] = "/tmp/gaon-bench-record.XXXXXX";
	int fd = mkstemp(path);
	double seconds;

	if (fd < 0)
		return -1;
	close(fd);
	seconds = watched_seconds("record", path, program);
	unlink(path);
	return seconds;
}

static const char *const digits[] = { BENCH_BIN "/gaon-demo-digits", NULL };

static double probe_digits(void)
{
	return watched_seconds(NULL, NULL, digits);
}

/* With the summary that it prints in the end. */
static double probe_digits_prof(void)
{
	return watched_seconds("prof", NULL, digits);
}

static double probe_digits_record(void)
{
	return recorded_seconds(digits);
}

/* A language model in llama.cpp, on the device alone: $GAON_LLM. */
static const char *const *llm(void)
{
	static const char *const program[] = {
		"/bin/sh", BENCH_SOURCE "/tools/setup/llama.sh", BENCH_BIN "/../frameworks/gaon-demo-llm",
		"--no-processor", "--tokens=64", NULL
	};

	if (getenv("GAON_LLM"))
		return program;
	fprintf(stderr, "gaon-bench: GAON_LLM names no model; `make bench` fetches one\n");
	return NULL;
}

static double probe_llm(void)
{
	return llm() ? watched_seconds(NULL, NULL, llm()) : -1;
}

static double probe_llm_prof(void)
{
	return llm() ? watched_seconds("prof", NULL, llm()) : -1;
}

static double probe_llm_record(void)
{
	return llm() ? recorded_seconds(llm()) : -1;
}

const struct bench_probe bench_probes_watch[] = {
	{ "digits", probe_digits },
	{ "digits_prof", probe_digits_prof },
	{ "digits_record", probe_digits_record },
	{ "llm", probe_llm },
	{ "llm_prof", probe_llm_prof },
	{ "llm_record", probe_llm_record },
	{ NULL, NULL },
};
