// SPDX-License-Identifier: MIT
/*
 * gaon diag: whether a device works, is right and is as fast as it says; its output and status are
 * Nagios'.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "card/client.h"
#include "card/holders.h"
#include "cmd.h"
#include "diag/output.h"

#define LEVELS		4u
#define IDLE_FROM	2u		/* levels that need the device for themselves */
#define TIME_MOST_S	1000000u
#define MEMORY_LEAST	(1ull << 20)

static const struct cmd_option diag_options[] = {
	{ "run", "LEVEL", "1 software (default), 2 short hardware, 3 stress, 4 all memory and soak", 'r' },
	{ "only", "TEST[,TEST]...", "these tests, of whatever level, alone", 'o' },
	{ "list", NULL, "the tests, with the level from which on each is run", 'l' },
	{ "memory", "SIZE", "device memory to test, such as 512M", 'm' },
	{ "time", "SECONDS", "how long each test takes that lasts", 't' },
	{ "seed", "N", "of all that is random; it is printed", 's' },
	{ 0 },
};

static void stop(int signal)
{
	(void)signal;
	diag_stopped = 1;
}

/* --- what is asked for ----------------------------------------------------------------------- */

/* A number and K, M, G or T. */
static bool parse_size(const char *text, uint64_t *out)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*out = strtoull(text, &end, 0);
	unit = *end ? strchr(units, *end & ~0x20) : NULL;
	if (*end && (!unit || end[1] || *out >> (64 - 10 * (unit - units + 1))))
		return false;
	if (unit)
		*out <<= 10 * (unit - units + 1);
	return *out >= MEMORY_LEAST && *out < 1ull << 50;
}

/* Names between commas. What a test cannot do without, an open device, is no name of the list. */
static bool parse_only(struct diag_run *run, const char *text)
{
	while (*text) {
		size_t n = strcspn(text, ","), i = 0;

		while (diag_tests[i].name &&
		       (strlen(diag_tests[i].name) != n || strncmp(diag_tests[i].name, text, n)))
			i++;
		if (!diag_tests[i].name) {
			fprintf(stderr, "gaon diag: no test is named '%.*s'; `gaon diag --list` lists them\n", (int)n, text);
			return false;
		}
		run->asked[i] = true;
		text += n + (text[n] == ',');
	}
	return true;
}

static bool take_option(struct diag_run *run, int letter, bool *only)
{
	uint64_t value;

	switch (letter) {
	case 'r':
		if (cmd_parse_u64(optarg, LEVELS, &value) && value) {
			run->d.level = (unsigned int)value;
			return true;
		}
		fprintf(stderr, "gaon diag: --run takes 1 to %u, not '%s'\n", LEVELS, optarg);
		return false;
	case 'o':
		*only = true;
		if (*optarg)
			return parse_only(run, optarg);
		fprintf(stderr, "gaon diag: --only takes names of tests; `gaon diag --list` lists them\n");
		return false;
	case 'm':
		if (parse_size(optarg, &run->d.memory))
			return true;
		fprintf(stderr, "gaon diag: --memory takes a size from 1M on, such as 512M or 4G, not '%s'\n", optarg);
		return false;
	case 't':
		if (cmd_parse_u64(optarg, TIME_MOST_S, &value) && value) {
			run->d.seconds = (double)value;
			return true;
		}
		fprintf(stderr, "gaon diag: --time takes 1 to %u seconds, not '%s'\n", TIME_MOST_S, optarg);
		return false;
	default:
		if (cmd_parse_u64(optarg, UINT64_MAX, &run->d.seed))
			return true;
		fprintf(stderr, "gaon diag: --seed takes a number, not '%s'\n", optarg);
		return false;
	}
}

/* Tests of the level, or those that were named; the level then is theirs. */
static void choose_tests(struct diag_run *run, bool only)
{
	unsigned int level = 0;

	for (size_t i = 0; diag_tests[i].name; i++) {
		if (!only)
			run->asked[i] = diag_tests[i].level <= run->d.level;
		else if (run->asked[i] && diag_tests[i].level > level)
			level = diag_tests[i].level;
	}
	if (only)
		run->d.level = level;
}

/* --- may it be done -------------------------------------------------------------------------- */

/* Others would disturb the tests, and the tests would disturb them. */
static bool is_free(struct diag_run *run)
{
	const struct card *card = run->d.card;
	struct client_list clients = { 0 };
	size_t holders;

	if (!card || run->d.level < IDLE_FROM)
		return true;
	if (!client_list_read(&clients)) {
		snprintf(run->summary, sizeof(run->summary), "nothing was tested: no memory");
		return false;
	}
	holders = holders_of(&clients, card);
	if (holders) {
		snprintf(run->summary, sizeof(run->summary), "in use by %zu open files, nothing was tested", holders);
		fprintf(stderr, "gaon: %s is in use, and tests of level %u need it for themselves; nothing was tested\n",
			card->name, run->d.level);
		holders_print(&clients, card);
		fprintf(stderr, "gaon: wait for them, or look at the software alone: gaon diag -r 1 --device %s\n", card->name);
	}
	client_list_free(&clients);
	return !holders;
}

