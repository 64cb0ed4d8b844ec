// SPDX-License-Identifier: MIT
/* What can be set, where it lies, and within which range: see config.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../card/tree.h"
#include "config.h"

#define HWMON		"hwmon/"
#define PARAMETERS	"/sys/module/" CARD_DRIVER "/parameters/"
#define WATT		1000000
#define MOST		INT64_C(1000000000000)

/* Defaults that no file tells are the driver's. */
const struct config_setting config_settings[] = {
	{ "power-cap", "W", CONFIG_NUMBER, false, HWMON "power1_cap", WATT, HWMON "power1_cap_min",
	  HWMON "power1_cap_max", HWMON "power1_cap_default", 0, 0, 0, NULL, NULL },
	{ "clock", "MHz", CONFIG_NUMBER, false, "freq/set_max_freq", 1, "freq/hw_min_freq", "freq/hw_max_freq",
	  "freq/hw_max_freq", 0, 0, 0, NULL, NULL },
	{ "persistence", NULL, CONFIG_SWITCH, false, "power/control", 1, NULL, NULL, NULL, 0, 1, 0, "on", "auto" },
	/* The kernel takes any negative number for never. */
	{ "autosuspend", "ms", CONFIG_NUMBER, false, "power/autosuspend_delay_ms", 1, NULL, NULL, NULL, -1, INT32_MAX,
	  5000, NULL, NULL },
	{ "ecc", NULL, CONFIG_FIXED, false, NULL, 1, NULL, NULL, NULL, 1, 1, 1, NULL, NULL },
	{ "page-ce-limit", "errors", CONFIG_NUMBER, true, PARAMETERS "page_ce_limit", 1, NULL, NULL, NULL, 0, UINT32_MAX,
	  16, NULL, NULL },
	{ "channel-ce-limit", "errors", CONFIG_NUMBER, true, PARAMETERS "channel_ce_limit", 1, NULL, NULL, NULL, 0,
	  UINT32_MAX, 1024, NULL, NULL },
	{ 0 },
};

const struct config_setting *config_find(const char *name, size_t length)
{
	const struct config_setting *s;

	for (s = config_settings; s->name; s++) {
		if (strlen(s->name) == length && !strncmp(s->name, name, length))
			return s;
	}
	fprintf(stderr, "gaon: nothing that is set is named '%.*s'; there are:", (int)length, name);
	for (s = config_settings; s->name; s++)
		fprintf(stderr, " %s", s->name);
	fprintf(stderr, "\n");
	return NULL;
}

/* Path without the tree's root. */
static bool place(const char *file, const struct card *card, char *out, size_t size)
{
	char hwmon[32];
	int n;

	if (file[0] == '/')
		n = snprintf(out, size, "%s", file);
	else if (strncmp(file, HWMON, strlen(HWMON)))
		n = snprintf(out, size, "/sys/bus/pci/devices/%s/%s", card->address, file);
	else if (card_hwmon(card, hwmon, sizeof(hwmon)))
		n = snprintf(out, size, "/sys/bus/pci/devices/%s/hwmon/%s/%s", card->address, hwmon,
			     file + strlen(HWMON));
	else
		return false;
	return n > 0 && (size_t)n < size;
}

static bool read_number(const char *file, const struct card *card, int64_t *out)
{
	char path[TREE_PATH];

	return place(file, card, path, sizeof(path)) && tree_read_number(out, -MOST, MOST, "%s", path);
}

static bool read_switch(const struct config_setting *s, const struct card *card, int64_t *out)
{
	char path[TREE_PATH], text[32];

	if (!place(s->file, card, path, sizeof(path)) || !tree_read_line(text, sizeof(text), "%s", path))
		return false;
	*out = !strcmp(text, s->on);
	return *out || !strcmp(text, s->off);
}

static bool read_now(const struct config_setting *s, const struct card *card, int64_t *out)
{
	switch (s->kind) {
	case CONFIG_SWITCH:
		return read_switch(s, card, out);
	case CONFIG_FIXED:
		*out = s->standard;
		return true;
	default:
		return read_number(s->file, card, out);
	}
}

static bool read_bound(const char *file, int64_t fixed, const struct card *card, int64_t *out)
{
	*out = fixed;
	return !file || read_number(file, card, out);
}

void config_read(const struct config_setting *s, const struct card *card, struct config_value *out)
{
	*out = (struct config_value){ 0 };
	/* Other drivers' cards have some of the files. */
	if (!s->module && strcmp(card->driver, CARD_DRIVER))
		return;
	out->known = read_now(s, card, &out->now) && read_bound(s->min_file, s->min, card, &out->min) &&
		     read_bound(s->max_file, s->max, card, &out->max) &&
		     read_bound(s->default_file, s->standard, card, &out->standard) && out->min <= out->max;
}

