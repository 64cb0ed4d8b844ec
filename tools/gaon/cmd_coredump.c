// SPDX-License-Identifier: MIT
/* gaon coredump */
#include <errno.h>
#include <unistd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "coredump.h"

/* A file or a pipe, "-": standard input; NULL with a message. */
static uint8_t *read_file(const char *name, size_t *size)
{
	FILE *file = strcmp(name, "-") ? fopen(name, "rbe") : stdin;
	size_t room = 1 << 20, used = 0, got;
	uint8_t *data = file ? malloc(room) : NULL, *more;

	while (data && (got = fread(data + used, 1, room - used, file)) > 0) {
		used += got;
		if (used < room)
			continue;
		more = room < COREDUMP_FILE_MAX ? realloc(data, room *= 2) : NULL;
		if (!more) {
			fprintf(stderr, "gaon: %s: more than %u MiB: no coredump is as long\n", name,
				COREDUMP_FILE_MAX >> 20);
			goto err;
		}
		data = more;
	}
	if (!file || !data || ferror(file)) {
		fprintf(stderr, "gaon: %s: %s\n", name, strerror(errno));
		if (errno == EACCES)
			fprintf(stderr, "gaon: dumps below /sys/class/devcoredump are root's: try sudo\n");
		goto err;
	}
	if (file != stdin)
		fclose(file);
	*size = used;
	return data;
err:
	free(data);
	if (file && file != stdin)
		fclose(file);
	return NULL;
}

static int explain(const struct coredump *dump, const char *program, bool json)
{
	struct coredump_place place, *known = NULL;
	char why[512];

	if (program && coredump_resolve(dump, program, &place, why, sizeof(why)))
		known = &place;
	else if (program)
		fprintf(stderr, "gaon: the instruction cannot be looked up: %s\n", why);
	if (json)
		cmd_print_json(coredump_json(dump, known));
	else
		coredump_explain(stdout, dump, known);
	if (fflush(stdout) || ferror(stdout))
		return CMD_FAILED;
	return program && !known ? CMD_FAILED : CMD_OK;
}

static int coredump_run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_common common = { 0 };
	const char *program = NULL;
	struct coredump *dump;
	char why[256];
	uint8_t *data;
	size_t size;
	int c, code;

	while ((c = cmd_next_option(cmd, &common, argc, argv)) >= 0)
		program = optarg;
	if (c == CMD_STOP)
		return common.code;
	if (optind != argc - 1)
		return cmd_usage(cmd, true);
	data = read_file(argv[optind], &size);
	if (!data)
		return CMD_FAILED;
	dump = coredump_parse(data, size, why, sizeof(why));
	free(data);
	if (!dump) {
		fprintf(stderr, "gaon: %s is no coredump that can be read: %s\n", argv[optind], why);
		return CMD_FAILED;
	}
	code = explain(dump, program, common.json);
	coredump_free(dump);
	return code;
}

static const struct cmd_option coredump_options[] = {
	{ "elf", "KERNEL.elf", "the program that was loaded: tell function, line and instruction", 'e' }, { 0 },
};

const struct cmd cmd_coredump = {
	.name = "coredump",
	.summary = "explain what the driver kept of a fault or reset",
	.operands = "FILE",
	.options = coredump_options,
	.text = "FILE is /sys/class/devcoredump/devcd*/data, a copy of it, or - for standard input.\n"
		"Writing anything to data removes the dump, and makes room for the next.\n",
	.run = coredump_run,
};
