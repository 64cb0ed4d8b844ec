// SPDX-License-Identifier: MIT
/* Options, help and output of the subcommands. */
#include "cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "card/tree.h"

#define OPTIONS_MAX	24
#define OPTION_ROOT	'R'

static const struct cmd_option option_device = { "device", "NAME", "device to use; GAON_DEVICE names the default", 'd' };
static const struct cmd_option option_root = {
	"root", "DIR", "look at a tree that record-tree made (default: GAON_ROOT)", OPTION_ROOT,
};
static const struct cmd_option option_json = { "json", NULL, "print JSON", 'j' };
static const struct cmd_option option_help = { "help", NULL, "print this", 'h' };

/* Own options first; returns how many. */
static size_t all_options(const struct cmd *cmd, const struct cmd_option *all[OPTIONS_MAX])
{
	size_t n = 0;

	for (const struct cmd_option *o = cmd->options; o && o->name && n < OPTIONS_MAX - 4; o++)
		all[n++] = o;
	if (cmd->flags & CMD_DEVICE)
		all[n++] = &option_device;
	if (cmd->flags & CMD_ROOT)
		all[n++] = &option_root;
	all[n++] = &option_json;
	all[n++] = &option_help;
	return n;
}

int cmd_usage(const struct cmd *cmd, bool error)
{
	const struct cmd_option *all[OPTIONS_MAX];
	size_t n = all_options(cmd, all), i;
	FILE *out = error ? stderr : stdout;
	char left[64];

	fprintf(out, "usage: gaon %s [OPTION]...%s%s\n", cmd->name, cmd->operands ? " " : "",
		cmd->operands ? cmd->operands : "");
	if (error) {
		fprintf(out, "`gaon %s --help` tells more\n", cmd->name);
		return CMD_USAGE;
	}
	fprintf(out, "\n%s\n", cmd->text);
	for (i = 0; i < n; i++) {
		snprintf(left, sizeof(left), "-%c, --%s%s%s", all[i]->letter, all[i]->name,
			 all[i]->argument ? " " : "", all[i]->argument ? all[i]->argument : "");
		fprintf(out, "  %-26s %s\n", left, all[i]->help);
	}
	return CMD_OK;
}

int cmd_next_option(const struct cmd *cmd, struct cmd_common *common, int argc, char **argv)
{
	const struct cmd_option *all[OPTIONS_MAX];
	size_t n = all_options(cmd, all), i, length = 0;
	struct option longs[OPTIONS_MAX + 1] = { 0 };
	char shorts[2 * OPTIONS_MAX + 2];
	int c;

	if (optind == 1 && cmd->flags & CMD_ROOT && !tree_set_root(getenv("GAON_ROOT"))) {
		common->code = CMD_FAILED;
		return CMD_STOP;
	}
	shorts[length++] = '+';
	for (i = 0; i < n; i++) {
		longs[i] = (struct option){ all[i]->name, all[i]->argument ? required_argument : no_argument,
					    NULL, all[i]->letter };
		shorts[length++] = all[i]->letter;
		if (all[i]->argument)
			shorts[length++] = ':';
	}
	shorts[length] = '\0';
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		common->code = -1;
		switch (c) {
		case 'd': common->device = optarg; break;
		case 'j': common->json = true; break;
		case 'h': common->code = cmd_usage(cmd, false); break;
		case '?': common->code = cmd_usage(cmd, true); break;
		case OPTION_ROOT:
			if (!tree_set_root(optarg))
				common->code = CMD_USAGE;
			break;
		default: return c;
		}
		if (common->code >= 0)
			return CMD_STOP;
	}
	return CMD_END;
}

bool cmd_options_only(const struct cmd *cmd, struct cmd_common *common, int argc, char **argv, int min,
		      int max)
{
	if (cmd_next_option(cmd, common, argc, argv) == CMD_STOP)
		return false;
	if (argc - optind >= min && argc - optind <= max)
		return true;
	common->code = cmd_usage(cmd, true);
	return false;
}

json_t *cmd_table_json(void)
{
	json_t *commands = json_array();

	for (const struct cmd *const *cmd = cmd_table; *cmd; cmd++) {
		const struct cmd_option *all[OPTIONS_MAX];
		size_t n = all_options(*cmd, all), i;
		json_t *options = json_array();

		for (i = 0; i < n; i++) {
			char letter[2] = { all[i]->letter };

			json_array_append_new(options, json_pack("{s:s, s:s, s:s?, s:s}", "name", all[i]->name,
								 "letter", letter, "argument",
								 all[i]->argument, "help", all[i]->help));
		}
		json_array_append_new(commands, json_pack("{s:s, s:s, s:s?, s:s?, s:o}", "name", (*cmd)->name,
							  "summary", (*cmd)->summary, "operands",
							  (*cmd)->operands, "words", (*cmd)->words,
							  "options", options));
	}
	return json_pack("{s:o}", "commands", commands);
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
	return failed ? CMD_FAILED : CMD_OK;
}

json_t *cmd_json_text(const char *text)
{
	json_t *string = text[0] ? json_string(text) : NULL;

	/* What is no UTF-8 is not known, too. */
	return string ? string : json_null();
}

json_t *cmd_json_number(int64_t number, bool known)
{
	return known ? json_integer(number) : json_null();
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

void cmd_time_text(const struct timespec *time, char *text, size_t size)
{
	char seconds[32];
	struct tm tm;

	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", gmtime_r(&time->tv_sec, &tm));
	snprintf(text, size, "%s.%03ldZ", seconds, time->tv_nsec / 1000000);
}

void cmd_time_now(char *text, size_t size)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	cmd_time_text(&now, text, size);
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
