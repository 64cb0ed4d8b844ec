/* SPDX-License-Identifier: MIT */
/* Cases of ggml_ops.c: how to build one operator from random shapes. */
#ifndef GAON_TESTS_GGML_CASES_H
#define GAON_TESTS_GGML_CASES_H

#include <ggml.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct draw - what is drawn for one try
 * @ne: sizes, at least 1, the first up to 300, others up to 6
 * @type, @other, @kind: of the case
 * @variant: any number, for choices such as views
 * @x: 0.1 to 2, @y: -1 to 1
 */
struct draw {
	int64_t ne[4];
	enum ggml_type type, other;
	int kind;
	int64_t variant;
	float x, y;
};

/**
 * struct op_case - an operator with types
 * @build: makes leaves and the operator, which is the result. Leaves are filled with -1 to 1; the name
 *	"range A B" gives others, "index N" makes integers below N, "mask" some of them -infinity, "holes" NaN at
 *	each fifth place in dimension 2, which "mask holes" hides in dimension 0.
 * @needed: must be supported for all that is drawn
 * @bound: of the normalised mean square error
 */
struct op_case {
	const char *name;
	struct ggml_tensor *(*build)(struct ggml_context *context, const struct draw *draw);
	enum ggml_type type, other;
	int kind;
	bool needed;
	double bound;
};

extern const struct op_case op_cases[];
extern const size_t op_case_count;

/* From the seeded generator: @from to @to, both included; small and odd sizes up to @largest. */
int64_t case_random(int64_t from, int64_t to);
float case_random_float(float from, float to);
int64_t case_random_size(int64_t largest);

#endif
