/* SPDX-License-Identifier: MIT */
/*
 * The file that a tool writes: records behind each other, in a shared mapping, so that what was written
 * is there however the program ends. The header tells how much is complete.
 */
#ifndef GAON_WATCH_FILE_H
#define GAON_WATCH_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WATCH_ALIGN	8
#define WATCH_PROGRAM	1024

/* Integers are the host's: little-endian on every machine that the stack is for. */
struct watch_header {
	char magic[8];
	uint32_t version;
	uint32_t pid;
	uint64_t bytes;			/* of the file that are complete, the header included */
	uint64_t start_ns;		/* CLOCK_MONOTONIC */
	int64_t start_real_ns;		/* CLOCK_REALTIME then */
	uint32_t lost;			/* records that could not be written */
	uint32_t reserved;
	char program[WATCH_PROGRAM];	/* command line, blanks between words */
};

struct watch_record {
	uint32_t type;
	uint32_t sum;			/* of what follows, of files that are checked; else 0 */
	uint64_t bytes;			/* with this; the next begins at the next multiple of WATCH_ALIGN */
};

/*
 * The file's records carry check sums (CRC-32), and it ends at @limit bytes with a message, unless that
 * is 0. Before watch_file_start().
 */
void watch_file_checked(uint64_t limit);
/*
 * Makes DIRECTORY/PID.NUMBER.SUFFIX. False with @why.
 */
bool watch_file_start(const char *directory, const char *suffix, const char magic[8], uint32_t version,
		      char *why,
		      size_t size);
/*
 * Appends a record of @type that consists of @bytes at @head, behind a struct watch_record that is made
 * here, and
 * @more at @data. From any thread; records of one thread stay in order.
 */
void watch_file_put(uint32_t type, const void *head, size_t bytes, const void *data, uint64_t more);

/* The check sum of data alone. */
uint32_t watch_file_sum(const void *data, uint64_t bytes);
/*
 * As watch_file_put(), of data whose watch_file_sum() is known, in a file that is checked.
 *
 * Return: where in the file the data is; 0: nowhere, it could not be written.
 */
uint64_t watch_file_put_data(uint32_t type, const void *head, size_t bytes, const void *data, uint64_t more,
			     uint32_t sum);
/* Whether the file has the same bytes there. */
bool watch_file_has(uint64_t at, const void *data, uint64_t bytes);

#endif
