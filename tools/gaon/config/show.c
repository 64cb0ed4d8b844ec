// SPDX-License-Identifier: MIT
/* Settings as text and as JSON: see config.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../card/holders.h"
#include "../card/tree.h"
#include "../cmd.h"
#include "config.h"

static void range_text(const struct config_setting *s, const struct config_value *v, char out[CONFIG_TEXT])
{
	char min[CONFIG_TEXT], max[CONFIG_TEXT];

	if (!v->known)
		snprintf(out, CONFIG_TEXT, "-");
	else if (s->kind == CONFIG_FIXED)
		snprintf(out, CONFIG_TEXT, "always on");
	else if (s->kind == CONFIG_SWITCH)
		snprintf(out, CONFIG_TEXT, "on, off");
	else
		snprintf(out, CONFIG_TEXT, "%.20s to %.20s", config_text(s, v->min, min),
			 config_text(s, v->max, max));
}

static void print_setting(const struct config_show *show, const struct config_setting *s,
			  const struct card *card)
{
	const char *saved = config_saved_find(show->saved, s, card);
	char now[CONFIG_TEXT], with_unit[CONFIG_TEXT + 8], range[CONFIG_TEXT], standard[CONFIG_TEXT];
	struct config_value v;

	config_read(s, card, &v);
	range_text(s, &v, range);
	snprintf(with_unit, sizeof(with_unit), "%s%s%s", v.known ? config_text(s, v.now, now) : "not known",
		 v.known && s->unit ? " " : "", v.known && s->unit ? s->unit : "");
	printf("  %-16s  %-12s  %-18s  %-8s  %s\n", s->name, with_unit, range,
	       v.known ? config_text(s, v.standard, standard) : "-", saved ? saved : "-");
}

static void print_head(void)
{
	printf("  %-16s  %-12s  %-18s  %-8s  %s\n", "NAME", "VALUE", "RANGE", "DEFAULT", "SAVED");
}

/* --- retired pages ------------------------------------------------------------------------------ */

struct page {
	uint64_t offset;
	bool pending;		/* its owner has not freed it yet */
	bool poisoned;
};

struct pages {
	struct page *pages;
	size_t count, pending;
};

/* "        0x5000 retired poisoned", "        0x9000  in use readable" */
static bool parse_page(const char *line, struct page *out)
{
	char state[12], poison[12];
	uint64_t offset;

	if (sscanf(line, " 0x%" SCNx64 " %11s %11s", &offset, state, poison) != 3)
		return false;
	*out = (struct page){ offset, !strcmp(state, "in"), strstr(line, "poisoned") };
	return true;
}

/* False: they cannot be read; errno says why. */
static bool read_pages(const struct card *card, struct pages *out)
{
	static char text[65536];	/* the tools have one thread */

	*out = (struct pages){ 0 };
	if (tree_read_all(text, sizeof(text), "/sys/kernel/debug/accel/%s/retired", card->address) < 0)
		return false;
	for (char *save = NULL, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct page page, *pages;

		if (!parse_page(line, &page))
			continue;
		pages = realloc(out->pages, (out->count + 1) * sizeof(*pages));
		if (!pages) {
			free(out->pages);
			errno = ENOMEM;
			return false;
		}
		out->pages = pages;
		out->pages[out->count++] = page;
		out->pending += page.pending;
	}
	return true;
}

static const char *why_no_pages(int err)
{
	if (tree_is_recorded() && err == ENOENT)
		return "they were not recorded; as root `gaon record-tree` records them";
	switch (err) {
	case EACCES:
	case EPERM: return "only root sees them: sudo gaon config";
	case ENOENT: return "mount -t debugfs none /sys/kernel/debug";
	default: return strerror(err);
	}
}

