/* SPDX-License-Identifier: MIT */
/*
 * Settings of cards: what the driver and the kernel offer for them in sysfs, by one name each. Reading wakes
 * no card. What is to stay is kept in a file, and set anew whenever a card comes (`gaon config apply`).
 */
#ifndef GAON_TOOLS_CONFIG_H
#define GAON_TOOLS_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "../card/card.h"
#include "../card/client.h"

#define CONFIG_DIR	"/etc/gaon"
#define CONFIG_FILE	CONFIG_DIR "/config"
#define CONFIG_TEXT	48		/* longest value as text */

enum config_kind {
	CONFIG_NUMBER,
	CONFIG_SWITCH,			/* 1: on */
	CONFIG_FIXED,			/* on, and nothing changes that */
};

struct config_setting {
	const char *name, *unit;	/* unit: NULL without */
	enum config_kind kind;
	bool module;			/* of the kernel module: of all cards */
	const char *file;		/* below the card, "hwmon/" for its hwmon's directory; or a whole path */
	int64_t scale;			/* so many of the file's units are one of the user's */
	/* Files beside it that tell its range, or the range itself, in the file's units. */
	const char *min_file, *max_file, *default_file;
	int64_t min, max, standard;
	const char *on, *off;		/* what a switch's file has for them */
};

/* All, up to one without a name. */
extern const struct config_setting config_settings[];
/* The same, else a line on standard error that lists those that are there. */
const struct config_setting *config_find(const char *name, size_t length);

/* In the file's units. */
struct config_value {
	bool known;			/* all of it */
	int64_t now, min, max, standard;
};

/* @card is not looked at for a setting of the module's. */
void config_read(const struct config_setting *s, const struct card *card, struct config_value *out);
/* Where it is written; false: there is no such file. */
bool config_path(const struct config_setting *s, const struct card *card, char *out, size_t size);
/* "200", "on"; without its unit. */
const char *config_text(const struct config_setting *s, int64_t value, char out[CONFIG_TEXT]);
/* What was asked for, "default" too; false with a message that has the range. @whose: for that. */
bool config_parse(const struct config_setting *s, const char *whose, const struct config_value *range,
		  const char *text, int64_t *out);
/* Writes it, and reads it back; false with a message. */
bool config_write(const struct config_setting *s, const struct card *card, int64_t value);

/* --- saved.c: lines "SERIAL NAME VALUE", "*" for each card that has no line of its own --------------- */

struct config_line {
	char serial[33];		/* or "*" */
	const struct config_setting *setting;
	char value[CONFIG_TEXT];
};

struct config_saved {
	struct config_line *lines;
	size_t count;
};

/* No file is no line. False with a message that names the line that is wrong. config_saved_free() frees. */
bool config_saved_read(struct config_saved *saved);
void config_saved_free(struct config_saved *saved);
/* What counts for a card, NULL: nothing. @card may be NULL for a setting of the module's. */
const char *config_saved_find(const struct config_saved *saved, const struct config_setting *s,
			      const struct card *card);
/*
 * @value: of @card, or of all if it is NULL, whose own lines go; NULL forgets it. False without memory, or
 * for a card without a serial number. Nothing is in the file before config_saved_write().
 */
bool config_saved_set(struct config_saved *saved, const struct config_setting *s, const struct card *card,
		      const char *value);
bool config_saved_write(const struct config_saved *saved);

/* --- show.c ------------------------------------------------------------------------------------------ */

struct config_show {
	const struct config_saved *saved;
	const struct client_list *clients;
};

void config_print_card(const struct config_show *show, const struct card *card);
void config_print_module(const struct config_show *show);
/* Pages of HBM that are out of use, a line for each. False with a message: they cannot be read. */
bool config_print_retired(const struct card *card);
json_t *config_card_json(const struct config_show *show, const struct card *card);
json_t *config_module_json(const struct config_show *show);

#endif
