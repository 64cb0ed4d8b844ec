// SPDX-License-Identifier: MIT
/* gaon config: settings of cards shown, changed, kept, and set anew when a card comes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card/card.h"
#include "card/client.h"
#include "card/holders.h"
#include "card/tree.h"
#include "cmd.h"
#include "config/config.h"

struct change {
	const struct config_setting *setting;
	const struct card *card;	/* NULL: the module's */
	int64_t value;
	char text[CONFIG_TEXT];		/* as it is kept */
};

struct request {
	const char *action;
	int count;			/* of operands */
	char **operands;
	bool all, save, idle, json;
	const char *device;
	struct card_list cards;
	struct client_list clients;
	struct config_saved saved;
	const struct card *only;	/* NULL: all cards */
	struct change *changes;
	size_t changed;
};

static bool is(const struct request *r, const char *action)
{
	return !strcmp(r->action, action);
}

static bool is_meant(const struct request *r, const struct card *card)
{
	return !r->only || r->only == card;
}

/* --- what is to be changed: all of it is looked at before anything is changed --------------------- */

static bool add_change(struct request *r, const struct config_setting *s, const struct card *card,
		       const char *text)
{
	const char *whose = card ? card->name : "the module";
	struct config_value v;
	struct change *changes;
	int64_t value;

	config_read(s, card, &v);
	if (!v.known && card && strcmp(card->driver, CARD_DRIVER)) {
		fprintf(stderr, "gaon: %s is not the driver gaon's, but %s: %s cannot be set; `gaon doctor` says what to do\n",
			whose, card->driver[0] ? card->driver : "nobody's", s->name);
		return false;
	}
	if (!v.known) {
		fprintf(stderr, "gaon: %s has no %s: %s\n", whose, s->name,
			card ? "its firmware or this kernel does not offer it" :
			       "it is not loaded; gaon module load");
		return false;
	}
	if (!config_parse(s, whose, &v, text, &value))
		return false;
	changes = realloc(r->changes, (r->changed + 1) * sizeof(*changes));
	if (!changes) {
		fprintf(stderr, "gaon: no memory for %zu changes\n", r->changed + 1);
		return false;
	}
	r->changes = changes;
	changes[r->changed] = (struct change){ .setting = s, .card = card, .value = value };
	snprintf(changes[r->changed++].text, CONFIG_TEXT, "%s", text);
	return true;
}

static bool add_changes(struct request *r, const struct config_setting *s, const char *text)
{
	if (s->module && r->only) {
		fprintf(stderr, "gaon: %s is the module's, for all cards: --all instead of --device %s\n", s->name,
			r->only->name);
		return false;
	}
	if (s->module)
		return add_change(r, s, NULL, text);
	for (size_t i = 0; i < r->cards.count; i++) {
		if (is_meant(r, &r->cards.cards[i]) && !add_change(r, s, &r->cards.cards[i], text))
			return false;
	}
	return true;
}

static bool plan_set(struct request *r)
{
	for (int i = 0; i < r->count; i++) {
		const char *equals = strchr(r->operands[i], '=');
		const struct config_setting *s;

		if (!equals) {
			fprintf(stderr, "gaon: a setting is NAME=VALUE, not '%s'\n", r->operands[i]);
			return false;
		}
		s = config_find(r->operands[i], (size_t)(equals - r->operands[i]));
		if (!s || !add_changes(r, s, equals + 1))
			return false;
	}
	return true;
}

/* Without a name: all of them; of one card not the module's. */
static bool plan_reset(struct request *r)
{
	const struct config_setting *s;

	for (int i = 0; i < r->count; i++) {
		s = config_find(r->operands[i], strlen(r->operands[i]));
		if (!s || !add_changes(r, s, "default"))
			return false;
	}
	for (s = config_settings; s->name && !r->count; s++) {
		if (s->kind != CONFIG_FIXED && !(s->module && r->only) && !add_changes(r, s, "default"))
			return false;
	}
	return true;
}

