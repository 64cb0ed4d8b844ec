// SPDX-License-Identifier: MIT
/* gaon info: what a device is and how it is doing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "card/tree.h"
#include "info.h"

/* All that the library tells; false: it has failed, the error is the library's. */
static bool info_open(struct info *i, const char *name)
{
	struct gaon_device *dev;
	uint64_t total;

	i->device.size = sizeof(i->device);
	i->counters.size = sizeof(i->counters);
	i->board.size = sizeof(i->board);
	if (gaon_device_open(name, &dev))
		return false;
	i->opened = !gaon_device_get_info(dev, &i->device) && !gaon_device_get_counters(dev, &i->counters) &&
		    !gaon_device_get_board(dev, &i->board) &&
		    !gaon_device_get_memory(dev, &i->free_bytes, &total);
	gaon_device_close(dev);
	return i->opened;
}

/* Opening a card wakes it: only one that was named is. */
static void info_read(struct info *i, const struct card *card, bool named)
{
	*i = (struct info){ .card = card };
	if (tree_is_recorded())
		snprintf(i->text, sizeof(i->text), "this is a recorded tree");
	else if (!named && !strcmp(card->power, "suspended"))
		snprintf(i->text, sizeof(i->text), "it sleeps; `gaon info --device %s` wakes it", card->name);
	else if (!info_open(i, card->name))
		snprintf(i->text, sizeof(i->text), "%s; %s", gaon_last_error()->text, gaon_last_error()->hint);
	/* To tell its errors the driver wakes a card, too. */
	if (!i->opened && strcmp(card->power, "suspended"))
		i->errors_known = card_errors_read(card, &i->errors);
}

static void info_show(const struct info *i, const struct client_list *clients, json_t *array)
{
	if (array)
		json_array_append_new(array, info_json(i, clients));
	else
		info_print(i, clients);
}

static int show_embedded(const char *name, json_t *array)
{
	const struct client_list none = { .complete = true };
	struct info *i = calloc(1, sizeof(*i));
	int code = CMD_FAILED;

	if (i && info_open(i, name)) {
		info_show(i, &none, array);
		code = CMD_OK;
	} else if (i) {
		cmd_ok(gaon_last_error()->status, "opening the device");
	}
	free(i);
	return code;
}

static int show_cards(struct card_list *list, const struct card *only, json_t *array)
{
	struct info *i = calloc(1, sizeof(*i));
	struct client_list clients;
	int code = CMD_FAILED;
	bool refused = false;

	if (i && client_list_read(&clients)) {
		for (size_t k = 0; k < list->count; k++) {
			struct card *card = &list->cards[k];

			if (only && card != only)
				continue;
			info_read(i, card, only != NULL);
			/* It may have been asleep. */
			if (only && i->opened)
				card_sensors_read(card);
			info_show(i, &clients, array);
			/* What the files tell is shown all the same; who named it wanted all. */
			refused = only && !i->opened && !tree_is_recorded();
		}
		client_list_free(&clients);
		code = refused ? CMD_FAILED : CMD_OK;
		if (refused)
			cmd_ok(gaon_last_error()->status, "opening the device");
	}
	free(i);
	return code;
}

static int show(const char *name, json_t *array)
{
	const struct card *only = NULL;
	struct card_list list;
	int code;

	if (!card_list_read(&list, true))
		return CMD_FAILED;
	if (name)
		only = card_list_find(&list, name);
	if (tree_is_recorded() && (name ? !only : !list.count)) {
		card_list_need(&list, name ? name : "any");
		code = CMD_FAILED;
	} else if (name ? !only : !list.count) {
		code = show_embedded(name, array);
	} else {
		code = show_cards(&list, only, array);
	}
	card_list_free(&list);
	return code;
}

static int info_run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_common common = { 0 };
	json_t *array;
	int code;

	if (!cmd_options_only(cmd, &common, argc, argv, 0, 0))
		return common.code;
	if (!common.device)
		common.device = getenv("GAON_DEVICE");
	array = common.json ? json_array() : NULL;
	code = show(common.device && *common.device ? common.device : NULL, array);
	if (!array || !json_array_size(array)) {
		json_decref(array);
		return code;
	}
	cmd_print_json(json_pack("{s:o}", "devices", array));
	return code;
}

const struct cmd cmd_info = {
	.name = "info",
	.summary = "what a device is and how it is doing",
	.flags = CMD_DEVICE | CMD_ROOT,
	.text = "Identity, bus, driver, firmware, memory, cores, sensors, errors and processes: of each card, of the one\n"
		"that is named, or, without a card, of the embedded device. A card that sleeps is woken only if it is named.\n",
	.run = info_run,
};
