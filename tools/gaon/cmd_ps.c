// SPDX-License-Identifier: MIT
/* gaon ps: who has cards open, and what they use of them. */
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "card/card.h"
#include "card/client.h"
#include "cmd.h"

#define INTERVAL_MS	200
#define INTERVAL_MOST	3600000

static const char *card_name(const struct card_list *cards, const char *address)
{
	const struct card *card = card_list_find(cards, address);

	return card ? card->name : address;
}

static json_t *client_json(const struct client *c, const char *device, struct client_use use)
{
	return json_pack("{s:i, s:o, s:o, s:o, s:s, s:s, s:I, s:b, s:f, s:f, s:I, s:I, s:I, s:I}", "pid", (int)c->pid,
			 "uid", cmd_json_number(c->uid, c->uid >= 0), "user", cmd_json_text(c->user),
			 "command", cmd_json_text(c->command), "device", device, "address", c->address,
			 "client", (json_int_t)c->id, "shared", c->shared, "core_share", use.core,
			 "copy_share", use.copy, "core_ns", (json_int_t)c->core_ns, "copy_ns",
			 (json_int_t)c->copy_ns, "hbm_bytes", (json_int_t)c->hbm, "host_bytes",
			 (json_int_t)c->host);
}

static void print_client(const struct client *c, const char *device, struct client_use use)
{
	char hbm[32], host[32];

	printf("%8d %-10.10s %-12s %5.1f%% %5.1f%% %10s %10s  %s%s\n", (int)c->pid, c->user,
	       device, use.core * 100, use.copy * 100, cmd_bytes(c->hbm, hbm, sizeof(hbm)),
	       cmd_bytes(c->host, host, sizeof(host)), c->command, c->shared ? " (shares another's file)" : "");
}

static int show(const struct client_list *before, const struct client_list *now,
		const struct card_list *cards, const struct card *only, bool json)
{
	json_t *array = json ? json_array() : NULL;

	if (!json)
		printf("%8s %-10s %-12s %6s %6s %10s %10s  %s\n", "PID", "USER", "DEVICE", "CORES", "COPIES", "HBM",
		       "HOST", "COMMAND");
	for (size_t i = 0; i < now->count; i++) {
		const struct client *c = &now->clients[i];
		struct client_use use = client_use(c, before);

		if (only && strcmp(c->address, only->address))
			continue;
		if (json)
			json_array_append_new(array, client_json(c, card_name(cards, c->address), use));
		else
			print_client(c, card_name(cards, c->address), use);
	}
	if (json)
		return cmd_print_json(json_pack("{s:b, s:o}", "complete", now->complete, "processes", array));
	if (!now->complete)
		fprintf(stderr, "gaon: only root sees the processes of other users: sudo gaon ps\n");
	return CMD_OK;
}

static int run(const struct cmd_common *common, uint64_t ms)
{
	const struct timespec pause = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };
	struct client_list before = { 0 }, now = { 0 };
	const struct card *only = NULL;
	struct card_list cards;
	int code = CMD_FAILED;

	if (!card_list_read(&cards, false))
		return CMD_FAILED;
	if (common->device)
		only = card_list_need(&cards, common->device);
	if ((!common->device || only) && client_list_read(&before)) {
		nanosleep(&pause, NULL);
		if (client_list_read(&now))
			code = show(&before, &now, &cards, only, common->json);
	}
	client_list_free(&before);
	client_list_free(&now);
	card_list_free(&cards);
	return code;
}

static int ps_run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_common common = { 0 };
	uint64_t ms = INTERVAL_MS;
	int c;

	while ((c = cmd_next_option(cmd, &common, argc, argv)) >= 0) {
		if (!cmd_parse_u64(optarg, INTERVAL_MOST, &ms)) {
			fprintf(stderr, "gaon ps: --interval takes 0 to %d milliseconds, not '%s'\n", INTERVAL_MOST,
				optarg);
			return CMD_USAGE;
		}
	}
	if (c == CMD_STOP)
		return common.code;
	if (optind < argc)
		return cmd_usage(cmd, true);
	return run(&common, ms);
}

static const struct cmd_option ps_options[] = {
	{ "interval", "MS", "time that shares are of (default 200)", 'i' }, { 0 },
};

const struct cmd cmd_ps = {
	.name = "ps",
	.summary = "processes that have cards open, and what they use",
	.flags = CMD_DEVICE | CMD_ROOT,
	.options = ps_options,
	.text = "One line for each process and card: the parts of all cores and of all copy engines that it had, and\n"
		"its memory on the card and of the host. Only root sees other users' processes.\n",
	.run = ps_run,
};
