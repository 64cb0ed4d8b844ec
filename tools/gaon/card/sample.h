/* SPDX-License-Identifier: MIT */
/* A moment of all cards of a machine, from files, as `gaon watch` and `gaon top` show one after the other. */
#ifndef GAON_TOOLS_SAMPLE_H
#define GAON_TOOLS_SAMPLE_H

#include <time.h>

#include "card.h"
#include "client.h"

/* What is read. What is left out costs nothing, and is not known. */
#define SAMPLE_SENSORS	1u	/* hwmon: asks the firmware */
#define SAMPLE_CLIENTS	2u	/* every process of the machine is looked at */
#define SAMPLE_ERRORS	4u	/* debugfs: wakes a card that sleeps, so those are left out */

struct sample {
	unsigned int what;
	struct timespec wall;
	struct card_list cards;
	struct client_list clients;
	struct sample_errors {
		bool known;
		struct card_errors errors;
	} *errors;			/* by card */
};

/* False without memory, which standard error is told. sample_free() frees, also what is all zero. */
bool sample_read(struct sample *sample, unsigned int what);
void sample_free(struct sample *sample);

/* What all processes that can be seen had of a card's engines since @before; false: it cannot be known. */
bool sample_use(const struct sample *now, const struct sample *before, const struct card *card,
		struct client_use *use);

#endif