/* The card that is meant; NULL for the embedded device. False: there is none, which was said. */
static bool find_card(struct diag_run *run, const struct card_list *list)
{
	struct diag *d = &run->d;
	const char *name = d->device ? d->device : getenv("GAON_DEVICE");

	if (!name || !*name) {
		/* As gaon_device_open() does: the first that has a node. */
		for (size_t i = 0; i < list->count && !d->card; i++) {
			if (list->cards[i].node[0])
				d->card = &list->cards[i];
		}
	} else if (strcmp(name, "embedded") != 0) {
		d->card = card_list_need(list, name);
		d->device = name;
		if (!d->card) {
			snprintf(run->summary, sizeof(run->summary), "there is no such card");
			return false;
		}
	}
	d->embedded = !d->card;
	d->device = d->card ? d->card->name : "embedded";
	return true;
}

/* --- doing it -------------------------------------------------------------------------------- */

static void run_test(struct diag_run *run, size_t i)
{
	struct diag *d = &run->d;
	double start = cmd_now();

	d->test = &diag_tests[i];
	d->result = &run->results[i];
	if (diag_stopped) {
		diag_skip(d, "interrupted");
		return;
	}
	if (diag_tests[i].run != diag_software && diag_tests[i].run != diag_open_test && !d->dev) {
		diag_skip(d, "the device is not open");
		return;
	}
	diag_progress(d, 0);
	d->result->ran = true;
	diag_tests[i].run(d);
	d->result->seconds = cmd_now() - start;
}

/* The device is opened whether that is asked for or not. */
static void run_tests(struct diag_run *run)
{
	struct sigaction action = { .sa_handler = stop };
	struct diag *d = &run->d;

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	d->began = cmd_now();
	for (size_t i = 0; diag_tests[i].name; i++) {
		bool opens = diag_tests[i].run == diag_open_test;

		if (!run->asked[i] && !opens)
			continue;
		run_test(run, i);
		if (opens && run->results[i].verdict != DIAG_OK)
			run->asked[i] = true;
	}
	run->interrupted = diag_stopped;
	diag_close(d);
	run->seconds = cmd_now() - d->began;
	if (d->shown > 0)
		fprintf(stderr, "\r\033[K");
	diag_conclude(run);
}

static int diag_device(struct diag_run *run, bool json)
{
	struct card_list list = { 0 };

	run->verdict = DIAG_UNKNOWN;
	if (!card_list_read(&list, false))
		return DIAG_UNKNOWN;
	if (find_card(run, &list) && is_free(run))
		run_tests(run);
	else
		memset(run->asked, 0, sizeof(run->asked));
	if (json)
		diag_print_json(run);
	else
		diag_print_text(run);
	card_list_free(&list);
	return (int)run->verdict;
}

static uint64_t new_seed(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000003u ^ (uint64_t)now.tv_nsec;
}

static int diag_main(struct diag_run *run, const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_common common = { 0 };
	bool only = false, list = false;
	int c, code;

	run->d.level = 1;
	run->d.seed = new_seed();
	while ((c = cmd_next_option(cmd, &common, argc, argv)) >= 0) {
		if (c == 'l')
			list = true;
		else if (!take_option(run, c, &only))
			return DIAG_UNKNOWN;
	}
	if (c == CMD_STOP)
		return common.code ? DIAG_UNKNOWN : DIAG_OK;
	if (optind < argc) {
		cmd_usage(cmd, true);
		return DIAG_UNKNOWN;
	}
	if (list) {
		diag_print_list(common.json);
		return DIAG_OK;
	}
	run->d.device = common.device;
	choose_tests(run, only);
	code = diag_device(run, common.json);
	/* main() says so; to monitoring it is that nothing is known. */
	return fflush(stdout) || ferror(stdout) ? DIAG_UNKNOWN : code;
}

static int diag_run(const struct cmd *cmd, int argc, char **argv)
{
	struct diag_run *run = calloc(1, sizeof(*run));
	int code;

	if (!run) {
		fprintf(stderr, "gaon: no memory\n");
		return DIAG_UNKNOWN;
	}
	code = diag_main(run, cmd, argc, argv);
	free(run);
	return code;
}

const struct cmd cmd_diag = {
	.name = "diag",
	.summary = "whether a device works, is right and is as fast as it says",
	.flags = CMD_DEVICE,
	.options = diag_options,
	.text = "Tests one device. Levels: 1 is the software there, and does the device do anything (seconds); 2 memories, every\n"
		"core, engine and kind of instruction against results that the host worked out, and speed against what the\n"
		"device says of itself; 3 the same under load for minutes; 4 all free memory, and ten minutes more. From level 2 on the device has to be idle; who uses it is named.\n"
		"The first line is for monitoring; exit status: 0 OK, 1 warning, 2 critical, 3 unknown (also wrong usage).\n",
	.run = diag_run,
};
