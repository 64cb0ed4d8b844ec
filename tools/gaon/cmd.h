/* SPDX-License-Identifier: MIT */
/* What the subcommands of `gaon` share. */
#ifndef GAON_TOOLS_CMD_H
#define GAON_TOOLS_CMD_H

#include <stdbool.h>
#include <stdint.h>

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

struct cmd {
	const char *name;
	const char *summary;
	const char *usage;	/* printed by --help, after "usage: gaon " */
	int (*run)(const struct cmd *cmd, int argc, char **argv);
};

extern const struct cmd cmd_list, cmd_info, cmd_run, cmd_bench, cmd_coredump, cmd_version;

/* Options that every subcommand has; getopt's short string must contain "d:jh". */
struct cmd_common {
	const char *device;
	bool json;
};

#define CMD_COMMON_SHORT	"d:jh"
#define CMD_COMMON_LONG								\
	{ "device", required_argument, NULL, 'd' },				\
	{ "json", no_argument, NULL, 'j' },					\
	{ "help", no_argument, NULL, 'h' }

/* Handle 'd', 'j', 'h' and '?'. Returns -1 to go on, else the exit code. */
int cmd_common_option(const struct cmd *cmd, struct cmd_common *common, int c);
int cmd_usage(const struct cmd *cmd, bool error);

/* True if @status is OK; else prints the last error, its hint, and returns false. */
bool cmd_ok(enum gaon_status status, const char *what);
/* Exit code for a failed status. */
int cmd_exit_code(enum gaon_status status);
/* Print @object (a reference is taken) as one indented JSON document. */
int cmd_print_json(json_t *object);

/* "31.9 GiB", "512 KiB": in @text of @size, returned. */
const char *cmd_bytes(uint64_t bytes, char *text, size_t size);
double cmd_now(void);
bool cmd_parse_u64(const char *text, uint64_t max, uint64_t *value);

json_t *cmd_device_json(const struct gaon_device_info *info);

#endif
