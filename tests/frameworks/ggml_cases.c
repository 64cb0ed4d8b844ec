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

/* @kind: the mode; one drawing in three has frequency factors, one in three YaRN's parameters. */
static struct ggml_tensor *build_rope(struct ggml_context *c, const struct draw *d)
{
	int64_t dims = 2 * (1 + pick(d, 1, 32)), heads = d->ne[1], tokens = d->ne[0] % 40 + 1;
	int sections[4] = { (int)(dims / 4 + 1), (int)(dims / 4), 1, 0 };
	bool sectioned = d->kind & GGML_ROPE_TYPE_MROPE, vision = d->kind == GGML_ROPE_TYPE_VISION;
	int64_t width = vision ? 2 * dims : dims + (pick(d, 2, 2) ? 16 : 0);
	const int64_t ne[4] = { width, heads, tokens, 1 };
	struct ggml_tensor *x = viewed(c, d, 0, d->type, ne), *factors = NULL;
	struct ggml_tensor *at = ggml_new_tensor_1d(c, GGML_TYPE_I32, tokens * (sectioned ? 4 : 1));
	float extension = pick(d, 4, 3) ? 0.0f : 0.75f;

	ggml_set_name(at, "range 0 8");
	if (!pick(d, 3, 3)) {
		factors = ggml_new_tensor_1d(c, GGML_TYPE_F32, width);
		ggml_set_name(factors, "range 0.9 2");
	}
	if (sectioned)
		return ggml_rope_multi(c, x, at, factors, dims, sections, d->kind, 512, 10000.0f,
				       d->x, extension, 1.0f, 32.0f, 1.0f);
	return ggml_rope_ext(c, x, at, factors, dims, d->kind, 512, 10000.0f, d->x, extension, 1.0f,
			     32.0f, 1.0f);
}

/* @other: the mask's type, or COUNT for none; @kind: with ALiBi */
static struct ggml_tensor *build_soft_max(struct ggml_context *c, const struct draw *d)
{
	struct ggml_tensor *x = leaf(c, GGML_TYPE_F32, d->ne), *mask = NULL, *out;
	int64_t ne[4] = { d->ne[0], d->ne[1], pick(d, 0, 2) ? d->ne[2] : 1,
			  pick(d, 1, 2) ? d->ne[3] : 1 };

	if (d->other != GGML_TYPE_COUNT) {
		mask = leaf(c, d->other, ne);
		ggml_set_name(mask, "mask");
	}
	out = ggml_soft_max_ext(c, x, mask, d->x, d->kind ? 8.0f : 0.0f);
	if (!pick(d, 2, 3))
		ggml_soft_max_add_sinks(out, ggml_new_tensor_1d(c, GGML_TYPE_F32, d->ne[2]));
	return out;
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
	{ "rope norm", build_rope, F32, F32, GGML_ROPE_TYPE_NORMAL, true, 1e-7 },
	{ "rope neox", build_rope, F32, F32, GGML_ROPE_TYPE_NEOX, true, 1e-7 },
	{ "rope neox f16", build_rope, F16, F32, GGML_ROPE_TYPE_NEOX, true, 1e-7 },
	{ "rope mrope", build_rope, F32, F32, GGML_ROPE_TYPE_MROPE, true, 1e-7 },
	{ "rope vision", build_rope, F32, F32, GGML_ROPE_TYPE_VISION, true, 1e-7 },
	{ "rope imrope", build_rope, F32, F32, GGML_ROPE_TYPE_IMROPE, true, 1e-7 },
	{ "soft_max", build_soft_max, F32, GGML_TYPE_COUNT, 0, true, 1e-6 },
	{ "soft_max mask f32", build_soft_max, F32, F32, 0, true, 1e-6 },
	{ "soft_max mask f16", build_soft_max, F32, F16, 0, true, 1e-6 },
	{ "soft_max alibi", build_soft_max, F32, F16, 1, true, 1e-6 },
};
const size_t op_case_count = SIZE(op_cases);