bool config_path(const struct config_setting *s, const struct card *card, char *out, size_t size)
{
	return s->file && place(s->file, card, out, size) && tree_exists("%s", out);
}

/* --- as text ------------------------------------------------------------------------------------ */

const char *config_text(const struct config_setting *s, int64_t value, char out[CONFIG_TEXT])
{
	if (s->kind != CONFIG_NUMBER)
		snprintf(out, CONFIG_TEXT, "%s", value ? "on" : "off");
	else if (s->scale == 1)
		snprintf(out, CONFIG_TEXT, "%" PRId64, value);
	else
		snprintf(out, CONFIG_TEXT, "%.12g", (double)value / (double)s->scale);
	return out;
}

static bool refuse_number(const struct config_setting *s, const char *whose, const struct config_value *range,
			  const char *text)
{
	char min[CONFIG_TEXT], max[CONFIG_TEXT], standard[CONFIG_TEXT];

	fprintf(stderr, "gaon: %s: %s is %s to %s %s, or 'default', which is %s; not '%s'\n", whose, s->name,
		config_text(s, range->min, min), config_text(s, range->max, max), s->unit,
		config_text(s, range->standard, standard), text);
	return false;
}

static bool parse_number(const struct config_setting *s, const char *whose, const struct config_value *range,
			 const char *text, int64_t *out)
{
	double value, units;
	char *end;

	/* A number as people write it: neither hexadecimal nor infinite. */
	if (!*text || strlen(text) >= CONFIG_TEXT || text[strspn(text, "-0123456789.")])
		return refuse_number(s, whose, range, text);
	value = strtod(text, &end);
	units = round(value * (double)s->scale);
	if (*end || end == text || (s->scale == 1 && units != value) || units < (double)range->min ||
	    units > (double)range->max)
		return refuse_number(s, whose, range, text);
	*out = (int64_t)units;
	return true;
}

bool config_parse(const struct config_setting *s, const char *whose, const struct config_value *range,
		  const char *text, int64_t *out)
{
	if (!strcmp(text, "default")) {
		*out = range->standard;
		return true;
	}
	if (s->kind == CONFIG_NUMBER)
		return parse_number(s, whose, range, text, out);
	*out = !strcmp(text, "on");
	if (!*out && strcmp(text, "off")) {
		fprintf(stderr, "gaon: %s: %s is on or off, or 'default', which is %s; not '%s'\n", whose, s->name,
			range->standard ? "on" : "off", text);
		return false;
	}
	if (s->kind == CONFIG_FIXED && *out != range->standard) {
		fprintf(stderr, "gaon: %s: %s is always on: the check bits of its memories and links are part of the hardware, which has no switch for them\n",
			whose, s->name);
		return false;
	}
	return true;
}

/* --- writing ------------------------------------------------------------------------------------ */

static const char *explain(int err)
{
	switch (err) {
	case EROFS: return "sysfs cannot be written here: in a container it is the host's to do";
	case EIO: return "the card is wedged: `gaon reset` may bring it back";
	case ENODEV: return "the card is gone, or its driver is";
	case EINVAL: return "the card does not take this value";
	default: return strerror(err);
	}
}

bool config_write(const struct config_setting *s, const struct card *card, int64_t value)
{
	const char *whose = s->module ? "the module" : card->name;
	char path[TREE_PATH], text[CONFIG_TEXT], asked[CONFIG_TEXT];
	int64_t now = 0;
	int fd, err = 0;

	if (s->kind == CONFIG_FIXED)
		return true;
	if (s->kind == CONFIG_SWITCH)
		snprintf(text, sizeof(text), "%s", value ? s->on : s->off);
	else
		snprintf(text, sizeof(text), "%" PRId64, value);
	if (!config_path(s, card, path, sizeof(path)))
		err = ENODEV;
	fd = err ? -1 : open(path, O_WRONLY | O_CLOEXEC);
	if (!err && (fd < 0 || write(fd, text, strlen(text)) < 0))
		err = errno;
	if (fd >= 0)
		close(fd);
	if (err) {
		fprintf(stderr, "gaon: %s: %s cannot be set to %s: %s\n", whose, s->name, config_text(s, value, asked),
			explain(err));
		return false;
	}
	if (read_now(s, card, &now) && now == value)
		return true;
	fprintf(stderr, "gaon: %s: %s was set to %s, but is %s now: somebody else sets it, too\n", whose, s->name,
		config_text(s, value, asked), config_text(s, now, text));
	return false;
}
