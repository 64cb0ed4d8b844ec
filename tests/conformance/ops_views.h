/* SPDX-License-Identifier: MIT */
/* Random views of device memory with a copy on the host, for the tests of operators on tensors. */
#ifndef GAON_TESTS_OPS_VIEWS_H
#define GAON_TESTS_OPS_VIEWS_H

#include <gaon/tensor.h>

#include "ops_common.h"

struct view {
	struct gaon_tensor t;
	uint8_t *bytes;			/* of the whole allocation: the view's span */
	uint8_t *before;		/* what they were when the view was made */
	uint64_t span, count;		/* bytes, elements */
};

enum view_layout {
	VIEW_DENSE,
	VIEW_PADDED,			/* gaps behind rows and behind what is outside of them */
	VIEW_STRIDED,			/* dimensions in any order, gaps anywhere */
};

#define VIEW_NE(a, b, c, d)	((uint64_t[GAON_TENSOR_DIMS]){ a, b, c, d })

/* Random sizes: ne[0] up to @most, the others small, mostly; elements at most about 4 * @most. */
void view_shape(uint64_t ne[GAON_TENSOR_DIMS], uint64_t most);
/* Sizes that fill @ne when repeated. */
void view_part(uint64_t part[GAON_TENSOR_DIMS], const uint64_t ne[GAON_TENSOR_DIMS]);
enum view_layout view_layout(void);
/* F32, mostly, F16 or BF16. */
uint8_t view_float(void);

/* In device memory of exactly its span, random values in [-@wide, @wide], gaps random too. */
struct view view_make(uint8_t type, const uint64_t ne[GAON_TENSOR_DIMS], enum view_layout layout,
		      float wide);
void view_free(struct view *v);

/* Element @e of a tensor of @ne by its dimensions, and back. */
struct view_place {
	uint64_t i[GAON_TENSOR_DIMS];
};

struct view_place view_place_of(const uint64_t ne[GAON_TENSOR_DIMS], uint64_t e);
uint64_t view_element_of(const uint64_t ne[GAON_TENSOR_DIMS], const struct view_place *p);

/* Value of element @e, counted through with dimension 0 fastest; what the host has. */
double view_get(const struct view *v, uint64_t e);
/* Element of @v at the place that element @e of a tensor of @ne has, @v repeated to fill that. */
double view_get_repeated(const struct view *v, const uint64_t ne[GAON_TENSOR_DIMS], uint64_t e);
/* An I32, I64, F32, F16 or BF16 element on the host; view_upload() sends all. */
void view_set(struct view *v, uint64_t e, double value);
void view_upload(struct view *v);

/* Wait for the stream and read @v's bytes back. The test fails if a byte outside of elements changed. */
void view_fetch(const char *what, struct view *v);
/*
 * view_fetch(), and each element is within @relative and @absolute of @want, besides one rounding to
 * the view's type. Frees @want.
 */
void view_compare(const char *what, struct view *v, double *want, double relative, double absolute);

#endif
