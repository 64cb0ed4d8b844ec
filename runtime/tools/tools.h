/* SPDX-License-Identifier: MIT */
/*
 * Tools that watch a program's calls: GAON_TOOLS names a shared library, which libgaon loads before its
 * first call can be made and gives the table that all its exported functions go through. The library
 * keeps a copy of what was there and puts its own functions in. Not for other versions of libgaon than
 * the one it was made with, which refuses it. Why: Documentation/decisions/0015-tools-by-table.rst.
 */
#ifndef GAON_RUNTIME_TOOLS_H
#define GAON_RUNTIME_TOOLS_H

#include <runtime/calls.h>

struct gaon_debugger;

/* Of pages, for any size of page that the machines have. */
#define GAON_CALLS_ALIGN	65536

/* The table, alone on its pages; changed only before anybody can call, and sealed then. */
union gaon_calls_pages {
	struct gaon_calls calls;
	char pages[GAON_CALLS_ALIGN];
};
extern union gaon_calls_pages gaon_calls;

/**
 * struct gaon_tools - what a tools library is given
 * @version: of libgaon
 * @bytes: of the table, as this libgaon has it
 * @calls: the table
 * @debugger: where a debugger is looked for (debug.h)
 */
struct gaon_tools {
	const char *version;
	size_t bytes;
	struct gaon_calls *calls;
	const struct gaon_debugger **debugger;
};

/*
 * What the library exports as gaon_tools_start. False: it does not want to, for a reason that it has put into
 * @why of @size bytes; the table must be as it was. It must not call libgaon: nothing is there yet.
 */
typedef bool gaon_tools_start_fn(const struct gaon_tools *tools, char *why, size_t size);

#endif
