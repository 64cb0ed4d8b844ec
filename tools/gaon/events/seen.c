// SPDX-License-Identifier: MIT
/* Cards as they were, and what has changed of them since: see events.h. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"

const char *const event_kind_name[EVENT_KINDS] = {
	"added", "removed", "driver", "state", "reset", "fault", "wedged", "ras", "throttle", "link", "port",
	"coredump", "lost",
};

bool seen_tell(struct seen *seen, const struct card *card, enum event_kind kind, json_t *details,
	       const char *fmt, ...)
{
	struct event event = { .kind = kind, .details = details };
	va_list ap;

	if (card) {
		snprintf(event.device, sizeof(event.device), "%s", card->name);
		snprintf(event.address, sizeof(event.address), "%s", card->address);
	}
	va_start(ap, fmt);
	vsnprintf(event.text, sizeof(event.text), fmt, ap);
	va_end(ap);
	return seen->take(seen->arg, &event);
}

struct seen_card *seen_find(struct seen *seen, const char *address)
{
	for (size_t i = 0; i < seen->count; i++) {
		if (!strcmp(seen->cards[i].card.address, address))
			return &seen->cards[i];
	}
	return NULL;
}

static struct seen_card *seen_add(struct seen *seen, const struct card *card)
{
	struct seen_card *cards = realloc(seen->cards, (seen->count + 1) * sizeof(*cards));

	if (!cards) {
		fprintf(stderr, "gaon: no memory for a card more than %zu\n", seen->count);
		return NULL;
	}
	seen->cards = cards;
	cards += seen->count++;
	*cards = (struct seen_card){ .card = *card, .here = true };
	return cards;
}

/* --- what changed of a card --------------------------------------------------------------------- */

static const char *or_none(const char *text)
{
	return text[0] ? text : "none";
}

static json_t *from_to(const char *from, const char *to)
{
	return json_pack("{s:s, s:s}", "from", or_none(from), "to", or_none(to));
}

static bool look_reset(struct seen *seen, struct seen_card *c, const struct card *now)
{
	int64_t count = now->resets - c->card.resets;
	char why[sizeof(c->why)];

	if (now->resets < 0 || c->card.resets < 0 || count <= 0)
		return true;
	snprintf(why, sizeof(why), "%s", c->why);
	c->why[0] = '\0';
	return seen_tell(seen, now, EVENT_RESET, json_pack("{s:I, s:I, s:o}", "count", (json_int_t)count, "resets",
							   (json_int_t)now->resets, "why",
							   why[0] ? json_string(why) : json_null()),
			 "reset %" PRId64 " of the whole card%s%s", now->resets, why[0] ? ": " : "", why);
}

static bool look_link(struct seen *seen, const struct seen_card *c, const struct card *now)
{
	const struct card_link *was = &c->card.link, *is = &now->link;

	if (!is->mtps || !was->mtps || (was->mtps == is->mtps && was->width == is->width))
		return true;
	return seen_tell(seen, now, EVENT_LINK, json_pack("{s:i, s:i}", "mtps", is->mtps, "width", is->width),
			 "the link is %.1f GT/s x%u now, it was %.1f GT/s x%u", is->mtps / 1e3, is->width,
			 was->mtps / 1e3, was->width);
}

/* "heat, critical", as its firmware tells the driver; a clock that is low because it is limited is no news. */
static bool throttle_text(const struct card *now, char *out, size_t size)
{
	const char *names[CARD_THROTTLES];
	size_t used = 0;

	out[0] = '\0';
	/* A card that sleeps has no readings: it is as it was. */
	if (!card_throttles(now, names))
		return false;
	for (size_t i = 0; names[i]; i++) {
		if (strcmp(names[i], "limit"))
			used += (size_t)snprintf(out + used, size - used, "%s%s", used ? ", " : "", names[i]);
	}
	return true;
}

