// SPDX-License-Identifier: MIT
/* gaon reset: a card made anew, by the kernel's reset of the function or by the driver's own means. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "card/card.h"
#include "card/client.h"
#include "card/holders.h"
#include "card/tree.h"
#include "cmd.h"

#define WAIT_S		60.0	/* a card that is back late is said to be not back */

static const struct method {
	const char *name, *path, *text;	/* path: with the address for %s; text: what is written there */
} methods[] = {
	{ "function", "/sys/bus/pci/devices/%s/reset", "1" },
	{ "chip", "/sys/kernel/debug/accel/%s/reset", "device" },
	{ "firmware", "/sys/kernel/debug/accel/%s/reset", "firmware" },
	{ "engines", "/sys/kernel/debug/accel/%s/reset", "engines" },
};

struct reset {
	const struct method *method;
	const struct card *card;
	struct client_list clients;
	bool force, json;
	double began, took;
	int64_t resets;			/* after it; -1: not known */
	char state[16];
};

static const struct method *find_method(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (!strcmp(name, methods[i].name))
			return &methods[i];
	}
	fprintf(stderr, "gaon reset: --method is function, chip, firmware or engines, not '%s'\n", name);
	return NULL;
}

/* --- may it be done ---------------------------------------------------------------------------- */

/* What is lost is somebody's work. */
static bool may_disturb(struct reset *r)
{
	size_t holders = holders_of(&r->clients, r->card);

	if (strcmp(r->card->driver, CARD_DRIVER) && r->card->driver[0] && !r->force) {
		fprintf(stderr, "gaon: %s belongs to the driver %s, perhaps to a virtual machine; --force resets it all the same\n",
			r->card->name, r->card->driver);
		return false;
	}
	if (!holders || r->force)
		return true;
	fprintf(stderr, "gaon: %s is in use; nothing was reset\n", r->card->name);
	holders_print(&r->clients, r->card);
	fprintf(stderr, "gaon: end them, or lose their work: gaon reset --device %s --method %s --force\n", r->card->name,
		r->method->name);
	return false;
}

static bool may_reset(struct reset *r)
{
	char path[TREE_PATH];

	if (tree_is_recorded()) {
		fprintf(stderr, "gaon: %s is on a recorded tree: it cannot be reset from here\n", r->card->name);
		return false;
	}
	if (r->method->path[5] == 'k' && strcmp(r->card->driver, CARD_DRIVER)) {
		fprintf(stderr, "gaon: %s has no driver that could reset its %s; --method function needs none\n",
			r->card->name, r->method->name);
		return false;
	}
	snprintf(path, sizeof(path), r->method->path, r->card->address);
	if (!access(path, W_OK))
		return true;
	if (errno == EACCES || errno == EPERM)
		fprintf(stderr, "gaon: only root resets cards: sudo gaon reset --device %s --method %s\n", r->card->name,
			r->method->name);
	else if (r->method->path[5] == 'k')
		fprintf(stderr, "gaon: %s: %s; mount -t debugfs none /sys/kernel/debug, or --method function\n", path,
			strerror(errno));
	else
		fprintf(stderr, "gaon: %s: %s: the kernel knows no reset of this function; --method chip asks the driver\n", path,
			strerror(errno));
	return false;
}

/* --- doing it ---------------------------------------------------------------------------------- */

static bool write_reset(const struct reset *r)
{
	char path[TREE_PATH];
	int fd, err = 0;

	snprintf(path, sizeof(path), r->method->path, r->card->address);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, r->method->text, strlen(r->method->text)) < 0)
		err = errno;
	if (fd >= 0)
		close(fd);
	if (!err)
		return true;
	fprintf(stderr, "gaon: %s cannot be reset: %s (%s); dmesg tells more\n", r->card->name, strerror(err), path);
	return false;
}

static void read_state(struct reset *r)
{
	r->resets = -1;
	tree_read_line(r->state, sizeof(r->state), "/sys/bus/pci/devices/%s/state", r->card->address);
	tree_read_number(&r->resets, 0, INT32_MAX, "/sys/bus/pci/devices/%s/resets", r->card->address);
}

