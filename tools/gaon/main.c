// SPDX-License-Identifier: MIT
/* gaon: the administrator's and developer's command. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cmd.h"

static const struct cmd *const commands[] = {
	&cmd_list, &cmd_info, &cmd_run, &cmd_bench, &cmd_coredump, &cmd_version,
};

#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

int cmd_usage(const struct cmd *cmd, bool error)
{
	FILE *out = error ? stderr : stdout;

	fprintf(out, "usage: gaon %s\n", cmd->usage);
	return error ? CMD_USAGE : CMD_OK;
}

int cmd_common_option(const struct cmd *cmd, struct cmd_common *common, int c)
{
	switch (c) {
	case 'd': common->device = optarg; return -1;
	case 'j': common->json = true; return -1;
	case 'h': return cmd_usage(cmd, false);
	default: return cmd_usage(cmd, true);
	}
}

bool cmd_ok(enum gaon_status status, const char *what)
{
	const struct gaon_error *error;

	if (status == GAON_OK)
		return true;
	error = gaon_last_error();
	fprintf(stderr, "gaon: %s: %s (%s)\n", what, error->text, gaon_status_name(status));
	if (error->hint && *error->hint)
		fprintf(stderr, "gaon: %s\n", error->hint);
	return false;
}

int cmd_exit_code(enum gaon_status status)
{
	switch (status) {
	case GAON_OK: return CMD_OK;
	case GAON_ERROR_FAULT: return CMD_FAULT;
	case GAON_ERROR_TIMEOUT: return CMD_TIMEOUT;
	default: return CMD_FAILED;
	}
}

int cmd_print_json(json_t *object)
{
	int failed = json_dumpf(object, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(9));

	printf("\n");
	json_decref(object);
	return failed || fflush(stdout) ? CMD_FAILED : CMD_OK;
}

const char *cmd_bytes(uint64_t bytes, char *text, size_t size)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double value = (double)bytes;
	size_t unit = 0;

	while (value >= 1024 && unit < 5) {
		value /= 1024;
		unit++;
	}
	if (value == (double)(uint64_t)value)
		snprintf(text, size, "%.0f %s", value, units[unit]);
	else
		snprintf(text, size, "%.1f %s", value, units[unit]);
	return text;
}

double cmd_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

bool cmd_parse_u64(const char *text, uint64_t max, uint64_t *value)
{
	char *end;
	unsigned long long v;

	if (*text < '0' || *text > '9')
		return false;
	v = strtoull(text, &end, 0);
	if (*end || v > max)
		return false;
	*value = v;
	return true;
}

static int print_help(FILE *out)
{
	fputs("usage: gaon COMMAND [OPTION]...\n\n", out);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nEvery command has --help and --json, and --device NAME if it uses one; GAON_DEVICE names the default.\n"
	      "Exit status: 0 done, 1 failed, 2 usage, 3 device fault, 4 timeout.\n",
	      out);
	return out == stderr ? CMD_USAGE : CMD_OK;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return print_help(stderr);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return print_help(stdout);
	if (!strcmp(argv[1], "--version"))
		argv[1] = (char *)"version";
	for (size_t i = 0; i < COMMANDS; i++) {
		if (!strcmp(argv[1], commands[i]->name))
			return commands[i]->run(commands[i], argc - 1, argv + 1);
	}
	fprintf(stderr, "gaon: no command named '%s'; `gaon --help` lists them\n", argv[1]);
	return CMD_USAGE;
}