/* What of it cannot be set is told; the rest is set all the same. */
static bool plan_apply(struct request *r)
{
	bool good = true;

	for (const struct config_setting *s = config_settings; s->name; s++) {
		const char *text;

		for (size_t i = 0; i < r->cards.count && !s->module; i++) {
			const struct card *card = &r->cards.cards[i];

			text = config_saved_find(&r->saved, s, card);
			if (text && is_meant(r, card) && (r->only || !strcmp(card->driver, CARD_DRIVER)))
				good = add_change(r, s, card, text) && good;
		}
		text = s->module ? config_saved_find(&r->saved, s, NULL) : NULL;
		if (text)
			good = add_change(r, s, NULL, text) && good;
	}
	return good;
}

/* --- may it be done ------------------------------------------------------------------------------- */

static void print_sudo(const struct request *r)
{
	fprintf(stderr, "gaon: only root changes settings: sudo gaon config");
	if (r->only)
		fprintf(stderr, " --device %s", r->only->name);
	fprintf(stderr, "%s%s %s", r->all ? " --all" : "", r->save ? " --save" : "", r->action);
	for (int i = 0; i < r->count; i++)
		fprintf(stderr, " %s", r->operands[i]);
	fprintf(stderr, "\n");
}

static bool may_change(const struct request *r)
{
	char path[TREE_PATH];

	if (tree_is_recorded()) {
		fprintf(stderr, "gaon: this is a recorded tree: nothing of it is changed\n");
		return false;
	}
	if (r->save && geteuid()) {
		print_sudo(r);
		return false;
	}
	for (size_t i = 0; i < r->changed; i++) {
		const struct change *c = &r->changes[i];

		/* Other errors are told when it is written. */
		if (config_path(c->setting, c->card, path, sizeof(path)) && access(path, W_OK) &&
		    (errno == EACCES || errno == EPERM)) {
			print_sudo(r);
			return false;
		}
	}
	return true;
}

/* Nothing here needs a card that is idle; who asks for it gets it. */
static bool may_disturb(const struct request *r)
{
	size_t busy = 0;

	for (size_t i = 0; i < r->cards.count && r->idle; i++) {
		const struct card *card = &r->cards.cards[i];

		if (!is_meant(r, card) || !holders_of(&r->clients, card))
			continue;
		busy++;
		fprintf(stderr, "gaon: %s is in use; nothing was changed\n", card->name);
		holders_print(&r->clients, card);
	}
	return !busy;
}

/* --- doing it ------------------------------------------------------------------------------------- */

/* The file is written first: a disk that is full leaves all as it was. */
static bool keep(struct request *r)
{
	for (size_t i = 0; i < r->changed; i++) {
		const struct change *c = &r->changes[i];
		/* Of all cards there is one line. */
		const struct card *card = r->all ? NULL : c->card;

		if (c->setting->kind != CONFIG_FIXED &&
		    !config_saved_set(&r->saved, c->setting, card, is(r, "reset") ? NULL : c->text))
			return false;
	}
	return config_saved_write(&r->saved);
}

static bool change(struct request *r)
{
	bool good = is(r, "apply") ? plan_apply(r) : is(r, "set") ? plan_set(r) : plan_reset(r);

	if (!good && !is(r, "apply"))
		return false;
	if (!may_change(r) || !may_disturb(r) || (r->save && !keep(r)))
		return false;
	for (size_t i = 0; i < r->changed; i++)
		good = config_write(r->changes[i].setting, r->changes[i].card, r->changes[i].value) && good;
	return good;
}

static void show_json(const struct request *r, const struct config_show *show, bool done)
{
	json_t *cards = json_array();

	for (size_t i = 0; i < r->cards.count; i++) {
		if (is_meant(r, &r->cards.cards[i]))
			json_array_append_new(cards, config_card_json(show, &r->cards.cards[i]));
	}
	cmd_print_json(json_pack("{s:s, s:b, s:o, s:o}", "action", r->action, "done", done, "cards", cards, "module",
				 config_module_json(show)));
}

static bool show_retired(const struct request *r)
{
	bool good = true;

	for (size_t i = 0; i < r->cards.count; i++) {
		if (is_meant(r, &r->cards.cards[i]))
			good = config_print_retired(&r->cards.cards[i]) && good;
	}
	return good;
}

