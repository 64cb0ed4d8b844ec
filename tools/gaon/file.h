/* SPDX-License-Identifier: MIT */
/* Files that are there whole or not at all. */
#ifndef GAON_TOOLS_FILE_H
#define GAON_TOOLS_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Writes @data under a name of its own beside @path, to the disk, and renames it to @path: who reads it
 * finds the old content or the new. @mode is the file's, whatever the umask. False with a message on
 * standard error; @path is then as it was, and nothing is left beside it.
 */
bool file_replace(const char *path, const void *data, size_t size, mode_t mode);

/* All of a file of @most bytes at most; NULL with a message on standard error. The caller frees it. */
void *file_read(const char *path, size_t most, size_t *size);

#endif
