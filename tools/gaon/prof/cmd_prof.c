// SPDX-License-Identifier: MIT
/* gaon prof: run a program and show what it did with its devices. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../cmd.h"
#include "../tool.h"
#include "prof.h"

struct prof_options {
	struct cmd_common common;
	const char *trace, *roofline;
	bool counters;
};

/* In the child. With --json the program's output goes out of the document's way. */
static void program_run(const struct prof_options *o, char **argv, const char *tool, const char *directory)
{
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	if (setenv("GAON_TOOLS", tool, 1) || setenv("GAON_PROF_DIR", directory, 1) ||
	    setenv("GAON_PROF_COUNTERS", o->counters || o->roofline ? "1" : "0", 1) ||
	    (o->common.device && setenv("GAON_DEVICE", o->common.device, 1)) ||
	    (o->common.json && dup2(STDERR_FILENO, STDOUT_FILENO) < 0))
		_exit(CMD_FAILED);
	tool_exec("gaon prof", argv);
}

/* The program's end; negative if it could not be run at all. */
static int program_wait(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return tool_status("gaon prof", status);
}

static bool show(const struct prof_options *o, const char *directory)
{
	struct prof_trace trace;
	bool good = prof_load(&trace, directory);
	json_t *summary;

	if (!good && !trace.count)
		fprintf(stderr,
			"gaon prof: the program made no call of libgaon, or its libgaon is of another "
			"version\n");
	if (good && o->trace)
		good = prof_write_trace(&trace, o->trace);
	if (good && o->roofline)
		good = prof_write_roofline(&trace, o->roofline);
	if (good) {
		summary = prof_summary(&trace);
		if (o->common.json) {
			good = cmd_print_json(summary) == CMD_OK;
		} else {
			prof_print(stdout, summary);
			json_decref(summary);
		}
	}
	prof_free(&trace);
	return good;
}

static int profile(const struct prof_options *o, char **argv)
{
	char directory[4096], tool[4096];
	int code = CMD_FAILED;
	pid_t pid;

	if (!tool_find(tool, "prof") || !tool_directory(directory, "prof"))
		return CMD_FAILED;
	fflush(stdout);
	/* An interrupt is for the program; what it did until then is shown. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	pid = fork();
	if (!pid)
		program_run(o, argv, tool, directory);
	if (pid > 0)
		code = program_wait(pid);
	if (pid < 0 || code < 0) {
		fprintf(stderr, "gaon prof: %s: %s\n", argv[0], strerror(errno));
		code = CMD_FAILED;
	} else if (code != 126 && code != 127 && !show(o, directory) && !code) {
		code = CMD_FAILED;
	}
	tool_remove_directory(directory);
	return code;
}

static int prof_run(const struct cmd *cmd, int argc, char **argv)
{
	struct prof_options o = { 0 };
	int c;

	while ((c = cmd_next_option(cmd, &o.common, argc, argv)) >= 0) {
		switch (c) {
		case 'o': o.trace = optarg; break;
		case 'r': o.roofline = optarg; break;
		case 'c': o.counters = true; break;
		default: break;
		}
	}
	if (c == CMD_STOP)
		return o.common.code;
	if (optind >= argc)
		return cmd_usage(cmd, true);
	return profile(&o, argv + optind);
}

static const struct cmd_option prof_options[] = {
	{ "output", "FILE", "write the timeline for Perfetto (ui.perfetto.dev) to FILE", 'o' },
	{ "counters", NULL, "give each launch alone and count what it does; slower", 'c' },
	{ "roofline", "FILE", "the same, and draw the kernels' rooflines as SVG", 'r' },
	{ 0 },
};

const struct cmd cmd_prof = {
	.name = "prof",
	.summary = "run a program and show what it did with its devices",
	.operands = "[--] PROGRAM [ARGUMENT]...",
	.flags = CMD_DEVICE,
	.options = prof_options,
	.text =
	"Runs the program, which need not be changed, and prints when it has ended: its calls of libgaon, "
	"its\n"
		"kernels and copies with their times, when its devices had nothing to do, and their "
		"counters.\n"
		"With --json the program's own output goes to standard error.\n"
		"Exit status: the program's; 128 and its number if a signal ended it; 126, 127 if it "
		"cannot be run;\n"
		"1 if it succeeded but what it did cannot be shown; 2 usage.\n",
	.run = prof_run,
};
