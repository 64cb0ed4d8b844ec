// SPDX-License-Identifier: MIT
/*
 * What the library says by itself: GAON_LOG, GAON_LOG_FILE and the callback.  And that an open device
 * without work costs no processor time.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/rt.h"

/* Makes the library warn: an empty file is no firmware. */
static void provoke(void)
{
	struct gaon_device *d = NULL;

	setenv("GAON_FIRMWARE", "/dev/null", 1);
	if (gaon_device_open("embedded", &d) != GAON_ERROR_FIRMWARE)
		_exit(9);
}

static int in_child(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		fn();
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	return status;
}

/* What fn() writes to GAON_LOG_FILE, or with @redirect to standard error, at that level. */
static void collect(const char *level, bool redirect, void (*fn)(void), char *text, size_t size)
{
	char path[] = "/tmp/gaon-log-XXXXXX";
	int fd = mkstemp(path), saved = -1;
	ssize_t got;

	ck_assert_int_ge(fd, 0);
	if (level)
		setenv("GAON_LOG", level, 1);
	if (redirect) {
		saved = dup(STDERR_FILENO);
		dup2(fd, STDERR_FILENO);
	} else {
		setenv("GAON_LOG_FILE", path, 1);
	}
	ck_assert_int_eq(in_child(fn), 0);
	if (redirect) {
		dup2(saved, STDERR_FILENO);
		close(saved);
	}
	unsetenv("GAON_LOG");
	unsetenv("GAON_LOG_FILE");
	got = pread(fd, text, size - 1, 0);
	ck_assert_int_ge(got, 0);
	text[got] = 0;
	close(fd);
	unlink(path);
}

START_TEST(levels)
{
	static const struct { const char *level; bool redirect, said; } table[] = {
		{ NULL, true, true }, { NULL, false, true }, { "warning", true, true },
		{ "info", false, true }, { "debug", false, true }, { "error", true, false },
		{ "none", false, false }, { "none", true, false },
	};
	char text[65536], *line, *next;

	collect(table[_i].level, table[_i].redirect, provoke, text, sizeof(text));
	ck_assert_msg(!!strstr(text, "gaon: warning: ") == table[_i].said, "case %d: \"%s\"", _i, text);
	for (line = text; *line; line = next) {
		next = strchr(line, '\n');
		ck_assert_msg(next && !strncmp(line, "gaon: ", 6), "\"%s\"", line);
		next++;
	}
}
END_TEST

START_TEST(unknown_level)
{
	char text[65536];

	collect("loud", true, provoke, text, sizeof(text));
	ck_assert_msg(strstr(text, "GAON_LOG=loud is not one of none, error, warning, info, debug"),
		      "\"%s\"", text);
	ck_assert_ptr_nonnull(strstr(text, "gaon: warning: "));
}
END_TEST

static int lines, warnings;
static char heard[256];

static void listen(void *arg, enum gaon_log_level level, const char *line)
{
	lines += arg == &lines;
	if (level == GAON_LOG_WARNING && !warnings++)
		snprintf(heard, sizeof(heard), "%s", line);
}

static void child_listens(void)
{
	gaon_log_set(listen, &lines, GAON_LOG_DEBUG);
	provoke();
	if (!warnings || lines < warnings || !strstr(heard, "firmware") || strchr(heard, '\n'))
		_exit(1);
	gaon_log_set(listen, &lines, GAON_LOG_ERROR);
	lines = 0;
	provoke();
	if (lines)
		_exit(2);
	/* Back to standard error. */
	gaon_log_set(NULL, NULL, GAON_LOG_WARNING);
	provoke();
	if (lines)
		_exit(3);
}

START_TEST(callback)
{
	char text[65536], *first;

	collect(NULL, true, child_listens, text, sizeof(text));
	first = strstr(text, "gaon: warning: ");
	ck_assert_ptr_nonnull(first);
	ck_assert_ptr_null(strstr(first + 1, "gaon: warning: "));
}
END_TEST

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

START_TEST(idle_device)
{
	struct timespec settle = { .tv_nsec = 200000000 }, rest = { .tv_nsec = 500000000 };
	double before, spent;

	ok(rt_launch(stream, "conf_noop", 4, 0, 0));
	ok(gaon_stream_wait(stream, WAIT));
	nanosleep(&settle, NULL);
	before = cpu_seconds();
	nanosleep(&rest, NULL);
	spent = cpu_seconds() - before;
	ck_assert_msg(spent < 0.005, "%.1f ms of processor time in 500 ms", spent * 1e3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("runtime log");
	TCase *tc = tcase_create("log"), *idle;

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, levels, 0, 8);
	tcase_add_test(tc, unknown_level);
	tcase_add_test(tc, callback);
	suite_add_tcase(suite, tc);
	/* After those that fork: the device's threads are in this process. */
	idle = rt_case(suite, "idle");
	tcase_add_test(idle, idle_device);
	return rt_run(suite);
}
