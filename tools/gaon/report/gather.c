// SPDX-License-Identifier: MIT
/* What goes into a report: this tool's own commands, the kernel's log, what sysfs has of the cards. */
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <gaon/gaon.h>

#include "../card/record.h"
#include "../card/tree.h"
#include "../cmd.h"

#define COMMAND_S	20.0		/* one that hangs on a broken card is ended */
#define RECORD_MOST	8192		/* of the kernel's log, one line */

static volatile sig_atomic_t stopped;

bool report_is_stopped(void)
{
	return stopped != 0;
}

static void on_signal(int number)
{
	stopped = number;
}

/* --- the directory ----------------------------------------------------------------------------- */

bool report_begin(struct report *r)
{
	const char *tmp = getenv("TMPDIR");
	struct sigaction action = { .sa_handler = on_signal };
	time_t now = time(NULL);
	struct tm tm;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	gmtime_r(&now, &tm);
	strftime(r->name, sizeof(r->name), "gaon-bugreport-%Y%m%d-%H%M%S", &tm);
	if (snprintf(r->base, sizeof(r->base), "%s/gaon-bugreport-XXXXXX", tmp && *tmp ? tmp : "/tmp") >=
	    (int)sizeof(r->base) - (int)sizeof(r->name) || !mkdtemp(r->base)) {
		fprintf(stderr, "gaon: no directory for the report can be made in %s: %s; TMPDIR names another\n",
			tmp && *tmp ? tmp : "/tmp", strerror(errno));
		r->base[0] = '\0';
		return false;
	}
	snprintf(r->top, sizeof(r->top), "%.900s/%s", r->base, r->name);
	if (mkdir(r->top, 0700)) {
		fprintf(stderr, "gaon: %s cannot be made: %s\n", r->top, strerror(errno));
		return false;
	}
	return card_list_read(&r->cards, true) && client_list_read(&r->clients);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void report_end(struct report *r)
{
	if (r->base[0])
		nftw(r->base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	card_list_free(&r->cards);
	client_list_free(&r->clients);
}

static int open_file(const struct report *r, const char *name)
{
	char path[REPORT_PATH + 64];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", r->top, name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		fprintf(stderr, "gaon: %s cannot be written: %s\n", path, strerror(errno));
	return fd;
}

static FILE *open_text(const struct report *r, const char *name)
{
	int fd = open_file(r, name);

	return fd < 0 ? NULL : fdopen(fd, "w");
}

static bool close_text(FILE *file, const char *name)
{
	bool bad = ferror(file) != 0;

	if (!fclose(file) && !bad)
		return true;
	fprintf(stderr, "gaon: %s of the report cannot be written: %s\n", name, strerror(errno));
	return false;
}

/* --- commands ---------------------------------------------------------------------------------- */

int report_wait(int pid, double seconds)
{
	const struct timespec pause = { .tv_nsec = 10000000 };
	double end = cmd_now() + seconds;
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (stopped || cmd_now() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		nanosleep(&pause, NULL);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Neither the caller's environment nor its input; what it says of errors is part of it. */
static void be_command(int fd, const char *const *arguments)
{
	static char path[] = "PATH=/usr/sbin:/usr/bin:/sbin:/bin", language[] = "LC_ALL=C";
	char root[TREE_PATH], rooted[TREE_PATH + 16];
	char *environment[] = { path, language, NULL, NULL };
	int null = open("/dev/null", O_RDONLY);

	tree_path(root, sizeof(root), "%s", "");
	snprintf(rooted, sizeof(rooted), "GAON_ROOT=%s", root);
	environment[2] = rooted;
	signal(SIGINT, SIG_IGN);
	dup2(null, 0);
	dup2(fd, 1);
	dup2(fd, 2);
	execvpe(arguments[0], (char **)(uintptr_t)arguments, environment);
	dprintf(2, "cannot be run: %s\n", strerror(errno));
	_exit(127);
}

static bool add_command(struct report *r, const char *name, const char *const *arguments)
{
	int fd = open_file(r, name), status = -1;
	pid_t pid;

	if (fd < 0)
		return false;
	pid = fork();
	if (!pid)
		be_command(fd, arguments);
	if (pid > 0)
		status = report_wait(pid, COMMAND_S);
	if (status < 0)
		dprintf(fd, "\nended after %.0f s\n", COMMAND_S);
	if (close(fd)) {
		fprintf(stderr, "gaon: %s of the report cannot be written: %s\n", name, strerror(errno));
		return false;
	}
	return !stopped;
}

static bool add_commands(struct report *r)
{
	static char self[] = "/proc/self/exe";
	static const char *const commands[][6] = {
		{ "version.json", self, "version", "--json" }, { "info.json", self, "info", "--json" },
		{ "info.txt", self, "info" }, { "ps.json", self, "ps", "--json" },
		{ "doctor.json", self, "doctor", "--json" }, { "doctor.txt", self, "doctor" },
		{ "module.json", self, "module", "--json" },
		{ "lspci.txt", "lspci", "-nnvv", "-d", "1234:6a10" },
	};

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (commands[i][1] != self && tree_is_recorded())
			continue;
		if (!add_command(r, commands[i][0], commands[i] + 1))
			return false;
	}
	return true;
}

/* --- the kernel's log, core dumps -------------------------------------------------------------- */

static bool concerns(const struct report *r, const char *line)
{
	if (strstr(line, "gaon") || strstr(line, "Gaon"))
		return true;
	for (size_t i = 0; i < r->cards.count; i++) {
		if (strstr(line, r->cards.cards[i].address))
			return true;
	}
	return false;
}

/* "6,339,5140900,-;text", then lines that begin with a blank: the dictionary, which is left out. */
static void add_record(const struct report *r, FILE *out, char *record)
{
	char *text = strchr(record, ';'), *time = record;

	if (!text)
		return;
	*text++ = '\0';
	text[strcspn(text, "\n")] = '\0';
	for (int commas = 0; *time && commas < 2; time++)
		commas += *time == ',';
	if (concerns(r, text))
		fprintf(out, "[%12.6f] %s\n", strtod(time, NULL) / 1e6, text);
}

/* The kernel gives one record with each read; a recorded file has them one a line. */
static bool add_log(const struct report *r)
{
	char record[RECORD_MOST], path[TREE_PATH];
	FILE *out = open_text(r, "kernel.log");
	bool whole = tree_is_recorded();
	ssize_t n;
	int fd;

	if (!out)
		return false;
	tree_path(path, sizeof(path), "/dev/kmsg");
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fprintf(out, "%s cannot be read: %s\n", "/dev/kmsg", strerror(errno));
	while (fd >= 0 && ((n = read(fd, record, sizeof(record) - 1)) > 0 || (n < 0 && errno == EPIPE))) {
		char *save = NULL;

		record[n > 0 ? n : 0] = '\0';
		for (char *line = whole ? strtok_r(record, "\n", &save) : record; line && *line;
		     line = whole ? strtok_r(NULL, "\n", &save) : NULL)
			add_record(r, out, line);
	}
	if (fd >= 0)
		close(fd);
	return close_text(out, "kernel.log");
}

/* What is in them is the work of whoever had the card: only that they are there. */
static bool add_coredumps(const struct report *r)
{
	FILE *out = open_text(r, "coredumps.txt");
	char **names, of[64];
	size_t count;

	if (!out)
		return false;
	count = tree_list(&names, "/sys/class/devcoredump");
	for (size_t i = 0; i < count; i++) {
		if (strncmp(names[i], "devcd", 5))
			continue;
		tree_read_link(of, sizeof(of), "/sys/class/devcoredump/%s/failing_device", names[i]);
		fprintf(out, "/sys/class/devcoredump/%s/data of %s: gaon coredump explains it\n", names[i], of);
	}
	if (!count)
		fprintf(out, "none\n");
	free(names);
	return close_text(out, "coredumps.txt");
}

/* --- all --------------------------------------------------------------------------------------- */

static bool add_readme(const struct report *r)
{
	FILE *out = open_text(r, "README");

	if (!out)
		return false;
	fprintf(out, "Made by gaon %s for a report of what is wrong; %zu cards.\n\n"
		"info, ps, doctor, module, version: what these commands say.\n"
		"kernel.log: lines of the kernel's log that name gaon or a card.\n"
		"coredumps.txt: which dumps are there; what is in them is not here.\n"
		"tree: files of sysfs, debugfs, /proc and /etc of the cards: gaon info --root tree.\n\n"
		"Left out: environment, arguments of processes, names of users and of the machine, hardware\n"
		"addresses of network cards, the kernel's command line but for what concerns cards%s.\n",
		gaon_version(), r->cards.count, r->serials ? "" : ", serial numbers");
	return close_text(out, "README");
}

static bool add_tree(const struct report *r)
{
	char dir[REPORT_PATH + 64];
	struct record record;

	/* It is there already. */
	if (tree_is_recorded())
		return true;
	snprintf(dir, sizeof(dir), "%s/tree", r->top);
	return record_tree(&record, dir);
}

bool report_gather(struct report *r)
{
	return add_readme(r) && add_log(r) && add_coredumps(r) && add_commands(r) && add_tree(r) && !stopped;
}
