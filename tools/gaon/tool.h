/* SPDX-License-Identifier: MIT */
/* Commands that run a program with a tools library in its libgaon. */
#ifndef GAON_TOOLS_TOOL_H
#define GAON_TOOLS_TOOL_H

#include <stdbool.h>
#include <sys/types.h>

#define TOOL_SIGNAL	128	/* and a signal's number, as shells have it */

/* The tools library beside the libgaon that this program has, in @path; false: told why not. */
bool tool_find(char path[4096], const char *name);
/* A directory of its own below TMPDIR, in @path; false: told why not. */
bool tool_directory(char path[4096], const char *name);
void tool_remove_directory(const char *directory);
/* As fork(); from here on an interrupt is for the program, and what it did until then is kept. */
pid_t tool_fork(void);
/*
 * In the child: becomes the program, with the library @tool, on @device unless that is NULL; or says for
 * @who why it cannot. If @aside its output goes to standard error, out of the way of a document.
 */
__attribute__((noreturn)) void tool_exec(const char *who, char **argv, const char *tool,
					 const char *device, bool aside);
/* Exit status of a program that ended with @status of waitpid(); a signal is told of for @who. */
int tool_status(const char *who, int status);
/* Waits for the program @name: its exit status; negative: told why there is none. */
int tool_wait(const char *who, const char *name, pid_t pid);

#endif
