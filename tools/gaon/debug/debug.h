/* SPDX-License-Identifier: MIT */
#ifndef GAON_TOOLS_DEBUG_H
#define GAON_TOOLS_DEBUG_H

#define DEBUG_ADDRESS_MAX	4200

struct debug_address {
	char gdb[DEBUG_ADDRESS_MAX];	/* as `target remote` takes it */
	char path[108];			/* of a socket in the file system, to be removed; or "" */
};

/*
 * Binds a socket, which does not listen yet, to @where: HOST:PORT, unix:PATH, or NULL for one in @directory.
 * Its descriptor, which children inherit; negative: told why not.
 */
int debug_listen(const char *where, const char *directory, struct debug_address *out);

#endif
