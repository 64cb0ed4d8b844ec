// SPDX-License-Identifier: MIT
/* Clocks, medians, and probes in processes of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "bench.h"

double bench_peer_figure;

static double clock_seconds(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

double bench_now(void)
{
	return clock_seconds(CLOCK_MONOTONIC);
}

double bench_thread_cpu(void)
{
	return clock_seconds(CLOCK_THREAD_CPUTIME_ID);
}

static int compare_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *values, size_t count)
{
	if (!count)
		return 0;
	qsort(values, count, sizeof(*values), compare_double);
	return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

float *bench_random(size_t count, unsigned int seed)
{
	float *m = malloc(count * sizeof(*m));

	for (size_t i = 0; m && i < count; i++) {
		seed = seed * 1664525u + 1013904223u;
		m[i] = (float)(int)seed * 0x1p-31f;
	}
	return m;
}

unsigned int bench_threads(void)
{
	const char *text = getenv("OMP_NUM_THREADS");
	int n = text ? atoi(text) : 0;

	return n > 0 ? (unsigned int)n : (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
}

static void apply_environment(const char *env)
{
	char *copy = strdup(env ? env : ""), *save = NULL;

	for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *value = strchr(word, '=');

		if (!value)
			continue;
		*value++ = '\0';
		if (*value)
			setenv(word, value, 1);
		else
			unsetenv(word);
	}
	free(copy);
}

double bench_spawn(const char *self, const char *probe, const char *env, double *peer)
{
	double result = -1, second = 0;
	int fds[2], status;
	FILE *out;
	pid_t pid;

	if (pipe(fds))
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		apply_environment(env);
		execl(self, self, "--probe", probe, (char *)NULL);
		_exit(127);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return -1;
	}
	out = fdopen(fds[0], "r");
	if (out) {
		if (fscanf(out, "%lf %lf", &result, &second) < 1)
			result = -1;
		fclose(out);
	}
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status))
		return -1;
	if (peer)
		*peer = second;
	return result;
}
