/* SPDX-License-Identifier: MIT */
/* Recording what tree.h reads of this machine into a directory. */
#ifndef GAON_TOOLS_RECORD_H
#define GAON_TOOLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>

struct record {
	char dir[512];		/* where to; nothing is there under this name before all is written */
	size_t cards, files;
};

/* False with a message on standard error; nothing is left then. */
bool record_tree(struct record *record, const char *dir);

#endif
