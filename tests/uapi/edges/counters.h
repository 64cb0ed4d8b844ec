/* SPDX-License-Identifier: MIT */
/* What a kernel has of everything that a driver can forget to give back. Run as root. */
#ifndef GAON_TESTS_UAPI_COUNTERS_H
#define GAON_TESTS_UAPI_COUNTERS_H

#include <stdio.h>

#include "../uapi.h"

struct counter {
	char name[48];
	uint64_t value;
	uint64_t slack;		/* by which it may vary though nothing was made */
	uint64_t forgiven;	/* by counters_forgive() */
};

struct counters {
	unsigned int n;
	struct counter counters[600];
};

/*
 * Reads all: objects of each slab cache, pages, interrupts, threads, mappings, names in /dev, /sys and
 * debugfs. What the kernel keeps only for speed is dropped first.
 */
void counters_read(struct counters *out);
/*
 * One result: nothing has grown by @allowed or more. That is to be a fraction of the rounds in between, in
 * each of which something would have been lost, but more than what a system varies by that does other
 * things, too; of pages it is four times as much. Names and interrupts must not have grown at all. What is
 * given back late is waited for.
 */
void counters_check(const struct counters *before, uint64_t allowed, const char *what);

/* Something else in the kernel loses that much of it: it is allowed besides. */
void counters_forgive(struct counters *before, const char *name, uint64_t more);

/* The first file that matches, for reading; NULL if there is none. */
FILE *counters_file(const char *pattern);
/* Lines of a file (a pattern) below the first; -1 if it cannot be read. */
int counters_lines(const char *pattern);
/* 0 or a positive errno. */
int counters_write(const char *path, const char *text);

/* Where the card is: "0000:00:06.0". Ends the program if there is none. */
const char *counters_card(void);
/* bind or unbind. 0 or a positive errno. */
int counters_driver(const char *what);
/* The node of the card, once it is there; -1 and errno. */
int counters_open(void);

#endif
