// SPDX-License-Identifier: MIT
/* The processes that a run consists of: where they stand, how they start and end. */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "soak.h"
#include "../edges/counters.h"

#define NOBODY		65534

struct member {
	pid_t pid;		/* 0: nobody is there; else also its process group */
	struct soak_event event;
};

static struct member crew[SOAK_ACTIONS][SOAK_PLACES];

static void complain(struct soak_shared *shared, const struct soak_event *event, const char *what, int status)
{
	struct soak_self self = { .shared = shared, .seed = event->seed, .kind = event->kind };

	soak_wrong(&self, "%s: %s (status %#x)", soak_kind_name(event->action, event->kind), what, status);
}

static void print_file(const char *path)
{
	char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	for (char *rest = text, *line = strsep(&rest, "\n"); line && *line; line = strsep(&rest, "\n"))
		printf("# %s: %s\n", path, line);
}

/* Where the threads of a process are. */
static void print_threads(pid_t pid)
{
	static const char *const names[] = { "syscall", "wchan", "stack" };
	char pattern[64];
	glob_t found;

	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(pattern, sizeof(pattern), "/proc/%d/task/*/%s", pid, names[i]);
		if (!glob(pattern, 0, NULL, &found)) {
			for (size_t k = 0; k < found.gl_pathc; k++)
				print_file(found.gl_pathv[k]);
		}
		globfree(&found);
	}
	snprintf(pattern, sizeof(pattern), "/proc/%d/maps", pid);
	print_file(pattern);
	fflush(stdout);
}

/* --- the child ----------------------------------------------------------------------------------------- */

static void become_nobody(void)
{
	if (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY) || !getuid())
		_exit(3);
	/* That was cleared. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void child(struct soak_shared *shared, const struct soak_event *event)
{
	static const char *const oom[SOAK_ACTIONS] = { "-900", "900", "-500", "0" };
	struct soak_self self = {
		.shared = shared, .place = &shared->place[event->action][event->place],
		.rng = fuzz_rng_make(event->seed, event->kind), .seed = event->seed, .kind = event->kind,
	};

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setpgid(0, 0);
	/* What the libraries of the tests have to say is no result of this one. */
	if (!freopen("/dev/null", "w", stdout) || !freopen("/dev/null", "w", stderr))
		_exit(3);
	counters_write("/proc/self/oom_score_adj", oom[event->action]);
	if (event->action != SOAK_ACTION_PRESSURE)
		become_nobody();
	if (event->action == SOAK_ACTION_PRESSURE)
		soak_pressure(&self);
	else if (event->action == SOAK_ACTION_BAD)
		soak_bad(&self);
	else if (event->kind < SOAK_GOOD_LIBRARY_USER)
		soak_good(&self);
	else
		soak_library(&self);
	_exit(0);
}

/* --- the parent ---------------------------------------------------------------------------------------- */

void soak_crew_start(struct soak_shared *shared, const struct soak_event *event)
{
	struct member *member = &crew[event->action][event->place];
	struct soak_place *place = &shared->place[event->action][event->place];

	place->stop = false;
	place->beat = lib_now();
	member->event = *event;
	fflush(stdout);
	member->pid = fork();
	if (!member->pid)
		child(shared, event);
	if (member->pid < 0)
		complain(shared, event, "fork", errno);
	setpgid(member->pid, member->pid);
	soak_run.started[event->action][event->kind]++;
}

/* A process that has ended by itself. */
static void ended(struct soak_shared *shared, struct member *member, int status)
{
	enum soak_action action = member->event.action;
	unsigned int kind = member->event.kind;
	bool known = WIFEXITED(status) && !WEXITSTATUS(status);

	/* One that memory ran out for. */
	if (action == SOAK_ACTION_PRESSURE)
		known = kind == SOAK_PRESSURE_HOST && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
	else if (action == SOAK_ACTION_GOOD)
		known = known && (shared->place[action][member->event.place].stop || shared->wrongs);
	if (!known && !shared->wrongs)
		complain(shared, &member->event, "ended by itself", status);
	kill(-member->pid, SIGKILL);
	member->pid = 0;
}

bool soak_crew_end(struct soak_shared *shared, const struct soak_event *event)
{
	struct member *member = &crew[event->action][event->place];
	struct soak_place *place = &shared->place[event->action][event->place];
	int64_t late = lib_now() + soak_ms(SOAK_LATE_MS) * 1000000;
	int64_t end = lib_now() + soak_ms(SOAK_PATIENCE_MS) * 1000000;
	/* Only who works for others is asked. */
	bool asked = event->action == SOAK_ACTION_GOOD && !event->kill;
	int status = 0;

	if (!member->pid)
		return false;
	place->stop = true;
	if (!asked)
		kill(-member->pid, SIGKILL);
	while (waitpid(member->pid, &status, WNOHANG) != member->pid) {
		usleep(5000);
		if (lib_now() > late) {
			print_threads(member->pid);
			soak_report_late(member->pid, &member->event);
			late = INT64_MAX;
		}
		if (lib_now() < end)
			continue;
		complain(shared, &member->event, asked ? "does not end" : "does not die of SIGKILL", 0);
		print_threads(member->pid);
		kill(-member->pid, SIGKILL);
		if (asked)
			waitpid(member->pid, &status, 0);
		member->pid = 0;
		return true;
	}
	kill(-member->pid, SIGKILL);
	if (asked && status && !shared->wrongs)
		complain(shared, &member->event, "ended badly", status);
	member->pid = 0;
	soak_run.ended += asked;
	soak_run.killed += !asked;
	return true;
}

void soak_crew_end_all(struct soak_shared *shared)
{
	for (unsigned int action = 0; action < SOAK_ACTIONS; action++) {
		for (unsigned int i = 0; i < SOAK_PLACES; i++) {
			struct soak_event event = { .action = action, .place = i };

			soak_crew_end(shared, &event);
		}
	}
}

void soak_crew_look(struct soak_shared *shared)
{
	int64_t late = lib_now() - 2 * soak_ms(SOAK_PATIENCE_MS) * 1000000;
	int status;

	for (unsigned int action = 0; action < SOAK_ACTIONS; action++) {
		for (unsigned int i = 0; i < SOAK_PLACES; i++) {
			struct member *member = &crew[action][i];

			if (!member->pid)
				continue;
			if (waitpid(member->pid, &status, WNOHANG) == member->pid) {
				ended(shared, member, status);
			} else if (action == SOAK_ACTION_GOOD && shared->place[action][i].beat < late) {
				complain(shared, &member->event, "gets nowhere", 0);
				print_threads(member->pid);
			}
		}
	}
}
