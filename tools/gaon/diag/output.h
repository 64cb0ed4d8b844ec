/* SPDX-License-Identifier: MIT */
/* What `gaon diag` prints. */
#ifndef GAON_TOOLS_DIAG_OUTPUT_H
#define GAON_TOOLS_DIAG_OUTPUT_H

#include "diag.h"

#define DIAG_TESTS	40		/* room for results */

/* All of a run. */
struct diag_run {
	struct diag d;
	struct diag_result results[DIAG_TESTS];
	bool asked[DIAG_TESTS];		/* the test belongs to what was asked for */
	bool interrupted;
	double seconds;
	enum diag_verdict verdict;
	char summary[512];		/* one line, for a person */
};

extern const char *const diag_verdict_names[];

/* Verdict and summary of what came out. */
void diag_conclude(struct diag_run *run);
/* The first line as monitoring wants it, then one for each test and finding. */
void diag_print_text(const struct diag_run *run);
void diag_print_json(const struct diag_run *run);
void diag_print_list(bool json);

#endif
