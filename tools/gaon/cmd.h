/* SPDX-License-Identifier: MIT */
/* What the subcommands of `gaon` share. */
#ifndef GAON_TOOLS_CMD_H
#define GAON_TOOLS_CMD_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include <jansson.h>

#include <gaon/gaon.h>

/* Exit codes of every subcommand. */
enum cmd_exit {
	CMD_OK,
	CMD_FAILED,	/* the request could not be carried out; standard error says why */
	CMD_USAGE,
	CMD_FAULT,	/* the device reported a fault */
	CMD_TIMEOUT,
};

struct cmd_option {
	const char *name;	/* of --name */
	const char *argument;	/* what stands for its value in --help; NULL: it has none */
	const char *help;
	char letter;		/* of -l; what cmd_next_option() returns */
};

#define CMD_DEVICE	1u	/* has --device */
#define CMD_ROOT	2u	/* has --root: works on a recorded tree too */

/* --help, and what completes command lines (`gaon help --json`), come from this. */
struct cmd {
	const char *name;
	const char *summary;
	const char *operands;	/* after the options, as --help shows them; NULL: there are none */
	const char *words;	/* that the first operand may be, separated by blanks; NULL: any */
	const char *text;	/* the rest of --help */
	unsigned int flags;
	const struct cmd_option *options;	/* of its own, up to one without a name; NULL: none */
	int (*run)(const struct cmd *cmd, int argc, char **argv);
};

/* All of them, up to NULL. */
extern const struct cmd *const cmd_table[];

/* Options that every subcommand has. */
struct cmd_common {
	const char *device;
	bool json;
	int code;		/* exit code when cmd_next_option() says CMD_STOP */
};

#define CMD_END		(-1)
#define CMD_STOP	(-2)

/*
 * The next option of the command's own: its letter, with the value in optarg. CMD_END after the last, with
 * optind at the first operand; CMD_STOP if --help was given or something is wrong: leave with @common->code.
 * Options that all have are taken here. Operands come last.
 */
int cmd_next_option(const struct cmd *cmd, struct cmd_common *common, int argc, char **argv);
/* For commands without options of their own, which take @min to @max operands. True: go on. */
bool cmd_options_only(const struct cmd *cmd, struct cmd_common *common, int argc, char **argv, int min,
		      int max);
int cmd_usage(const struct cmd *cmd, bool error);
json_t *cmd_table_json(void);

/* True if @status is OK; else prints the last error, its hint, and returns false. */
bool cmd_ok(enum gaon_status status, const char *what);
/* Exit code for a failed status. */
int cmd_exit_code(enum gaon_status status);
/* Print @object (a reference is taken) as one indented JSON document. */
int cmd_print_json(json_t *object);
/* What is not known is null. */
json_t *cmd_json_text(const char *text);
json_t *cmd_json_number(int64_t number, bool known);

/* "31.9 GiB", "512 KiB": in @text of @size, returned. */
const char *cmd_bytes(uint64_t bytes, char *text, size_t size);
double cmd_now(void);
/* Of the clock on the wall: "2026-11-27T09:12:01.120Z". */
void cmd_time_text(const struct timespec *time, char *text, size_t size);
void cmd_time_now(char *text, size_t size);
bool cmd_parse_u64(const char *text, uint64_t max, uint64_t *value);

json_t *cmd_device_json(const struct gaon_device_info *info);

#endif
