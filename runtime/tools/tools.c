// SPDX-License-Identifier: MIT
#include "tools.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "../debug.h"

/* Standard error, because logs can be turned only by calls, which cannot have been made. */
static void tools_complain(const char *path, const char *why)
{
	fprintf(stderr, "gaon: GAON_TOOLS=%s: %s; the program goes on without it\n", path, why);
}

/*
 * A table of pointers that everybody calls through is what somebody who can write anywhere would look
 * for: it is read-only from here on, also without a tool.
 */
static void tools_seal(void)
{
	if (mprotect(&gaon_calls, sizeof(gaon_calls), PROT_READ))
		perror("gaon: the table of calls stays writable");
}

static void tools_load(const char *path)
{
	struct gaon_tools tools = { GAON_VERSION, sizeof(gaon_calls.calls), &gaon_calls.calls, &rt_debugger };
	gaon_tools_start_fn *start;
	char why[256] = "it does not say why";
	void *library;

	if (path[0] != '/') {
		tools_complain(path, "it must be a path from the root");
		return;
	}
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library) {
		tools_complain(path, dlerror());
		return;
	}
	start = (gaon_tools_start_fn *)dlsym(library, "gaon_tools_start");
	if (start && start(&tools, why, sizeof(why)))
		return;	/* for as long as the process: its functions are in the table */
	tools_complain(path, start ? why : "it has no gaon_tools_start(): it is no tools library of libgaon");
	dlclose(library);
}

/*
 * Before any call: constructors of what was linked with libgaon run later. A program with more
 * privilege than its user loads nothing that the user names.
 */
__attribute__((constructor)) static void tools_start(void)
{
	const char *path = secure_getenv("GAON_TOOLS");

	if (path && *path)
		tools_load(path);
	tools_seal();
}
