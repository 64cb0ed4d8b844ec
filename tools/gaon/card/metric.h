/* SPDX-License-Identifier: MIT */
/* Figures of a card that can be asked for by name. */
#ifndef GAON_TOOLS_METRIC_H
#define GAON_TOOLS_METRIC_H

#include "sample.h"

/* Of one card at one moment; @before: the moment before, for what is a rate. */
struct metric_of {
	const struct sample *now, *before;
	size_t index;			/* of the card in @now */
};

struct metric {
	const char *name;		/* with its unit: "power_w" */
	const char *help;
	unsigned int what;		/* SAMPLE_* that it is made of */
	bool rate;			/* needs a moment before */
	unsigned int digits;		/* behind the point */
	/* One of them. False, or "": not known. */
	bool (*number)(const struct metric_of *of, double *out);
	const char *(*text)(const struct metric_of *of);
};

/* All, up to one without a name. */
extern const struct metric metric_table[];
/* NULL: there is none of this name. */
const struct metric *metric_find(const char *name);

#endif
