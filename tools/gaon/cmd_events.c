// SPDX-License-Identifier: MIT
/* gaon events: what happens to cards, as it happens. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card/tree.h"
#include "cmd.h"
#include "events/events.h"

#define LOOK_MS		200
#define TIMEOUT_MOST	(366 * 86400)

struct watcher {
	struct cmd_common common;
	uint32_t kinds;			/* bits of enum event_kind */
	uint64_t count, timeout_s;	/* 0: for ever */
	char only[32];			/* address of the card that was named, or "" */
	uint64_t told;
	bool unwritable;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	stopped = number;
}

static void event_json(const struct event *e, const char *time)
{
	json_t *line = json_pack("{s:s, s:s, s:o, s:o, s:s, s:o}", "time", time, "kind", event_kind_name[e->kind],
				 "device", cmd_json_text(e->device), "address", cmd_json_text(e->address), "text",
				 e->text, "details", e->details ? json_incref(e->details) : json_object());

	json_dumpf(line, stdout, JSON_COMPACT);
	json_decref(line);
}

static bool event_show(void *arg, struct event *e)
{
	struct watcher *w = arg;
	char time[64];

	if ((!w->only[0] || !e->address[0] || !strcmp(w->only, e->address)) && w->kinds >> e->kind & 1) {
		cmd_time_now(time, sizeof(time));
		if (w->common.json)
			event_json(e, time);
		else
			printf("%s %-8s %-9s %s", time, e->device, event_kind_name[e->kind], e->text);
		printf("\n");
		w->unwritable = fflush(stdout);
		w->told++;
	}
	json_decref(e->details);
	return !w->unwritable && (!w->count || w->told < w->count);
}

/* True: events may come; false: it is over. */
static bool events_wait(int fd, double end)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	double left = end ? (end - cmd_now()) * 1e3 : LOOK_MS;

	if (stopped || left <= 0)
		return false;
	poll(&poll_fd, 1, left < LOOK_MS ? (int)left + 1 : LOOK_MS);
	return !stopped;
}

static int events_loop(struct watcher *w, struct seen *seen, struct trace *trace, int fd)
{
	double end = w->timeout_s ? cmd_now() + (double)w->timeout_s : 0;
	bool changed = false;

	while (events_wait(fd, end)) {
		/* In this order a fault comes before its dump. */
		if (!trace_read(trace, seen) || (fd >= 0 && !uevent_read(fd, seen, &changed)) ||
		    !seen_look(seen, trace))
			break;
		/* The module may be another one now. */
		trace->enabled = trace->enabled && !changed;
		changed = false;
	}
	if (w->unwritable)
		return CMD_FAILED;
	if (w->count && w->told >= w->count)
		return CMD_OK;
	if (stopped)
		return CMD_OK;
	if (!end || cmd_now() < end)
		return CMD_FAILED;	/* no memory, which was told */
	if (!w->count)
		return CMD_OK;
	fprintf(stderr, "gaon: events: %llu of %llu events came within %llu s\n", (unsigned long long)w->told,
		(unsigned long long)w->count, (unsigned long long)w->timeout_s);
	return CMD_TIMEOUT;
}

static int events_start(struct watcher *w, struct seen *seen)
{
	char why[512] = "";
	struct trace trace;
	int fd = -1, code;

	if (!tree_is_recorded()) {
		fd = uevent_open();
		if (fd < 0)
			fprintf(stderr, "gaon: events: no messages from the kernel (%s): dumps, errors of memories and cards that are given up are not told\n",
				strerror(errno));
	}
	if (!trace_begin(&trace, why, sizeof(why)))
		fprintf(stderr, "gaon: events: no tracepoints: faults and causes of resets are not told: %s\n", why);
	fprintf(stderr, "gaon: events: watching %zu card%s\n", seen->count, seen->count == 1 ? "" : "s");
	code = events_loop(w, seen, &trace, fd);
	trace_end(&trace);
	if (fd >= 0)
		close(fd);
	return code;
}

