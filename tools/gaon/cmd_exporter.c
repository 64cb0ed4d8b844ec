// SPDX-License-Identifier: MIT
/* gaon exporter: metrics of the cards for Prometheus, over HTTP or as a file for node_exporter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd.h"
#include "exporter/exporter.h"
#include "file.h"

/* The port beside those of other accelerators' exporters. */
#define LISTEN		"127.0.0.1:9470"

/* node_exporter reads all *.prom of a directory, whenever it is asked: half a file would be read. */
static int write_textfile(const char *path, const struct exporter_options *options)
{
	struct metrics m;
	size_t n = strlen(path);
	int code = CMD_OK;

	if (strcmp(path, "-") && (n < 6 || strcmp(path + n - 5, ".prom"))) {
		fprintf(stderr, "gaon exporter: --textfile takes a name that ends in .prom, which is what node_exporter reads, or -; not '%s'\n",
			path);
		return CMD_USAGE;
	}
	if (!exporter_collect(&m, false, options->processes))
		return CMD_FAILED;
	if (!strcmp(path, "-"))
		fwrite(m.text, 1, m.size, stdout);
	else if (!file_replace(path, m.text, m.size, 0644))
		code = CMD_FAILED;
	else if (options->json)
		cmd_print_json(json_pack("{s:n, s:s, s:I, s:I}", "url", "textfile", path, "families",
					 (json_int_t)m.families, "samples", (json_int_t)m.samples));
	free(m.text);
	return code;
}

static int exporter_run(const struct cmd *cmd, int argc, char **argv)
{
	struct exporter_options options = { 0 };
	struct cmd_common common = { 0 };
	const char *textfile = NULL;
	int c;

	while ((c = cmd_next_option(cmd, &common, argc, argv)) >= 0) {
		switch (c) {
		case 'l': options.listen = optarg; break;
		case 't': textfile = optarg; break;
		case 'p': options.processes = true; break;
		}
	}
	if (c == CMD_STOP)
		return common.code;
	options.json = common.json;
	if (optind < argc)
		return cmd_usage(cmd, true);
	if (textfile && (options.listen || (options.json && !strcmp(textfile, "-")))) {
		fprintf(stderr, "gaon exporter: --textfile%s goes without --%s\n", options.listen ? "" : " -",
			options.listen ? "listen" : "json");
		return CMD_USAGE;
	}
	if (textfile)
		return write_textfile(textfile, &options);
	if (!options.listen)
		options.listen = LISTEN;
	return exporter_serve(&options);
}

static const struct cmd_option exporter_options[] = {
	{ "listen", "ADDRESS:PORT", "where (default " LISTEN ")", 'l' },
	{ "textfile", "FILE.prom", "write a file instead, once; -: standard output", 't' },
	{ "processes", NULL, "memory and engine time of each process as well", 'p' },
	{ 0 },
};

const struct cmd cmd_exporter = {
	.name = "exporter",
	.summary = "metrics of all cards for Prometheus, over HTTP or as a file",
	.flags = CMD_ROOT,
	.options = exporter_options,
	.text = "Answers GET /metrics with OpenMetrics, or with Prometheus' text format to who does not ask for that, until\n"
		"SIGTERM. It opens no card and wakes none. Only root sees error counters and other users' processes.\n",
	.run = exporter_run,
};
