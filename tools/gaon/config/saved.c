// SPDX-License-Identifier: MIT
/* Settings that are to stay: see config.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../card/tree.h"
#include "../file.h"
#include "config.h"

#define FILE_MOST	65536
#define ALL		"*"

static const char file_head[] =
	"# Settings of Gaon accelerators: serial number or *, name, value. `gaon config --save` keeps them here, and\n"
	"# `gaon config apply` sets them when a card comes: systemd starts it for each (gaon-config@.service).\n";

static struct config_line *add(struct config_saved *saved)
{
	struct config_line *lines = realloc(saved->lines, (saved->count + 1) * sizeof(*lines));

	if (!lines) {
		fprintf(stderr, "gaon: no memory for %zu settings\n", saved->count + 1);
		return NULL;
	}
	saved->lines = lines;
	lines += saved->count++;
	*lines = (struct config_line){ 0 };
	return lines;
}

static bool bad_line(unsigned int number, const char *why)
{
	fprintf(stderr, "gaon: " CONFIG_FILE ": line %u: %s; a line is SERIAL NAME VALUE, with * for all cards\n", number,
		why);
	return false;
}

static bool take_line(struct config_saved *saved, char *text, unsigned int number)
{
	char *save = NULL, *serial = strtok_r(text, " \t", &save), *name, *value;
	struct config_line *line;

	if (!serial || serial[0] == '#')
		return true;
	name = strtok_r(NULL, " \t", &save);
	value = name ? strtok_r(NULL, " \t", &save) : NULL;
	if (!value || strtok_r(NULL, " \t", &save))
		return bad_line(number, value ? "more than three words" : "fewer than three words");
	if (strlen(serial) >= sizeof(line->serial) || strlen(value) >= sizeof(line->value))
		return bad_line(number, "a word is too long");
	line = add(saved);
	if (!line)
		return false;
	strcpy(line->serial, serial);
	strcpy(line->value, value);
	line->setting = config_find(name, strlen(name));
	if (!line->setting)
		return bad_line(number, "an unknown name");
	if (line->setting->module && strcmp(serial, ALL))
		return bad_line(number, "this is the module's, not one card's");
	return true;
}

bool config_saved_read(struct config_saved *saved)
{
	static char text[FILE_MOST];	/* the tools have one thread */
	unsigned int number = 1;
	bool good = true;
	long size;

	*saved = (struct config_saved){ 0 };
	errno = 0;
	size = tree_read_all(text, sizeof(text), CONFIG_FILE);
	if (size < 0 && errno == ENOENT)
		return true;
	if (size < 0 || size == sizeof(text) - 1 || strlen(text) != (size_t)size) {
		fprintf(stderr, "gaon: " CONFIG_FILE ": %s\n", size < 0 ? strerror(errno) : "it is no text, or has more than 65534 bytes");
		return false;
	}
	for (char *line = text; good && *line; number++) {
		size_t length = strcspn(line, "\n");
		char *next = line + length + (line[length] == '\n');

		line[length] = '\0';
		good = take_line(saved, line, number);
		line = next;
	}
	if (!good)
		config_saved_free(saved);
	return good;
}

void config_saved_free(struct config_saved *saved)
{
	free(saved->lines);
	*saved = (struct config_saved){ 0 };
}

/* The last one counts, as everywhere. */
static const char *find(const struct config_saved *saved, const struct config_setting *s, const char *serial)
{
	const char *value = NULL;

	for (size_t i = 0; i < saved->count; i++) {
		if (saved->lines[i].setting == s && !strcasecmp(saved->lines[i].serial, serial))
			value = saved->lines[i].value;
	}
	return value;
}

const char *config_saved_find(const struct config_saved *saved, const struct config_setting *s,
			      const struct card *card)
{
	const char *own = card && card->serial[0] ? find(saved, s, card->serial) : NULL;

	return own ? own : find(saved, s, ALL);
}

static void forget(struct config_saved *saved, const struct config_setting *s, const char *serial)
{
	size_t kept = 0;

	for (size_t i = 0; i < saved->count; i++) {
		const struct config_line *line = &saved->lines[i];

		if (line->setting != s || (serial && strcasecmp(line->serial, serial)))
			saved->lines[kept++] = *line;
	}
	saved->count = kept;
}

bool config_saved_set(struct config_saved *saved, const struct config_setting *s, const struct card *card,
		      const char *value)
{
	struct config_line *line;

	if (card && !card->serial[0]) {
		fprintf(stderr, "gaon: %s tells no serial number by which its settings could be kept; --all keeps them for every card\n",
			card->name);
		return false;
	}
	forget(saved, s, card ? card->serial : NULL);
	/* What counts for all cards must not count for this one again. */
	if (!value && card && find(saved, s, ALL))
		value = "default";
	if (!value)
		return true;
	line = add(saved);
	if (!line)
		return false;
	snprintf(line->serial, sizeof(line->serial), "%s", card ? card->serial : ALL);
	snprintf(line->value, sizeof(line->value), "%s", value);
	line->setting = s;
	return true;
}

bool config_saved_write(const struct config_saved *saved)
{
	size_t size = sizeof(file_head), used;
	char *text;
	bool good;

	for (size_t i = 0; i < saved->count; i++)
		size += sizeof(struct config_line) + strlen(saved->lines[i].setting->name) + 4;
	text = malloc(size);
	if (!text) {
		fprintf(stderr, "gaon: no memory for %zu settings\n", saved->count);
		return false;
	}
	used = (size_t)sprintf(text, "%s", file_head);
	for (size_t i = 0; i < saved->count; i++) {
		const struct config_line *line = &saved->lines[i];

		used += (size_t)sprintf(text + used, "%s %s %s\n", line->serial, line->setting->name, line->value);
	}
	if (mkdir(CONFIG_DIR, 0755) && errno != EEXIST) {
		fprintf(stderr, "gaon: " CONFIG_DIR " cannot be made: %s\n", strerror(errno));
		good = false;
	} else {
		good = file_replace(CONFIG_FILE, text, used, 0644);
	}
	free(text);
	return good;
}
