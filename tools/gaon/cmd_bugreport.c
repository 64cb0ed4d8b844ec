// SPDX-License-Identifier: MIT
/* gaon bugreport: one file for whoever is to find out what is wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "report/report.h"

static int show(const struct report *r, const char *path, long long size, bool json)
{
	if (json)
		return cmd_print_json(json_pack("{s:s, s:I, s:i, s:i, s:i, s:b}", "file", path, "bytes", (json_int_t)size,
						"files", (int)r->files, "cards", (int)r->cards.count, "replaced",
						(int)r->replaced, "complete", r->clients.complete && !geteuid()));
	printf("%s: %lld bytes, %zu files of %zu cards; look into it before you send it: tar tzf %s\n", path, size,
	       r->files, r->cards.count, path);
	if (geteuid())
		fprintf(stderr, "gaon: only root sees debugfs, the kernel's log and all processes: sudo gaon bugreport has more\n");
	return CMD_OK;
}

static int run(struct report *r, const char *output, bool json)
{
	bool chatty = isatty(2) && !json;
	char own[sizeof(r->name) + 8];
	int code = CMD_FAILED;
	long long size;

	if (report_begin(r)) {
		snprintf(own, sizeof(own), "%s.tar.gz", r->name);
		if (!output)
			output = own;
		if (chatty)
			fprintf(stderr, "gaon: asking the cards and the kernel ...\n");
		if (!access(output, F_OK))
			fprintf(stderr, "gaon: %s is there already; --output names another file\n", output);
		else if (report_gather(r) && report_redact(r) && report_pack(r, output, &size))
			code = show(r, output, size, json);
	}
	report_end(r);
	return code;
}

static int bugreport_run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_common common = { 0 };
	const char *output = NULL;
	struct report *r;
	bool serials = true;
	int c, code;

	while ((c = cmd_next_option(cmd, &common, argc, argv)) >= 0) {
		if (c == 's')
			serials = false;
		else
			output = optarg;
	}
	if (c == CMD_STOP)
		return common.code;
	if (optind < argc)
		return cmd_usage(cmd, true);
	r = calloc(1, sizeof(*r));
	if (!r)
		return CMD_FAILED;
	r->serials = serials;
	code = run(r, output, common.json);
	free(r);
	return code;
}

static const struct cmd_option bugreport_options[] = {
	{ "output", "FILE.tar.gz", "where (default: a name with the date, here)", 'o' },
	{ "no-serials", NULL, "without the cards' serial numbers", 's' },
	{ 0 },
};

const struct cmd cmd_bugreport = {
	.name = "bugreport",
	.summary = "all that is needed to find out what is wrong, in one file without secrets",
	.flags = CMD_ROOT,
	.options = bugreport_options,
	.text = "Packs what info, ps, doctor, module and version say, the kernel's log lines of the cards, which core dumps\n"
		"there are, and the files of record-tree. Left out: environment, arguments of processes, names of users and\n"
		"of the machine, hardware addresses. Root has more of it. Exit status: 0 written, 1 not, 2 usage.\n",
	.run = bugreport_run,
};
