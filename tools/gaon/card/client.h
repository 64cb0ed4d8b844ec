/* SPDX-License-Identifier: MIT */
/* Processes that have cards open, from the fdinfo of their files (the kernel's drm-usage-stats.rst). */
#ifndef GAON_TOOLS_CLIENT_H
#define GAON_TOOLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct client {
	pid_t pid;
	int64_t uid;			/* -1: not known */
	char user[33], command[33];
	char address[32];		/* of the card */
	uint64_t id;			/* of the open file, among those of all cards */
	bool shared;			/* a process before this one has the same file: it is counted there */
	uint64_t core_ns, copy_ns;	/* of engines, all of a kind together */
	uint64_t core_cycles, copy_cycles, total_cycles;
	uint32_t cores, copies;		/* how many engines there are of each */
	uint64_t hbm, host;		/* bytes */
};

struct client_list {
	struct client *clients;
	size_t count;
	bool complete;			/* else files of other users' processes could not be looked at */
};

/* All, by process; false without memory. client_list_free() frees. */
bool client_list_read(struct client_list *list);
void client_list_free(struct client_list *list);

/*
 * Parts, 0 to 1, of all engines of a kind that @now had since it was @before in the other list; of the
 * device's own time. 0 if it was not there.
 */
struct client_use {
	double core, copy;
};
struct client_use client_use(const struct client *now, const struct client_list *before);

#endif
