/* SPDX-License-Identifier: MIT */
/* Errors by hand, and where they show: debugfs, uevents, DRM's netlink. */
#ifndef GAON_TESTS_UAPI_INJECT_H
#define GAON_TESTS_UAPI_INJECT_H

#include "../queue_lib.h"

#define COUNTERS	160		/* more than there are of numbers */

/* What is counted, by number of &enum drm_gaon_ras_counter. */
struct counters {
	bool there[COUNTERS];
	char name[COUNTERS][32];
	uint32_t count[COUNTERS][2];	/* corrected, uncorrected */
};

/* Writes to debugfs' `inject`; 0 or a positive errno. */
int inject(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* debugfs' `errors`. Ends the program if there is none. */
void counters_read(struct counters *counters);
/* Whether exactly these have changed by exactly that. */
bool counters_moved(const struct counters *before, unsigned int number, bool uncorrected, uint32_t by);
/* Whether both have the same counters with the same values; prints the first that differs. */
bool counters_same(const struct counters *one, const struct counters *other);
/* debugfs' `retired`: 0: the page is not bad; 'r': retired; 'i': in use still. */
char page_state(uint64_t page);
/* Until the page is in that state, or a minute has passed. */
bool page_wait(uint64_t page, char state);
/* How many pages are bad. */
unsigned int pages_bad(void);

/* The kernel's events from now on. */
int uevents_open(void);
/* How many there were, since the last time, with all of that text; waits for @least. */
unsigned int uevents_count(int fd, const char *event, const char *counter, unsigned int least);

/* What DRM's netlink says of the first card; false: this kernel does not have it. */
bool netlink_read(struct counters *counters);
/* 0 or a positive errno. */
int netlink_clear(bool uncorrected, uint32_t number);

#endif
