// SPDX-License-Identifier: MIT
/* One function for each operator, or for several of the same form; shapes must be the same for the
 * same draw. */
#include "ggml_cases.h"

#define SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* A number below @below out of the draw's variant, another for each @place. */
static int64_t pick(const struct draw *d, int place, int64_t below)
{
	return (d->variant >> place * 3) * 2654435761 / 1024 % below;
}

static struct ggml_tensor *leaf(struct ggml_context *c, enum ggml_type type, const int64_t ne[4])
{
	return ggml_new_tensor(c, type, 4, ne);
}

/* A tensor of that shape which is dense, a part of a larger one, or has dimensions in another
 * order. */
static struct ggml_tensor *viewed(struct ggml_context *c, const struct draw *d, int place,
				  enum ggml_type type, const int64_t ne[4])
{
	int64_t block = ggml_blck_size(type);
	int64_t wide[4] = { ne[0] + 2 * block, ne[1] + 1, ne[2], ne[3] },
		turned[4] = { ne[0], ne[2], ne[1], ne[3] };
	struct ggml_tensor *t;

	switch (pick(d, place, 3)) {
	case 0:
		t = leaf(c, type, wide);
		return ggml_view_4d(c, t, ne[0], ne[1], ne[2], ne[3], t->nb[1], t->nb[2], t->nb[3],
				    t->nb[1] + ggml_row_size(type, block));
	case 1: return ggml_permute(c, leaf(c, type, turned), 0, 2, 1, 3);
	default: return leaf(c, type, ne);
	}
}

static struct ggml_tensor *build_arithmetic(struct ggml_context *c, const struct draw *d)
{
	static struct ggml_tensor *(*const functions[])(struct ggml_context *, struct ggml_tensor *,
							struct ggml_tensor *) = {
		ggml_add,
		ggml_sub,
		ggml_mul,
		ggml_div,
	};
	struct ggml_tensor *a = viewed(c, d, 0, d->type, d->ne), *b;
	int64_t ne[4];

	/* The second is repeated along some dimensions. */
	for (int i = 0; i < 4; i++)
		ne[i] = pick(d, i + 1, 3) ? d->ne[i] : 1;
	b = viewed(c, d, 5, d->other, ne);
	if (!b->view_src && d->kind == 3)
		ggml_set_name(b, "range 0.5 2");
	else if (b->view_src && d->kind == 3)
		ggml_set_name(b->view_src, "range 0.5 2");
	return functions[d->kind](c, a, b);
}

static struct ggml_tensor *build_mul_mat(struct ggml_context *c, const struct draw *d)
{
	int64_t block = ggml_blck_size(d->type), k = (d->ne[0] + block - 1) / block * block;
	int64_t n = d->ne[1] * 37 + pick(d, 2, 40) - 36, m = pick(d, 3, 4) ? 1 + pick(d, 4, 70) : 1;
	int64_t repeat2 = 1 + pick(d, 1, 3), repeat3 = 1 + pick(d, 5, 2);
	int64_t weights[4] = { k, n, d->ne[2], d->ne[3] },
		x[4] = { k, m, d->ne[2] * repeat2, d->ne[3] * repeat3 };

	return ggml_mul_mat(c, viewed(c, d, 0, d->type, weights), viewed(c, d, 1, d->other, x));
}

#define F32  GGML_TYPE_F32
#define F16  GGML_TYPE_F16
#define BF16 GGML_TYPE_BF16

const struct op_case op_cases[] = {
	{ "add", build_arithmetic, F32, F32, 0, false, 1e-7 },
	{ "sub", build_arithmetic, F32, F32, 1, false, 1e-7 },
	{ "mul", build_arithmetic, F32, F32, 2, false, 1e-7 },
	{ "div", build_arithmetic, F32, F32, 3, false, 1e-7 },
	{ "mul_mat f32", build_mul_mat, F32, F32, 0, true, 5e-4 },
	{ "mul_mat f16", build_mul_mat, F16, F32, 0, true, 5e-4 },
	{ "mul_mat f16 by f16", build_mul_mat, F16, F16, 0, true, 5e-4 },
	{ "mul_mat bf16", build_mul_mat, BF16, F32, 0, true, 5e-4 },
	{ "mul_mat q8_0", build_mul_mat, GGML_TYPE_Q8_0, F32, 0, true, 5e-4 },
	{ "mul_mat q4_0", build_mul_mat, GGML_TYPE_Q4_0, F32, 0, true, 5e-4 },
	{ "mul_mat q4_1", build_mul_mat, GGML_TYPE_Q4_1, F32, 0, true, 5e-4 },
};
const size_t op_case_count = SIZE(op_cases);
