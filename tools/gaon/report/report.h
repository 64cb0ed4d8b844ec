/* SPDX-License-Identifier: MIT */
/* gaon bugreport: what is needed to understand a machine's trouble, without what is nobody's business. */
#ifndef GAON_TOOLS_REPORT_H
#define GAON_TOOLS_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "../card/card.h"
#include "../card/client.h"

#define REPORT_PATH	1024

struct report {
	char name[64];			/* of the directory in the archive */
	char top[REPORT_PATH];		/* where it is gathered; its parent is removed in the end */
	char base[REPORT_PATH];		/* that parent, nobody else's to read */
	bool serials;			/* they stay */
	size_t files, replaced;		/* in the archive; what was taken out of them */
	struct card_list cards;
	struct client_list clients;
};

/* All false: with a message on standard error. */
bool report_begin(struct report *r);
void report_end(struct report *r);

/* Fills the directory. What cannot be had is said in the file that should hold it. */
bool report_gather(struct report *r);
/* Takes out of all files what does not belong there: see redact.c. */
bool report_redact(struct report *r);
/* Packs it into @path, whole or not at all, for the caller alone to read. *@size: bytes. */
bool report_pack(const struct report *r, const char *path, long long *size);

/* True: SIGINT or SIGTERM came; what is there is cleaned up. */
bool report_is_stopped(void);
/* Waits for a child for @seconds at most, then kills it; its exit status, or -1. */
int report_wait(int pid, double seconds);

#endif
