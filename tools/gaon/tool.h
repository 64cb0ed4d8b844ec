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
/* In the child: becomes the program, or says for @who why it cannot. */
__attribute__((noreturn)) void tool_exec(const char *who, char **argv);
/* Exit status of a program that ended with @status of waitpid(); a signal is told of for @who. */
int tool_status(const char *who, int status);

#endif
