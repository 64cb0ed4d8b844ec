// SPDX-License-Identifier: MIT
/* gaon watch: figures of cards, a row for each card and interval, for people, spreadsheets and scripts. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "card/metric.h"
#include "card/tree.h"
#include "cmd.h"

#define INTERVAL_MS	1000
#define INTERVAL_LEAST	10
#define INTERVAL_MOST	3600000
#define METRICS_MOST	64
#define DEFAULT_METRICS	7	/* of the table, from its beginning */

struct watch {
	const struct metric *metrics[METRICS_MOST];
	size_t count;
	unsigned int what;
	bool rates, list;
	uint64_t interval_ms, rounds;	/* @rounds 0: for ever */
	char only[32];			/* address of the card that was named, or "" */
	struct cmd_common common;
	struct sample before, now;
};

/* --- one row ------------------------------------------------------------------------------------ */

static json_t *metric_json(const struct metric *m, const struct metric_of *of)
{
	double value, scale = pow(10, m->digits);

	if (m->text)
		return cmd_json_text(m->text(of));
	if (!m->number(of, &value))
		return json_null();
	return m->digits ? json_real(round(value * scale) / scale) : json_integer((json_int_t)llround(value));
}

static void metric_print(const struct metric *m, const struct metric_of *of)
{
	double value;

	if (m->text)
		printf(",%s", m->text(of));
	else if (m->number(of, &value))
		printf(",%.*f", (int)m->digits, value);
	else
		printf(",");
}

static void row_show(const struct watch *w, size_t index)
{
	const struct metric_of of = { &w->now, w->before.what ? &w->before : NULL, index };
	const char *name = w->now.cards.cards[index].name;
	char time[64];
	json_t *row;

	cmd_time_text(&w->now.wall, time, sizeof(time));
	if (!w->common.json) {
		printf("%s,%s", time, name);
		for (size_t i = 0; i < w->count; i++)
			metric_print(w->metrics[i], &of);
		printf("\n");
		return;
	}
	row = json_pack("{s:s, s:s}", "time", time, "device", name);
	for (size_t i = 0; i < w->count; i++)
		json_object_set_new(row, w->metrics[i]->name, metric_json(w->metrics[i], &of));
	json_dumpf(row, stdout, JSON_COMPACT | JSON_REAL_PRECISION(15));
	printf("\n");
	json_decref(row);
}

/* --- rounds ------------------------------------------------------------------------------------- */

static const struct card *find_address(const struct card_list *list, const char *address)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!strcmp(list->cards[i].address, address))
			return &list->cards[i];
	}
	return NULL;
}

/* Cards go while one looks: that is told, and is the end if none is left. */
static bool cards_left(const struct watch *w)
{
	const struct card_list *then = &w->before.cards;

	for (size_t i = 0; i < then->count; i++) {
		const struct card *card = &then->cards[i];

		if ((!w->only[0] || !strcmp(w->only, card->address)) &&
		    !find_address(&w->now.cards, card->address))
			fprintf(stderr, "gaon: watch: %s (%s) is gone\n", card->name, card->address);
	}
	if (w->only[0] ? find_address(&w->now.cards, w->only) != NULL : w->now.cards.count > 0)
		return true;
	fprintf(stderr, "gaon: watch: no card is left to watch; `gaon doctor` says why\n");
	return false;
}

/* @before keeps the round that ends; false: no memory, no card, or nobody reads. */
static bool round_next(struct watch *w, bool show)
{
	sample_free(&w->before);
	w->before = w->now;
	w->now = (struct sample){ 0 };
	if (!sample_read(&w->now, w->what) || !cards_left(w))
		return false;
	for (size_t i = 0; show && i < w->now.cards.count; i++) {
		if (!w->only[0] || !strcmp(w->only, w->now.cards.cards[i].address))
			row_show(w, i);
	}
	return !fflush(stdout);
}

/* Rounds that could not be had in time are left out: @next is never in the past. */
static void round_wait(struct timespec *next, uint64_t ms)
{
	struct timespec now;

	do {
		next->tv_sec += (time_t)(ms / 1000);
		next->tv_nsec += (long)(ms % 1000) * 1000000;
		if (next->tv_nsec >= 1000000000) {
			next->tv_sec++;
			next->tv_nsec -= 1000000000;
		}
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (next->tv_sec < now.tv_sec || (next->tv_sec == now.tv_sec && next->tv_nsec < now.tv_nsec));
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, next, NULL) == EINTR)
		;
}

static int watch_rounds(struct watch *w)
{
	struct timespec next;
	uint64_t done = 0;
	bool show = !w->rates;

	clock_gettime(CLOCK_MONOTONIC, &next);
	if (!w->common.json) {
		printf("time,device");
		for (size_t i = 0; i < w->count; i++)
			printf(",%s", w->metrics[i]->name);
		printf("\n");
	}
	while (round_next(w, show)) {
		done += show;
		if (!w->now.clients.complete && w->what & SAMPLE_CLIENTS && done == 1 && show)
			fprintf(stderr, "gaon: watch: only root sees other users' processes: what they use is left out\n");
		show = true;
		if (w->rounds && done == w->rounds)
			return CMD_OK;
		round_wait(&next, w->interval_ms);
	}
	return CMD_FAILED;
}

