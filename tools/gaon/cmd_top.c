// SPDX-License-Identifier: MIT
/* gaon top: cards and their processes, live. */
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "card/tree.h"
#include "cmd.h"
#include "top/top.h"

#define INTERVAL_MS	1000
#define INTERVAL_LEAST	100
#define INTERVAL_MOST	3600000
#define FIRST_MS	300
#define BATCH_COLUMNS	100
#define BATCH_COLUMNS_MOST 1000

struct top_run {
	struct cmd_common common;
	struct top top;
	uint64_t rounds;
	bool batch;
};

/* COLUMNS, or the terminal's. */
static int batch_columns(void)
{
	const char *text = getenv("COLUMNS");
	struct winsize size;
	uint64_t columns;

	if (text && cmd_parse_u64(text, BATCH_COLUMNS_MOST, &columns) && columns >= TOP_COLUMNS_LEAST)
		return (int)columns;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_col >= TOP_COLUMNS_LEAST)
		return size.ws_col;
	return BATCH_COLUMNS;
}

static bool batch_frame(struct top_run *run)
{
	struct canvas canvas;

	if (run->common.json) {
		json_t *json = top_json(&run->top);

		json_dumpf(json, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
		json_decref(json);
		printf("\n");
		return !fflush(stdout);
	}
	if (!canvas_make(&canvas, top_batch_rows(&run->top), batch_columns(), run->top.ascii))
		return false;
	canvas_print(&canvas, top_draw(&run->top, &canvas, true), stdout);
	canvas_free(&canvas);
	printf("\n");
	return !fflush(stdout);
}

/* Parts of time need a reading before. */
static int batch(struct top_run *run)
{
	uint64_t ms = run->top.interval_ms < FIRST_MS ? run->top.interval_ms : FIRST_MS;

	for (uint64_t done = 0; !run->rounds || done < run->rounds; done++) {
		usleep((useconds_t)ms * 1000);
		ms = run->top.interval_ms;
		if (!top_read(&run->top) || !batch_frame(run))
			return CMD_FAILED;
	}
	return CMD_OK;
}

static int top_start(struct top_run *run)
{
	const char *name = run->common.device ? run->common.device : getenv("GAON_DEVICE");
	const struct card *card = NULL;
	int code = CMD_FAILED;

	if (name && !strcmp(name, "embedded")) {
		fprintf(stderr, "gaon: top: the embedded device is part of the program that uses it, and no other sees it; `gaon info -d embedded` shows what it is\n");
		return CMD_FAILED;
	}
	if (!top_read(&run->top))
		return CMD_FAILED;
	if (name && *name)
		card = card_list_need(&run->top.now.cards, name);
	if (card)
		snprintf(run->top.only, sizeof(run->top.only), "%s", card->address);
	if (card || !name || !*name)
		code = run->batch ? batch(run) : top_screen(&run->top, run->rounds);
	top_free(&run->top);
	return code;
}

/* --- the command line --------------------------------------------------------------------------- */

static bool parse_column(enum top_column *column, const char *text)
{
	for (int i = 0; i < TOP_COLUMNS; i++) {
		if (!strcmp(top_column_name[i], text)) {
			*column = (enum top_column)i;
			return true;
		}
	}
	fprintf(stderr, "gaon: top: --sort takes a column, not '%s':", text);
	for (int i = 0; i < TOP_COLUMNS; i++)
		fprintf(stderr, " %s", top_column_name[i]);
	fprintf(stderr, "\n");
	return false;
}

static bool top_option(struct top_run *run, int c)
{
	switch (c) {
	case 'b':
		run->batch = true;
		return true;
	case 's':
		return parse_column(&run->top.sort, optarg);
	case 'n':
		if (cmd_parse_u64(optarg, UINT32_MAX, &run->rounds) && run->rounds)
			return true;
		fprintf(stderr, "gaon: top: --count takes 1 to %u frames, not '%s'\n", UINT32_MAX, optarg);
		return false;
	default:
		if (cmd_parse_u64(optarg, INTERVAL_MOST, &run->top.interval_ms) &&
		    run->top.interval_ms >= INTERVAL_LEAST)
			return true;
		fprintf(stderr, "gaon: top: --interval takes %d to %d milliseconds, not '%s'\n", INTERVAL_LEAST,
			INTERVAL_MOST, optarg);
		return false;
	}
}

static int top_run(const struct cmd *cmd, int argc, char **argv)
{
	struct top_run run = { .top = { .interval_ms = INTERVAL_MS, .sort = TOP_CORES } };
	int c;

	while ((c = cmd_next_option(cmd, &run.common, argc, argv)) >= 0) {
		if (!top_option(&run, c))
			return CMD_USAGE;
	}
	if (c == CMD_STOP)
		return run.common.code;
	if (optind < argc)
		return cmd_usage(cmd, true);
	run.batch |= run.common.json;
	run.top.ascending = run.top.sort <= TOP_DEVICE || run.top.sort == TOP_COMMAND;
	setlocale(LC_CTYPE, "");
	run.top.ascii = strcmp(nl_langinfo(CODESET), "UTF-8");
	return top_start(&run);
}

static const struct cmd_option top_options[] = {
	{ "batch", NULL, "print frames, without a terminal", 'b' },
	{ "count", "N", "end after N frames (default: go on)", 'n' },
	{ "interval", "MS", "time from reading to reading (default 1000)", 'i' },
	{ "sort", "COLUMN", "pid, user, device, cores, copies, hbm, host, command", 's' },
	{ 0 },
};

const struct cmd cmd_top = {
	.name = "top",
	.summary = "cards and their processes, live",
	.flags = CMD_DEVICE | CMD_ROOT,
	.options = top_options,
	.text = "State, sensors, use of cores and copy engines and memory of each card with graphs of the past, and processes\n"
		"as `gaon ps` has them, on a terminal of at least 50 x 10; h shows the keys. With --json a document a line,\n"
		"as with --batch. Only root sees other users' processes. No card is opened, and none is woken.\n",
	.run = top_run,
};
