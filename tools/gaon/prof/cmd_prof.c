// SPDX-License-Identifier: MIT
/* gaon prof: run a program and show what it did with its devices. */
#include <stdlib.h>
#include <unistd.h>

#include "../cmd.h"
#include "../tool.h"
#include "prof.h"

struct prof_options {
	struct cmd_common common;
	const char *trace, *roofline;
	bool counters;
};

/* In the child. */
static void program_run(const struct prof_options *o, char **argv, const char *tool, const char *directory)
{
	if (setenv("GAON_PROF_DIR", directory, 1) ||
	    setenv("GAON_PROF_COUNTERS", o->counters || o->roofline ? "1" : "0", 1))
		_exit(CMD_FAILED);
	tool_exec("gaon prof", argv, tool, o->common.device, o->common.json);
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
	pid_t pid;
	int code;

	if (!tool_find(tool, "prof") || !tool_directory(directory, "prof"))
		return CMD_FAILED;
	pid = tool_fork();
	if (!pid)
		program_run(o, argv, tool, directory);
	code = tool_wait("gaon prof", argv[0], pid);
	if (code < 0)
		code = CMD_FAILED;
	else if (code != 126 && code != 127 && !show(o, directory) && !code)
		code = CMD_FAILED;
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
