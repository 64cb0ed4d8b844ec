// SPDX-License-Identifier: MIT
/* gaon record: run a program and keep its calls and their data. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../cmd.h"
#include "../tool.h"
#include "load.h"

#define LIMIT_LEAST 65536u

struct record_options {
	struct cmd_common common;
	const char *output, *limit, *check;
	char limit_text[32];
	json_t *files;
};

static bool complain(const char *path, const char *what)
{
	fprintf(stderr, "gaon record: %s: %s\n", path, what);
	return false;
}

/* "64M", "2G". */
static bool parse_limit(struct record_options *o, const char *text)
{
	static const char units[] = "KMGT";
	size_t length = strlen(text);
	const char *unit = length ? strchr(units, text[length - 1]) : NULL;
	unsigned int shift = unit && *unit ? 10 * ((unsigned int)(unit - units) + 1) : 0;
	char number[32] = "";
	uint64_t value;

	if (length >= sizeof(number))
		return false;
	memcpy(number, text, length - !!shift);
	if (!cmd_parse_u64(number, UINT64_MAX >> shift >> 1, &value) ||
	    value << shift < LIMIT_LEAST)
		return false;
	snprintf(o->limit_text, sizeof(o->limit_text), "%llu",
		 (unsigned long long)(value << shift));
	o->limit = o->limit_text;
	return true;
}

/* --- what came of it -------------------------------------------------------------------------- */

static bool read_header(int fd, struct watch_header *header)
{
	return pread(fd, header, sizeof(*header), 0) == (ssize_t)sizeof(*header) &&
	       header->bytes >= sizeof(*header);
}

/*
 * Shortened to what it holds, and to its place. Not waited for until it is on the disk: a machine that loses
 * its power then may lose the file, and what of it is left is known by its check sums.
 */
static bool keep(struct record_options *o, const char *from, const char *to, bool *complete)
{
	int fd = open(from, O_RDWR | O_CLOEXEC);
	struct watch_header header;
	char size[32];
	bool good;

	if (fd < 0 || !read_header(fd, &header)) {
		complain(from, fd < 0 ? strerror(errno) : "is no record");
		if (fd >= 0)
			close(fd);
		return false;
	}
	good = !ftruncate(fd, (off_t)header.bytes) && !fchmod(fd, 0644);
	if (close(fd) || !good || rename(from, to))
		return complain(to, strerror(errno));
	header.program[sizeof(header.program) - 1] = '\0';
	if (header.lost) {
		*complete = false;
		complain(to, "what came last is missing; what is there can be replayed");
	}
	json_array_append_new(o->files,
			      json_pack("{s:s, s:I, s:i, s:o, s:b}", "file", to, "bytes",
					(json_int_t)header.bytes, "pid", header.pid, "program",
					cmd_json_text(header.program), "complete", !header.lost));
	if (!o->common.json)
		fprintf(stderr, "gaon record: %s: %s\n", to,
			cmd_bytes(header.bytes, size, sizeof(size)));
	return true;
}

/* Has it any call but its end? */
static bool has_calls(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const uint64_t least = sizeof(struct watch_header) + sizeof(struct watch_record) +
			       sizeof(struct record_call);
	struct watch_header header;
	bool has = fd >= 0 && read_header(fd, &header) && header.bytes > least;

	if (fd >= 0)
		close(fd);
	return has;
}

static int is_record(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 7 && !strcmp(entry->d_name + length - 7, ".record");
}

/* Of several processes the first has the name, the others have it with numbers. */
static bool keep_all(struct record_options *o, const char *directory)
{
	struct dirent **names;
	int count = scandir(directory, &names, is_record, versionsort), kept = 0;
	bool good = count >= 0, complete = true;
	char from[8192], to[4200];

	for (int i = 0; i < count; i++) {
		snprintf(from, sizeof(from), "%s/%s", directory, names[i]->d_name);
		free(names[i]);
		if (!good || !has_calls(from))
			continue;
		snprintf(to, sizeof(to), kept ? "%s.%d" : "%s", o->output, kept + 1);
		good = keep(o, from, to, &complete);
		kept++;
	}
	if (count >= 0)
		free(names);
	if (good && !kept)
		return complain(o->output, "is not written: the program made no call of libgaon, "
					   "or its libgaon is of another "
					   "version");
	return good && complete;
}