bool config_print_retired(const struct card *card)
{
	struct pages pages;

	if (!read_pages(card, &pages)) {
		fprintf(stderr, "gaon: %s: retired pages are not known: %s\n", card->name, why_no_pages(errno));
		return false;
	}
	for (size_t i = 0; i < pages.count; i++)
		printf("%s %#14" PRIx64 " %-8s %s\n", card->name, pages.pages[i].offset,
		       pages.pages[i].pending ? "pending" : "retired",
		       pages.pages[i].poisoned ? "poisoned" : "readable");
	if (!pages.count)
		printf("%s has no retired page\n", card->name);
	free(pages.pages);
	return true;
}

static json_t *retired_json(const struct card *card)
{
	struct pages pages;
	json_t *list;

	if (!read_pages(card, &pages))
		return json_null();
	list = json_array();
	for (size_t i = 0; i < pages.count; i++)
		json_array_append_new(list, json_pack("{s:I, s:b, s:b}", "offset", (json_int_t)pages.pages[i].offset,
						      "pending", pages.pages[i].pending, "poisoned",
						      pages.pages[i].poisoned));
	free(pages.pages);
	return json_pack("{s:I, s:I, s:o}", "count", (json_int_t)pages.count, "pending", (json_int_t)pages.pending,
			 "pages", list);
}

static void print_retired(const struct card *card)
{
	struct pages pages;

	if (!read_pages(card, &pages)) {
		printf("  %-16s  not known: %s\n", "retired pages", why_no_pages(errno));
		return;
	}
	printf("  %-16s  %zu", "retired pages", pages.count);
	if (pages.pending)
		printf(", %zu of them pending: in use until their owners free them", pages.pending);
	printf("\n");
	free(pages.pages);
}

/* --- a card, and the module --------------------------------------------------------------------- */

void config_print_card(const struct config_show *show, const struct card *card)
{
	printf("%s (%s)%s%s\n", card->name, card->address,
	       strcmp(card->driver, CARD_DRIVER) ? ": not the driver gaon's, but " : "",
	       strcmp(card->driver, CARD_DRIVER) ? (card->driver[0] ? card->driver : "nobody's") : "");
	print_head();
	for (const struct config_setting *s = config_settings; s->name; s++) {
		if (!s->module)
			print_setting(show, s, card);
	}
	print_retired(card);
}

void config_print_module(const struct config_show *show)
{
	printf("module, for all cards\n");
	for (const struct config_setting *s = config_settings; s->name; s++) {
		if (s->module)
			print_setting(show, s, NULL);
	}
}

static json_t *number_json(const struct config_setting *s, int64_t value)
{
	if (s->kind != CONFIG_NUMBER)
		return json_string(value ? "on" : "off");
	return s->scale == 1 ? json_integer(value) : json_real((double)value / (double)s->scale);
}

static json_t *setting_json(const struct config_show *show, const struct config_setting *s,
			    const struct card *card)
{
	const char *saved = config_saved_find(show->saved, s, card);
	bool range = s->kind == CONFIG_NUMBER;
	struct config_value v;

	config_read(s, card, &v);
	return json_pack("{s:s, s:s?, s:b, s:o, s:o, s:o, s:o, s:s?}", "name", s->name, "unit", s->unit, "changeable",
			 s->kind != CONFIG_FIXED, "value", v.known ? number_json(s, v.now) : json_null(), "min",
			 v.known && range ? number_json(s, v.min) : json_null(), "max",
			 v.known && range ? number_json(s, v.max) : json_null(), "default",
			 v.known ? number_json(s, v.standard) : json_null(), "saved", saved);
}

static json_t *settings_json(const struct config_show *show, const struct card *card)
{
	json_t *list = json_array();

	for (const struct config_setting *s = config_settings; s->name; s++) {
		if (s->module == !card)
			json_array_append_new(list, setting_json(show, s, card));
	}
	return list;
}

json_t *config_card_json(const struct config_show *show, const struct card *card)
{
	return json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "device", card->name, "address", card->address, "serial",
			 cmd_json_text(card->serial), "driver", cmd_json_text(card->driver), "settings",
			 settings_json(show, card), "retired", retired_json(card), "holders",
			 holders_json(show->clients, card));
}

json_t *config_module_json(const struct config_show *show)
{
	return settings_json(show, NULL);
}
