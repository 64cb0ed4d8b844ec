// SPDX-License-Identifier: MIT
/*
 * The kernel's messages to udev: "ACTION@DEVPATH", then NAME=VALUE strings. They are read from the kernel itself,
 * so a machine or container without udev has them too.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../card/tree.h"
#include "events.h"

#define GROUP_KERNEL	1
#define RECEIVE_BYTES	(1 << 20)	/* what waits while cards are looked at */
#define MESSAGE_MOST	8192

struct uevent {
	const char *action, *path, *subsystem, *driver, *slot, *wedged, *ras, *counter, *value;
};

int uevent_open(void)
{
	const struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = GROUP_KERNEL };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT), err;
	int bytes = RECEIVE_BYTES;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	if (!bind(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	err = errno;
	close(fd);
	errno = err;
	return -1;
}

/* @text ends with a zero. */
static void parse(struct uevent *out, const char *text, size_t size)
{
	const struct {
		const char *name;
		const char **value;
	} names[] = {
		{ "ACTION=", &out->action }, { "DEVPATH=", &out->path }, { "SUBSYSTEM=", &out->subsystem },
		{ "DRIVER=", &out->driver }, { "PCI_SLOT_NAME=", &out->slot }, { "WEDGED=", &out->wedged },
		{ "RAS_EVENT=", &out->ras }, { "RAS_COUNTER=", &out->counter }, { "RAS_VALUE=", &out->value },
	};

	*out = (struct uevent){ 0 };
	for (const char *at = text; at < text + size; at += strlen(at) + 1) {
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			if (!strncmp(at, names[i].name, strlen(names[i].name)))
				*names[i].value = at + strlen(names[i].name);
		}
	}
}

/* The card whose node or function the message is about: its address is a part of the path. */
static struct seen_card *card_of(struct seen *seen, const char *path)
{
	for (size_t i = 0; i < seen->count; i++) {
		const char *address = seen->cards[i].card.address, *at = strstr(path, address);

		if (at && at > path && at[-1] == '/' && strchr("/", at[strlen(address)]))
			return &seen->cards[i];
	}
	return NULL;
}

static bool tell_ras(struct seen *seen, const struct seen_card *card, const struct uevent *u)
{
	const char *value = u->value ? u->value : "0", *counter = u->counter ? u->counter : "?";
	json_t *details = json_pack("{s:s, s:s, s:I}", "event", u->ras, "counter", counter, "value",
				    (json_int_t)strtoull(value, NULL, 10));

	if (!strcmp(u->ras, "retired"))
		return seen_tell(seen, &card->card, EVENT_RAS, details,
				 "page %#llx of HBM is retired: nobody gets it again", strtoull(value, NULL, 10));
	return seen_tell(seen, &card->card, EVENT_RAS, details, "%s has had %s corrected errors: it may fail soon",
			 counter, value);
}

/* "/devices/virtual/devcoredump/devcd3"; its link failing_device says whose it is. */
static bool tell_coredump(struct seen *seen, const struct uevent *u)
{
	const char *name = strrchr(u->path, '/');
	struct seen_card *card;
	char address[64], file[128];

	if (!name || !tree_read_link(address, sizeof(address), "/sys/class/devcoredump/%s/failing_device", name + 1))
		return true;
	card = seen_find(seen, address);
	if (!card)
		return true;
	snprintf(file, sizeof(file), "/sys/class/devcoredump/%.32s/data", name + 1);
	return seen_tell(seen, &card->card, EVENT_COREDUMP, json_pack("{s:s}", "file", file),
			 "a dump was kept: sudo gaon coredump %s", file);
}

static bool take(struct seen *seen, const struct uevent *u, bool *changed)
{
	struct seen_card *card;

	if (!u->action || !u->path || !u->subsystem)
		return true;
	if (!strcmp(u->subsystem, "devcoredump") && !strcmp(u->action, "add"))
		return tell_coredump(seen, u);
	/* Of an alarm: what it is about is asked at once. */
	if (!strcmp(u->subsystem, "hwmon") && !strcmp(u->action, "change") && card_of(seen, u->path))
		seen->sensors_at = 0;
	if (strcmp(u->subsystem, "accel") && strcmp(u->subsystem, "pci"))
		return true;
	*changed = true;
	card = card_of(seen, u->path);
	if (!card || strcmp(u->action, "change"))
		return true;
	if (u->wedged)
		return seen_tell(seen, &card->card, EVENT_WEDGED, json_pack("{s:s}", "recovery", u->wedged),
				 "the driver gave it up; what may bring it back: %s", u->wedged);
	return !u->ras || tell_ras(seen, card, u);
}

bool uevent_read(int fd, struct seen *seen, bool *changed)
{
	char text[MESSAGE_MOST + 1];
	struct sockaddr_nl from;
	struct uevent uevent;
	socklen_t length;
	ssize_t n;

	for (;;) {
		length = sizeof(from);
		n = recvfrom(fd, text, MESSAGE_MOST, 0, (struct sockaddr *)&from, &length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == ENOBUFS) {
			*changed = true;
			if (!seen_tell(seen, NULL, EVENT_LOST, NULL, "the kernel dropped messages: some events are missing"))
				return false;
			continue;
		}
		if (n <= 0)
			return true;
		/* Anybody can write to the socket; the kernel is number 0. */
		if (from.nl_pid || length != sizeof(from))
			continue;
		text[n] = '\0';
		parse(&uevent, text, (size_t)n);
		if (!take(seen, &uevent, changed))
			return false;
	}
}