/* In the child. */
static void program_run(const struct record_options *o, char **argv, const char *tool, const char *directory)
{
	if (setenv("GAON_RECORD_DIR", directory, 1) || setenv("GAON_RECORD_CHECK", o->check, 1) ||
	    setenv("GAON_RECORD_LIMIT", o->limit ? o->limit : "0", 1))
		_exit(CMD_FAILED);
	tool_exec("gaon record", argv, tool, o->common.device, o->common.json);
}

/* Beside the file: it is the same disk. The program may change its working directory. */
static bool make_directory(const struct record_options *o, char directory[4096])
{
	int used = snprintf(directory, 4096, "%s.XXXXXX", o->output);
	char *whole;

	if (used >= 4096 || !mkdtemp(directory))
		return complain(o->output, used >= 4096 ? strerror(ENAMETOOLONG) : strerror(errno));
	whole = realpath(directory, NULL);
	if (whole)
		snprintf(directory, 4096, "%s", whole);
	free(whole);
	return true;
}

static int record(struct record_options *o, char **argv)
{
	char directory[4096], tool[4096];
	int code;
	pid_t pid;

	if (!tool_find(tool, "record") || !make_directory(o, directory))
		return CMD_FAILED;
	o->files = json_array();
	pid = tool_fork();
	if (!pid)
		program_run(o, argv, tool, directory);
	code = tool_wait("gaon record", argv[0], pid);
	if (code < 0)
		code = CMD_FAILED;
	else if (code != 126 && code != 127 && !keep_all(o, directory) && !code)
		code = CMD_FAILED;
	tool_remove_directory(directory);
	if (o->common.json)
		cmd_print_json(json_pack("{s:O, s:i}", "files", o->files, "code", code));
	json_decref(o->files);
	return code;
}

static int record_run(const struct cmd *cmd, int argc, char **argv)
{
	struct record_options o = { .output = "gaon.record", .check = "end" };
	int c;

	while ((c = cmd_next_option(cmd, &o.common, argc, argv)) >= 0) {
		switch (c) {
		case 'o': o.output = optarg; break;
		case 'c':
			if (strcmp(optarg, "reads") && strcmp(optarg, "end") &&
			    strcmp(optarg, "launch")) {
				fprintf(stderr,
					"gaon record: --check %s: it is reads, end or launch\n",
					optarg);
				return cmd_usage(cmd, true);
			}
			o.check = optarg;
			break;
		case 'l':
			if (!parse_limit(&o, optarg)) {
				fprintf(stderr,
					"gaon record: --limit %s: it is a size of 64K or more, "
					"like 500M or 2G\n",
					optarg);
				return cmd_usage(cmd, true);
			}
			break;
		default: break;
		}
	}
	if (c == CMD_STOP)
		return o.common.code;
	if (optind >= argc)
		return cmd_usage(cmd, true);
	return record(&o, argv + optind);
}

static const struct cmd_option record_options[] = {
	{ "output", "FILE", "file to write (default: gaon.record)", 'o' },
	{ "limit", "SIZE", "stop recording at SIZE, like 500M or 2G; the program goes on", 'l' },
	{ "check", "WHEN",
	  "keep what buffers hold for the replay: at the end, after each launch, or reads only",
	  'c' },
	{ 0 },
};

const struct cmd cmd_record = {
	.name = "record",
	.summary = "run a program and keep its calls and data, for gaon replay",
	.operands = "[--] PROGRAM [ARGUMENT]...",
	.flags = CMD_DEVICE,
	.options = record_options,
	.text = "Runs the program, which need not be changed, and writes each of its calls of "
		"libgaon with all data that they\n"
		"take and give. `gaon replay FILE` makes them again on any device. Of a program "
		"that runs others, each process\n"
		"that uses libgaon has a file: FILE, FILE.2, ...; of one that crashes the file has "
		"all calls until then.\n"
		"With --check launch the program waits after each launch.\n"
		"Exit status: the program's; 128 and its number if a signal ended it; 126, 127 if "
		"it cannot be run;\n"
		"1 if it succeeded but what it did is not recorded, or not all of it; 2 usage.\n",
	.run = record_run,
};
