// SPDX-License-Identifier: MIT
/* gaon: the administrator's and developer's command. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"

extern const struct cmd cmd_list, cmd_info, cmd_ps, cmd_watch, cmd_events, cmd_top, cmd_topo;
extern const struct cmd cmd_run, cmd_bench, cmd_coredump;
extern const struct cmd cmd_record_tree, cmd_doctor, cmd_prof, cmd_debug, cmd_help, cmd_version;
extern const struct cmd cmd_diag;
extern const struct cmd cmd_exporter, cmd_config, cmd_reset, cmd_module, cmd_fw, cmd_cdi, cmd_bugreport;
extern const struct cmd cmd_record, cmd_replay;

const struct cmd *const cmd_table[] = {
	&cmd_list, &cmd_info, &cmd_ps, &cmd_watch, &cmd_events, &cmd_top, &cmd_topo,
	&cmd_run, &cmd_bench, &cmd_prof, &cmd_debug, &cmd_record, &cmd_replay,
	&cmd_doctor, &cmd_diag, &cmd_coredump, &cmd_record_tree,
	&cmd_exporter, &cmd_config, &cmd_reset, &cmd_module, &cmd_fw, &cmd_cdi, &cmd_bugreport,
	&cmd_help, &cmd_version,
	NULL,
};

static int print_commands(FILE *out)
{
	fputs("usage: gaon COMMAND [OPTION]...\n\n", out);
	for (const struct cmd *const *cmd = cmd_table; *cmd; cmd++)
		fprintf(out, "  %-12s %s\n", (*cmd)->name, (*cmd)->summary);
	fputs("\nEvery command has --help and --json, and --device NAME if it uses one; GAON_DEVICE names the default.\n"
	      "Exit status: 0 done, 1 failed, 2 usage, 3 device fault, 4 timeout.\n",
	      out);
	return out == stderr ? CMD_USAGE : CMD_OK;
}

static int help_run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_common common = { 0 };

	if (!cmd_options_only(cmd, &common, argc, argv, 0, 0))
		return common.code;
	return common.json ? cmd_print_json(cmd_table_json()) : print_commands(stdout);
}

const struct cmd cmd_help = {
	.name = "help",
	.summary = "the commands; as JSON with all their options",
	.text = "Lists the commands. `gaon COMMAND --help` tells about one of them.\n",
	.run = help_run,
};

static int run(int argc, char **argv)
{
	if (argc < 2)
		return print_commands(stderr);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return print_commands(stdout);
	if (!strcmp(argv[1], "--version"))
		argv[1] = (char *)"version";
	for (const struct cmd *const *cmd = cmd_table; *cmd; cmd++) {
		if (!strcmp(argv[1], (*cmd)->name))
			return (*cmd)->run(*cmd, argc - 1, argv + 1);
	}
	fprintf(stderr, "gaon: no command named '%s'; `gaon --help` lists them\n", argv[1]);
	return CMD_USAGE;
}

int main(int argc, char **argv)
{
	int code = run(argc, argv);

	/* A full disk is told of only now. */
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "gaon: standard output cannot be written: %s\n", strerror(errno));
		return code ? code : CMD_FAILED;
	}
	return code;
}
