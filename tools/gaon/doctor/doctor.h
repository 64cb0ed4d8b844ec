/* SPDX-License-Identifier: MIT */
/* gaon doctor: findings, each with a verdict and the command that mends it. */
#ifndef GAON_TOOLS_DOCTOR_H
#define GAON_TOOLS_DOCTOR_H

#include "../card/card.h"

#define DOCTOR_FINDINGS	256

enum doctor_verdict {
	DOCTOR_GOOD,
	DOCTOR_NOTE,		/* it works; something could be better, or cannot be told */
	DOCTOR_BAD,		/* a card cannot be used as long as this is so */
};

struct doctor_finding {
	const char *check;	/* static */
	enum doctor_verdict verdict;
	char text[512], mend[512];	/* mend "": nothing to do */
};

struct doctor {
	struct card_list cards;
	char release[128];	/* of the kernel */
	size_t count;
	struct doctor_finding findings[DOCTOR_FINDINGS];
};

/* What mends it follows the text behind a newline, if anything does. */
void doctor_find(struct doctor *d, const char *check, enum doctor_verdict verdict, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

void doctor_kernel(struct doctor *d);	/* bus, kernel, module: kernel.c */
void doctor_firmware(struct doctor *d);	/* firmware.c */
void doctor_cards(struct doctor *d);	/* driver, state, link, node, IOMMU of each card: cards.c */
void doctor_process(struct doctor *d);	/* limits, container, runtime, plug-in: process.c */

#endif
