// SPDX-License-Identifier: MIT
/*
 * Faults and resets from the driver's tracepoints. The instance of the trace buffer is this command's own:
 * other users of tracing neither see nor disturb it. One that a killed command left is removed by the next.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hw/gaon_packet.h>
#include <hw/gaon_text.h>

#include "../card/tree.h"
#include "events.h"

#define INSTANCES	"/sys/kernel/tracing/instances"
#define PREFIX		"gaon-events-"

/* --- the instance ------------------------------------------------------------------------------- */

static bool put(const char *dir, const char *file, const char *text)
{
	char path[256];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = write(fd, text, strlen(text));
		close(fd);
	}
	return n == (ssize_t)strlen(text);
}

static void remove_stale(void)
{
	char **names, path[256];
	size_t count = tree_list(&names, INSTANCES), i;

	for (i = 0; i < count; i++) {
		bool ours = !strncmp(names[i], PREFIX, strlen(PREFIX));
		pid_t pid = ours ? (pid_t)atol(names[i] + strlen(PREFIX)) : 0;

		snprintf(path, sizeof(path), INSTANCES "/%.60s", names[i]);
		if (pid > 0 && kill(pid, 0) && errno == ESRCH)
			rmdir(path);
	}
	free(names);
}

/* The module may come later, or go and come back. */
static void enable(struct trace *trace)
{
	bool fault = put(trace->dir, "events/gaon/gaon_fault/enable", "1");

	trace->enabled = put(trace->dir, "events/gaon/gaon_reset/enable", "1") && fault;
}

bool trace_begin(struct trace *trace, char *why, size_t size)
{
	char path[256];

	*trace = (struct trace){ .pipe = -1 };
	if (tree_is_recorded()) {
		snprintf(why, size, "this is a recorded tree");
		return false;
	}
	remove_stale();
	snprintf(path, sizeof(path), INSTANCES "/" PREFIX "%d", (int)getpid());
	if (mkdir(path, 0700)) {
		snprintf(why, size, "%s: %s%s", INSTANCES, strerror(errno),
			 errno == EACCES || errno == EPERM ? "; only root may: sudo gaon events" :
			 errno == ENOENT ? "; mount -t tracefs tracefs /sys/kernel/tracing" : "");
		return false;
	}
	snprintf(trace->dir, sizeof(trace->dir), "%.100s", path);
	snprintf(path, sizeof(path), "%s/trace_pipe", trace->dir);
	trace->pipe = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (trace->pipe < 0) {
		snprintf(why, size, "%s: %s", path, strerror(errno));
		return false;
	}
	/* For each processor; events are few. */
	put(trace->dir, "buffer_size_kb", "64");
	enable(trace);
	return true;
}

void trace_end(struct trace *trace)
{
	if (trace->pipe >= 0)
		close(trace->pipe);
	if (trace->dir[0]) {
		put(trace->dir, "events/gaon/enable", "0");
		rmdir(trace->dir);
	}
	*trace = (struct trace){ .pipe = -1 };
}

/* --- lines -------------------------------------------------------------------------------------- */

/* Number of "key=1234" or "key=0x12ab"; 0 if it is not there. */
static uint64_t number(const char *fields, const char *key)
{
	char pattern[32];
	const char *at;

	snprintf(pattern, sizeof(pattern), " %s=", key);
	at = strstr(fields, pattern);
	return at ? strtoull(at + strlen(pattern), NULL, 0) : 0;
}

static bool tell_fault(struct seen *seen, const struct card *card, const char *fields)
{
	uint16_t type = (uint16_t)number(fields, "type");
	uint8_t access = (uint8_t)number(fields, "access");
	uint64_t va = number(fields, "address"), pc = number(fields, "pc");
	char at[32];
	json_t *details;

	snprintf(at, sizeof(at), "%#" PRIx64, va);
	details = json_pack("{s:s, s:s, s:s}", "fault", gaon_fault_name(type), "access", gaon_access_name(access),
			    "virtual_address", at);
	snprintf(at, sizeof(at), "%#" PRIx64, pc);
	json_object_set_new(details, "pc", json_string(at));
	for (const char *const *key = (const char *const[]){ "context", "queue", "core", "workgroup", "packet", NULL };
	     *key; key++)
		json_object_set_new(details, *key, json_integer((json_int_t)number(fields, *key)));
	return seen_tell(seen, card, EVENT_FAULT, details,
			 "%s, %s at %#" PRIx64 ", pc %#" PRIx64 ": queue %" PRIu64 " of context %" PRIu64 ", packet %" PRIu64,
			 gaon_fault_name(type), gaon_access_name(access), va, pc, number(fields, "queue"),
			 number(fields, "context"), number(fields, "packet"));
}

/* "  task-12   [000] d..1.  12.345678: gaon_fault: dev=0000:01:00.0 context=1 ..." */
static bool take_line(struct seen *seen, const char *line)
{
	const char *fault = strstr(line, ": gaon_fault: dev="), *reset = strstr(line, ": gaon_reset: dev="), *why;
	const char *dev = strstr(line, " dev=");
	struct seen_card *card;
	char address[32];

	if (!fault && !reset) {
		if (strstr(line, "LOST") && strstr(line, "EVENTS"))
			return seen_tell(seen, NULL, EVENT_LOST, NULL, "the trace buffer was full: some faults are missing");
		return true;
	}
	snprintf(address, sizeof(address), "%.*s", (int)strcspn(dev + 5, " "), dev + 5);
	card = seen_find(seen, address);
	if (!card)
		return true;
	if (fault)
		return tell_fault(seen, &card->card, dev);
	why = strstr(dev, " why=");
	snprintf(card->why, sizeof(card->why), "%s", why ? why + 5 : "");
	return true;
}

bool trace_read(struct trace *trace, struct seen *seen)
{
	char *end;
	ssize_t n;

	if (trace->pipe < 0)
		return true;
	if (!trace->enabled)
		enable(trace);
	while ((n = read(trace->pipe, trace->line + trace->used,
			 sizeof(trace->line) - 1 - trace->used)) > 0) {
		trace->used += (size_t)n;
		trace->line[trace->used] = '\0';
		while ((end = strchr(trace->line, '\n'))) {
			*end = '\0';
			if (!take_line(seen, trace->line))
				return false;
			trace->used -= (size_t)(end + 1 - trace->line);
			memmove(trace->line, end + 1, trace->used + 1);
		}
		/* No line of ours is that long. */
		if (trace->used == sizeof(trace->line) - 1)
			trace->used = 0;
	}
	return true;
}