static void show_text(const struct request *r, const struct config_show *show)
{
	for (size_t i = 0; i < r->cards.count; i++) {
		if (is_meant(r, &r->cards.cards[i]))
			config_print_card(show, &r->cards.cards[i]);
	}
	config_print_module(show);
}

static bool act(struct request *r)
{
	const struct config_show show = { &r->saved, &r->clients };
	bool looks = is(r, "show") || is(r, "retired"), done = looks || change(r);

	if (r->json)
		show_json(r, &show, done);
	else if (is(r, "retired"))
		done = show_retired(r);
	else if (done && !is(r, "apply"))
		show_text(r, &show);
	return done;
}

static int run(struct request *r)
{
	int code = CMD_FAILED;

	if (!card_list_read(&r->cards, false))
		return CMD_FAILED;
	if (r->device)
		r->only = card_list_need(&r->cards, r->device);
	if (!r->device && !r->cards.count && !is(r, "apply"))
		card_list_need(&r->cards, "any");
	else if ((!r->device || r->only) && client_list_read(&r->clients) && config_saved_read(&r->saved))
		code = act(r) ? CMD_OK : CMD_FAILED;
	config_saved_free(&r->saved);
	client_list_free(&r->clients);
	card_list_free(&r->cards);
	free(r->changes);
	return code;
}

/* --- the command line ------------------------------------------------------------------------------ */

static int check_line(const struct cmd *cmd, const struct request *r)
{
	bool set = is(r, "set"), reset = is(r, "reset");

	if (!set && !reset && !is(r, "show") && !is(r, "retired") && !is(r, "apply"))
		return cmd_usage(cmd, true);
	if ((set && !r->count) || (r->count && !set && !reset) || (r->save && !set && !reset) ||
	    (r->idle && !set && !reset && !is(r, "apply")))
		return cmd_usage(cmd, true);
	if (r->all && r->device) {
		fprintf(stderr, "gaon config: --device or --all, not both\n");
		return CMD_USAGE;
	}
	/* No default, no environment: what is changed was named. */
	if ((set || reset) && !r->all && !r->device) {
		fprintf(stderr, "gaon config: --device says which card, --all that it is every card; `gaon list` lists them\n");
		return CMD_USAGE;
	}
	return CMD_OK;
}

static int config_run(const struct cmd *cmd, int argc, char **argv)
{
	struct request r = { .action = "show" };
	struct cmd_common common = { 0 };
	int c, code;

	while ((c = cmd_next_option(cmd, &common, argc, argv)) >= 0) {
		switch (c) {
		case 'a': r.all = true; break;
		case 's': r.save = true; break;
		default: r.idle = true; break;
		}
	}
	if (c == CMD_STOP)
		return common.code;
	if (optind < argc)
		r.action = argv[optind++];
	r.count = argc - optind;
	r.operands = argv + optind;
	r.device = common.device;
	r.json = common.json;
	code = check_line(cmd, &r);
	return code ? code : run(&r);
}

static const struct cmd_option config_options[] = {
	{ "all", NULL, "set, reset: every card, instead of --device", 'a' },
	{ "save", NULL, "set, reset: keep it for whenever the card comes", 's' },
	{ "idle", NULL, "change nothing of a card that is in use", 'i' },
	{ 0 },
};

const struct cmd cmd_config = {
	.name = "config",
	.summary = "power cap, clock, persistence, ECC and page retirement of cards",
	.operands = "[show|set|reset|retired|apply] [NAME[=VALUE]]...",
	.words = "show set reset retired apply",
	.flags = CMD_DEVICE | CMD_ROOT,
	.options = config_options,
	.text = "show, which is the default, lists settings with their ranges and what is kept. set NAME=VALUE... changes\n"
		"them, on a card that works, too; reset [NAME]... sets what a card has by itself. retired lists pages of HBM\n"
		"that are out of use. apply sets what " CONFIG_FILE " keeps: a service does when a card comes.\n"
		"Names: power-cap (W), clock (MHz), persistence (on: it never sleeps), autosuspend (ms), ecc (always on);\n"
		"of all cards: page-ce-limit, channel-ce-limit. Reading wakes no card. Changes are root's.\n"
		"Exit status: 0 it is as asked for, 1 refused or failed, 2 usage.\n",
	.run = config_run,
};