static int watch_start(struct watch *w)
{
	const char *name = w->common.device ? w->common.device : getenv("GAON_DEVICE");
	struct card_list list;
	const struct card *card = NULL;
	int code = CMD_FAILED;

	if (name && !strcmp(name, "embedded")) {
		fprintf(stderr, "gaon: watch: the embedded device is part of the program that uses it, and no other sees it; `gaon info -d embedded` shows what it is\n");
		return CMD_FAILED;
	}
	if (!card_list_read(&list, false))
		return CMD_FAILED;
	if (name && *name)
		card = card_list_need(&list, name);
	else if (!list.count)
		card_list_need(&list, "any");
	if (card)
		snprintf(w->only, sizeof(w->only), "%s", card->address);
	if (card || ((!name || !*name) && list.count))
		code = watch_rounds(w);
	card_list_free(&list);
	sample_free(&w->before);
	sample_free(&w->now);
	return code;
}

/* --- the command line --------------------------------------------------------------------------- */

static bool watch_add(struct watch *w, const char *name)
{
	const struct metric *metric = metric_find(name);

	if (!metric || w->count == METRICS_MOST) {
		fprintf(stderr, "gaon: watch: %s '%s'; `gaon watch --list` lists what there is\n",
			metric ? "too many metrics before" : "no metric is named", name);
		return false;
	}
	for (size_t i = 0; i < w->count; i++) {
		if (w->metrics[i] == metric) {
			fprintf(stderr, "gaon: watch: '%s' stands there twice\n", name);
			return false;
		}
	}
	w->metrics[w->count++] = metric;
	w->what |= metric->what;
	w->rates |= metric->rate;
	return true;
}

static int watch_list(const struct cmd_common *common)
{
	json_t *array = common->json ? json_array() : NULL;

	for (const struct metric *m = metric_table; m->name; m++) {
		if (array)
			json_array_append_new(array, json_pack("{s:s, s:s}", "name", m->name, "help", m->help));
		else
			printf("%-20s %s\n", m->name, m->help);
	}
	return array ? cmd_print_json(json_pack("{s:o}", "metrics", array)) : CMD_OK;
}

static bool watch_option(struct watch *w, int c)
{
	if (c == 'l') {
		w->list = true;
	} else if (c == 'i' && (!cmd_parse_u64(optarg, INTERVAL_MOST, &w->interval_ms) ||
				w->interval_ms < INTERVAL_LEAST)) {
		fprintf(stderr, "gaon: watch: --interval takes %d to %d milliseconds, not '%s'\n", INTERVAL_LEAST,
			INTERVAL_MOST, optarg);
		return false;
	} else if (c == 'n' && (!cmd_parse_u64(optarg, UINT32_MAX, &w->rounds) || !w->rounds)) {
		fprintf(stderr, "gaon: watch: --count takes 1 to %u rows, not '%s'\n", UINT32_MAX, optarg);
		return false;
	}
	return true;
}

static int watch_run(const struct cmd *cmd, int argc, char **argv)
{
	struct watch w = { .interval_ms = INTERVAL_MS };
	int c;

	while ((c = cmd_next_option(cmd, &w.common, argc, argv)) >= 0) {
		if (!watch_option(&w, c))
			return CMD_USAGE;
	}
	if (c == CMD_STOP)
		return w.common.code;
	if (w.list)
		return optind < argc ? cmd_usage(cmd, true) : watch_list(&w.common);
	for (int i = optind; i < argc; i++) {
		if (!watch_add(&w, argv[i]))
			return CMD_USAGE;
	}
	for (int i = 0; optind == argc && i < DEFAULT_METRICS; i++)
		watch_add(&w, metric_table[i].name);
	return watch_start(&w);
}

static const struct cmd_option watch_options[] = {
	{ "interval", "MS", "time from row to row (default 1000)", 'i' },
	{ "count", "N", "rows of each card, then end (default: for ever)", 'n' },
	{ "list", NULL, "list the metrics and end", 'l' },
	{ 0 },
};

const struct cmd cmd_watch = {
	.name = "watch",
	.summary = "figures of cards over time, as CSV or JSON lines",
	.operands = "[METRIC]...",
	.flags = CMD_DEVICE | CMD_ROOT,
	.options = watch_options,
	.text = "A row for each card and interval, as CSV with a line of names before it, or with --json a document a line.\n"
		"Without METRIC: state, use of cores and copy engines, memory, temperature, power and clock. What is not known,\n"
		"as the sensors of a card that sleeps, is empty; no card is opened, and none is woken. Ends with status 1\n"
		"when no card is left. For parts of time the first row comes after one interval.\n",
	.run = watch_run,
};
