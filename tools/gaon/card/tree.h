/* SPDX-License-Identifier: MIT */
/*
 * Files of this machine, or of a recorded one: every path of /sys, /proc, /dev, /etc and /lib that the tools
 * read goes through here. A recorded tree (`gaon record-tree`) is a directory with the same paths below it.
 */
#ifndef GAON_TOOLS_TREE_H
#define GAON_TOOLS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TREE_PATH	1024	/* longest path that is looked at */

/* NULL or "": this machine. False with a message on standard error: @root is no directory. */
bool tree_set_root(const char *root);
/* A directory stands for the machine: nothing of it can be opened, woken or changed. */
bool tree_is_recorded(void);

/* Path with the root in front. False: too long, @out is "". */
bool tree_path(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* First line of a file without its end; false, and "" in @out, if there is none. */
bool tree_read_line(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* All of a file up to @size - 1 bytes, with a zero behind; -1 if it cannot be read, errno is set. */
long tree_read_all(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A decimal number that is the whole line and lies in @min to @max; else false and @out is as it was. */
bool tree_read_number(int64_t *out, int64_t min, int64_t max, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
/* Last part of where a link points to, "" if there is none. */
bool tree_read_link(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* All of where a link points to. */
bool tree_read_target(char *out, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
bool tree_exists(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Names in a directory but "." and "..", sorted, numbers by value; *@names is one allocation for free(). */
size_t tree_list(char ***names, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