static bool look_throttle(struct seen *seen, struct seen_card *c, const struct card *now)
{
	bool known = card_sensor_known(now, CARD_CLOCK_HZ);
	double ghz = known ? (double)now->sensors.value[CARD_CLOCK_HZ] / 1e9 : 0.0;
	char why[sizeof(c->throttle)];

	if (!throttle_text(now, why, sizeof(why)) || !strcmp(c->throttle, why))
		return true;
	strcpy(c->throttle, why);
	if (!why[0])
		return seen_tell(seen, now, EVENT_THROTTLE, json_pack("{s:b, s:n}", "throttled", 0, "why"),
				 "not slowed down any more: %.3f GHz", ghz);
	return seen_tell(seen, now, EVENT_THROTTLE, json_pack("{s:b, s:s}", "throttled", 1, "why", why),
			 "slows down: %.3f GHz; cause: %s", ghz, why);
}

static bool look_card(struct seen *seen, struct seen_card *c, const struct card *now, bool sensors)
{
	bool more = true;

	if (strcmp(c->card.driver, now->driver))
		more = seen_tell(seen, now, EVENT_DRIVER, from_to(c->card.driver, now->driver),
				 "driver: %s, it was: %s", or_none(now->driver), or_none(c->card.driver));
	if (more && now->state[0] && strcmp(c->card.state, now->state))
		more = seen_tell(seen, now, EVENT_STATE, from_to(c->card.state, now->state),
				 "state: %s, it was: %s", now->state, or_none(c->card.state));
	more = more && look_reset(seen, c, now) && look_link(seen, c, now);
	return more && (!sensors || (look_throttle(seen, c, now) && seen_ports_look(seen, c, now)));
}

/* --- all cards ---------------------------------------------------------------------------------- */

static bool look_list(struct seen *seen, const struct card_list *list, bool sensors)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct card *now = &list->cards[i];
		struct seen_card *c = seen_find(seen, now->address);

		if (!c) {
			c = seen_add(seen, now);
			if (!c || !seen_tell(seen, now, EVENT_ADDED, json_pack("{s:s}", "driver", or_none(now->driver)),
					     "a card, driver: %s", or_none(now->driver)))
				return false;
		} else if (!look_card(seen, c, now, sensors)) {
			return false;
		}
		c->card = *now;
		c->here = true;
	}
	return true;
}

static bool look_gone(struct seen *seen)
{
	struct card gone;

	for (size_t i = 0; i < seen->count;) {
		if (seen->cards[i].here) {
			i++;
			continue;
		}
		gone = seen->cards[i].card;
		seen->cards[i] = seen->cards[--seen->count];
		if (!seen_tell(seen, &gone, EVENT_REMOVED, NULL, "the card is gone"))
			return false;
	}
	return true;
}

bool seen_look(struct seen *seen, struct trace *trace)
{
	struct timespec now;
	struct card_list list;
	bool sensors, more;

	clock_gettime(CLOCK_MONOTONIC, &now);
	sensors = now.tv_sec != seen->sensors_at;
	seen->sensors_at = now.tv_sec;
	if (!card_list_read(&list, sensors))
		return false;
	for (size_t i = 0; i < seen->count; i++)
		seen->cards[i].here = false;
	/* A reset is traced before it is counted: of all that were counted the cause is known now. */
	more = trace_read(trace, seen) && look_list(seen, &list, sensors) && look_gone(seen);
	card_list_free(&list);
	return more;
}

bool seen_start(struct seen *seen, event_take take, void *arg)
{
	struct card_list list;
	bool good;

	*seen = (struct seen){ .take = take, .arg = arg };
	good = card_list_read(&list, true);
	for (size_t i = 0; good && i < list.count; i++) {
		struct seen_card *c = seen_add(seen, &list.cards[i]);

		good = c != NULL;
		if (c) {
			throttle_text(&c->card, c->throttle, sizeof(c->throttle));
			seen_ports_start(c);
		}
	}
	card_list_free(&list);
	if (!good)
		seen_free(seen);
	return good;
}

void seen_free(struct seen *seen)
{
	free(seen->cards);
	*seen = (struct seen){ 0 };
}
