// SPDX-License-Identifier: MIT
#include "log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const level_names[] = { "none", "error", "warning", "info", "debug" };

static pthread_once_t log_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic int log_level = GAON_LOG_WARNING;
static gaon_log_fn log_fn;
static void *log_arg;
static FILE *log_file;

static void log_prepare(void)
{
	pthread_mutex_lock(&log_lock);
}

static void log_release(void)
{
	pthread_mutex_unlock(&log_lock);
}

static void log_start(void)
{
	const char *level = getenv("GAON_LOG");
	const char *path = getenv("GAON_LOG_FILE");
	int i;

	/* A fork while another thread logs must not leave the child's lock held. */
	pthread_atfork(log_prepare, log_release, log_release);
	if (path && *path) {
		log_file = fopen(path, "ae");
		if (!log_file)
			fprintf(stderr, "gaon: GAON_LOG_FILE=%s: %s; logging to standard error\n", path,
				strerror(errno));
	}
	if (!level || !*level)
		return;
	for (i = 0; i <= GAON_LOG_DEBUG; i++) {
		if (!strcmp(level, level_names[i])) {
			atomic_store(&log_level, i);
			return;
		}
	}
	fprintf(stderr, "gaon: GAON_LOG=%s is not one of none, error, warning, info, debug\n", level);
}

bool gaon_log_wanted(enum gaon_log_level level)
{
	pthread_once(&log_once, log_start);
	return (int)level <= atomic_load_explicit(&log_level, memory_order_relaxed);
}

void gaon_log_line(enum gaon_log_level level, const char *fmt, ...)
{
	char line[1024];
	va_list ap;

	if (!gaon_log_wanted(level))
		return;
	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&log_lock);
	if (log_fn) {
		log_fn(log_arg, level, line);
	} else {
		FILE *out = log_file ? log_file : stderr;

		fprintf(out, "gaon: %s: %s\n", level_names[level], line);
		fflush(out);
	}
	pthread_mutex_unlock(&log_lock);
}

GAON_API void gaon_log_set(gaon_log_fn fn, void *arg, enum gaon_log_level level)
{
	pthread_once(&log_once, log_start);
	pthread_mutex_lock(&log_lock);
	log_fn = fn;
	log_arg = arg;
	atomic_store(&log_level, level > GAON_LOG_DEBUG ? GAON_LOG_DEBUG : (int)level);
	pthread_mutex_unlock(&log_lock);
}