/* The driver's own resets are only asked for: their end is a count that has grown and a state. */
static bool over(const struct reset *r)
{
	bool settled = r->state[0] && strcmp(r->state, "resetting") != 0;

	if (strcmp(r->card->driver, CARD_DRIVER))
		return true;
	return settled && (strcmp(r->method->name, "chip") != 0 || r->resets > r->card->resets ||
			   !strcmp(r->state, "wedged"));
}

static bool wait_for(struct reset *r)
{
	const struct timespec pause = { .tv_nsec = 5000000 };

	for (;;) {
		read_state(r);
		r->took = cmd_now() - r->began;
		if (over(r))
			break;
		if (r->took > WAIT_S) {
			fprintf(stderr, "gaon: %s is '%s' %.0f s after its reset; dmesg tells more\n", r->card->name,
				r->state, WAIT_S);
			return false;
		}
		nanosleep(&pause, NULL);
	}
	if (!strcmp(r->state, "wedged") || !strcmp(r->state, "off")) {
		fprintf(stderr, "gaon: %s did not come back: it is %s; `gaon doctor` tells what to do\n", r->card->name,
			r->state);
		return false;
	}
	return true;
}

static void show(const struct reset *r, bool done)
{
	if (r->json)
		cmd_print_json(json_pack("{s:s, s:s, s:s, s:b, s:b, s:o, s:o, s:o, s:o}", "device", r->card->name,
					 "address", r->card->address, "method", r->method->name, "forced", r->force,
					 "done", done, "state", cmd_json_text(r->state), "resets",
					 cmd_json_number(r->resets, r->resets >= 0), "milliseconds",
					 done ? json_real(r->took * 1e3) : json_null(), "holders",
					 holders_json(&r->clients, r->card)));
	else if (done && r->state[0])
		printf("%s: reset of the %s, %s after %.0f ms\n", r->card->name, r->method->name, r->state,
		       r->took * 1e3);
	else if (done)
		printf("%s: reset of the %s after %.0f ms\n", r->card->name, r->method->name, r->took * 1e3);
}

static int reset_card(struct reset *r)
{
	bool done = false;

	read_state(r);
	if (!client_list_read(&r->clients))
		return CMD_FAILED;
	if (may_disturb(r) && may_reset(r)) {
		r->began = cmd_now();
		done = write_reset(r) && wait_for(r);
	}
	show(r, done);
	client_list_free(&r->clients);
	return done ? CMD_OK : CMD_FAILED;
}

static int reset_run(const struct cmd *cmd, int argc, char **argv)
{
	struct reset r = { .method = &methods[0] };
	struct cmd_common common = { 0 };
	struct card_list list;
	int c, code = CMD_FAILED;

	while ((c = cmd_next_option(cmd, &common, argc, argv)) >= 0) {
		if (c == 'f')
			r.force = true;
		else if (!(r.method = find_method(optarg)))
			return CMD_USAGE;
	}
	if (c == CMD_STOP)
		return common.code;
	if (optind < argc)
		return cmd_usage(cmd, true);
	/* No default, no environment: what is reset was named. */
	if (!common.device) {
		fprintf(stderr, "gaon reset: --device says which card; `gaon list` lists them\n");
		return CMD_USAGE;
	}
	if (!card_list_read(&list, false))
		return CMD_FAILED;
	r.json = common.json;
	r.card = card_list_need(&list, common.device);
	if (r.card)
		code = reset_card(&r);
	card_list_free(&list);
	return code;
}

static const struct cmd_option reset_options[] = {
	{ "method", "METHOD", "function (default), chip, firmware or engines", 'm' },
	{ "force", NULL, "also a card that is in use", 'f' },
	{ 0 },
};

const struct cmd cmd_reset = {
	.name = "reset",
	.summary = "make a card anew that hangs or is wedged",
	.flags = CMD_DEVICE | CMD_ROOT,
	.options = reset_options,
	.text = "Resets the card that --device names, waits until it is back, and tells its state. Methods: function, the\n"
		"kernel's reset of the PCI function; chip, the driver's of the whole card; firmware, which is started\n"
		"anew, while memory and who has no work stay; engines, which only drops all work in flight. A card that\n"
		"is in use is left alone, and who uses it is named. Root only.\n"
		"Exit status: 0 it is back, 1 refused or failed, 2 usage.\n",
	.run = reset_run,
};
