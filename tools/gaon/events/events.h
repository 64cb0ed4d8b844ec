/* SPDX-License-Identifier: MIT */
/*
 * What happens to cards, from three sources: the kernel's messages to udev (netlink), the driver's
 * tracepoints (root only), and files that are looked at again and again. Cards are compared with how they
 * were; a message makes that happen at once.
 */
#ifndef GAON_TOOLS_EVENTS_H
#define GAON_TOOLS_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <jansson.h>

#include <hw/gaon_port.h>

#include "../card/card.h"

/* Bits of what --kind takes. */
enum event_kind {
	EVENT_ADDED, EVENT_REMOVED, EVENT_DRIVER, EVENT_STATE, EVENT_RESET, EVENT_FAULT, EVENT_WEDGED,
	EVENT_RAS, EVENT_THROTTLE, EVENT_LINK, EVENT_PORT, EVENT_COREDUMP, EVENT_LOST, EVENT_KINDS,
};

extern const char *const event_kind_name[EVENT_KINDS];

struct event {
	enum event_kind kind;
	char device[32], address[32];	/* "" when it is of no card: EVENT_LOST */
	char text[320];
	json_t *details;		/* an object that who takes the event owns, or NULL */
};

/* Takes the event; false: nobody wants more, and the source returns at once. */
typedef bool (*event_take)(void *arg, struct event *event);

/* A card as it was when it was last looked at. */
struct seen_card {
	struct card card;
	bool here;			/* it is in the list that was just read */
	char throttle[48];		/* why it was slowed down: "heat, critical"; "" if it was not */
	char port[GAON_PORTS_MAX][16];	/* states of ports, "" if not known */
	char why[128];			/* of the reset that the tracepoint told of */
};

struct seen {
	struct seen_card *cards;
	size_t count;
	event_take take;
	void *arg;
	time_t sensors_at;		/* monotonic; hwmon is asked once a second; 0: at the next look */
};

/* Kernel's messages to udev. A descriptor for poll(), -1 with errno. Any user may. */
int uevent_open(void);
/* Takes all that are there; false: the taker wants no more. @changed: cards should be looked at. */
bool uevent_read(int fd, struct seen *seen, bool *changed);

/* Tracepoints of faults and resets in an instance of their own, which end() removes. */
struct trace {
	char dir[128];			/* "": there is none */
	int pipe;
	bool enabled;			/* as long as the module is loaded */
	char line[4096];		/* what of a line has come */
	size_t used;
};

/* False: @why says why they cannot be had. trace_end() in any case. */
bool trace_begin(struct trace *trace, char *why, size_t size);
bool trace_read(struct trace *trace, struct seen *seen);
void trace_end(struct trace *trace);

/* The cards that are there now; nothing is told of them. False without memory. */
bool seen_start(struct seen *seen, event_take take, void *arg);
/* Looks at all cards; false: the taker wants no more, or there is no memory. */
bool seen_look(struct seen *seen, struct trace *trace);
void seen_free(struct seen *seen);
struct seen_card *seen_find(struct seen *seen, const char *address);
/* Ports as they are, and what has changed of them; nothing of cards that sleep (ports.c). */
void seen_ports_start(struct seen_card *c);
bool seen_ports_look(struct seen *seen, struct seen_card *c, const struct card *now);
/* Fills in who and what, and hands it over; a reference to @details is taken. @card may be NULL. */
bool seen_tell(struct seen *seen, const struct card *card, enum event_kind kind, json_t *details,
	       const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

#endif