static int events_run_on(struct watcher *w)
{
	const struct sigaction stop = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };
	const char *name = w->common.device ? w->common.device : getenv("GAON_DEVICE");
	struct seen seen;
	int code = CMD_FAILED;

	if (name && !strcmp(name, "embedded")) {
		fprintf(stderr, "gaon: events: the embedded device is part of the program that uses it, which is told of its faults; GAON_LOG=debug shows them\n");
		return CMD_FAILED;
	}
	/* The trace buffer's instance must not be left behind. */
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	if (!seen_start(&seen, event_show, w))
		return CMD_FAILED;
	if (name && *name) {
		const struct card_list list = {
			.cards = calloc(seen.count + 1, sizeof(struct card)), .count = seen.count,
		};
		const struct card *card = NULL;

		for (size_t i = 0; list.cards && i < seen.count; i++)
			list.cards[i] = seen.cards[i].card;
		if (list.cards)
			card = card_list_need(&list, name);
		if (card)
			snprintf(w->only, sizeof(w->only), "%s", card->address);
		free(list.cards);
	}
	/* Cards may still come, so none is no error. */
	if (!name || !*name || w->only[0])
		code = events_start(w, &seen);
	seen_free(&seen);
	return code;
}

/* --- the command line --------------------------------------------------------------------------- */

static bool parse_kinds(uint32_t *kinds, const char *text)
{
	unsigned int i;
	size_t n;

	for (*kinds = 0; *text; text += n + (text[n] == ',')) {
		n = strcspn(text, ",");
		for (i = 0; i < EVENT_KINDS; i++) {
			if (strlen(event_kind_name[i]) == n && !strncmp(text, event_kind_name[i], n))
				break;
		}
		if (i == EVENT_KINDS) {
			fprintf(stderr, "gaon: events: no kind is named '%.*s'; there are:", (int)n, text);
			for (i = 0; i < EVENT_KINDS; i++)
				fprintf(stderr, " %s", event_kind_name[i]);
			fprintf(stderr, "\n");
			return false;
		}
		*kinds |= 1u << i;
	}
	return true;
}

static bool events_option(struct watcher *w, int c)
{
	switch (c) {
	case 'k':
		return parse_kinds(&w->kinds, optarg);
	case 'n':
		if (cmd_parse_u64(optarg, UINT32_MAX, &w->count) && w->count)
			return true;
		fprintf(stderr, "gaon: events: --count takes 1 to %u events, not '%s'\n", UINT32_MAX, optarg);
		return false;
	default:
		if (cmd_parse_u64(optarg, TIMEOUT_MOST, &w->timeout_s) && w->timeout_s)
			return true;
		fprintf(stderr, "gaon: events: --timeout takes 1 to %d seconds, not '%s'\n", TIMEOUT_MOST, optarg);
		return false;
	}
}

static int events_run(const struct cmd *cmd, int argc, char **argv)
{
	struct watcher w = { .kinds = UINT32_MAX };
	int c;

	while ((c = cmd_next_option(cmd, &w.common, argc, argv)) >= 0) {
		if (!events_option(&w, c))
			return CMD_USAGE;
	}
	if (c == CMD_STOP)
		return w.common.code;
	return optind < argc ? cmd_usage(cmd, true) : events_run_on(&w);
}

static const struct cmd_option events_options[] = {
	{ "kind", "KIND,...", "only these: fault, reset, ras, ... (default: all)", 'k' },
	{ "count", "N", "end after N events (default: go on)", 'n' },
	{ "timeout", "S", "end after S seconds; status 4 if --count was not reached", 't' },
	{ 0 },
};

const struct cmd cmd_events = {
	.name = "events",
	.summary = "what happens to cards, as it happens: faults, resets, errors, throttling",
	.flags = CMD_DEVICE | CMD_ROOT,
	.options = events_options,
	.text = "A line for each event, or with --json a document a line. Kinds: added, removed (a card), driver (bound,\n"
		"unbound), state, reset (of the whole card), fault (of a queue), wedged (given up), ras (errors of memories\n"
		"and links), throttle, link (PCI speed or width), port (of links to other cards: up, down), coredump (a dump was\n"
		"kept), lost (events are missing).\n"
		"Faults and the causes of resets come from tracepoints: root only. No card is opened, and none is woken.\n",
	.run = events_run,
};
