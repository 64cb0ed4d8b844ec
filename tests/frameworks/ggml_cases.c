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

/* A dense one, or the first parts of longer rows. */
static struct ggml_tensor *row_parts(struct ggml_context *c, const struct draw *d, int place,
				     enum ggml_type type, const int64_t ne[4])
{
	int64_t wide[4] = { ne[0] + ggml_blck_size(type), ne[1], ne[2], ne[3] };
	struct ggml_tensor *t;

	if (pick(d, place, 2))
		return leaf(c, type, ne);
	t = leaf(c, type, wide);
	return ggml_view_4d(c, t, ne[0], ne[1], ne[2], ne[3], t->nb[1], t->nb[2], t->nb[3], 0);
}

/* Numbers from @low to @high where nothing computes @t. */
static struct ggml_tensor *ranged(struct ggml_tensor *t, float low, float high)
{
	ggml_format_name(t->view_src ? t->view_src : t, "range %g %g", low, high);
	return t;
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
	if (d->kind == 3)
		ranged(b, 0.5f, 2.0f);
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
	bool sectioned = d->kind & GGML_ROPE_TYPE_MROPE, vision = d->kind == GGML_ROPE_TYPE_VISION;
	int64_t dims = sectioned ? 8 * (1 + pick(d, 1, 8)) : 2 * (1 + pick(d, 1, 32));
	int64_t heads = d->ne[1], tokens = d->ne[0] % 40 + 1;
	/* An empty section leaves the next one's angles to the last before it in ggml: none is. */
	int sections[4] = { (int)(dims / 4 + 1), (int)(dims / 4), 1, 0 };
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

/*
 * @kind: the function. ggml's processor backend looks GELU up by a rounded operand: numbers as
 * large, and tensors no smaller, than those of ggml's own tests keep its mean error below the
 * bound.
 */
static struct ggml_tensor *build_unary(struct ggml_context *c, const struct draw *d)
{
	bool rounded = d->kind == GGML_UNARY_OP_GELU || d->kind == GGML_UNARY_OP_GELU_QUICK;
	float largest = rounded || pick(d, 1, 2) ? 150.0f : 2.0f;
	int64_t ne[4] = { d->ne[0] + (rounded ? 512 : 0), d->ne[1], d->ne[2], d->ne[3] };

	return ggml_unary(c, ranged(viewed(c, d, 0, d->type, ne), -largest, largest), d->kind);
}

enum { SQUARE, ROOT, LOGARITHM, SCALED, CLAMPED };

/* Roots and logarithms of what is above 0. */
static struct ggml_tensor *build_map(struct ggml_context *c, const struct draw *d)
{
	/* ggml scales dense tensors only. */
	struct ggml_tensor *x =
		d->kind == SCALED ? leaf(c, d->type, d->ne) : viewed(c, d, 0, d->type, d->ne);

	if (d->kind == ROOT || d->kind == LOGARITHM)
		ranged(x, 0.5f, 3.0f);
	switch (d->kind) {
	case SQUARE: return ggml_sqr(c, x);
	case ROOT: return ggml_sqrt(c, x);
	case LOGARITHM: return ggml_log(c, x);
	case SCALED: return ggml_scale_bias(c, x, d->x, pick(d, 1, 2) ? d->y : 0.0f);
	default: return ggml_clamp(c, x, d->y - 0.5f, d->y + 0.25f);
	}
}

/* @kind: the function; one operand with both halves in either order, or two */
static struct ggml_tensor *build_glu(struct ggml_context *c, const struct draw *d)
{
	/* As in build_unary(). */
	int64_t wide = d->ne[0] + (d->kind == GGML_GLU_OP_GEGLU_QUICK ? 512 : 0);
	int64_t ne[4] = { wide, d->ne[1], d->ne[2], d->ne[3] };
	int64_t both[4] = { 2 * wide, d->ne[1], d->ne[2], d->ne[3] };
	bool limited = d->kind == GGML_GLU_OP_SWIGLU_OAI || d->kind == GGML_GLU_OP_SWIGLU_CLAMP;
	bool split = limited || pick(d, 2, 2);
	struct ggml_tensor *a = row_parts(c, d, 0, d->type, split ? ne : both);
	struct ggml_tensor *b = split ? row_parts(c, d, 1, d->type, ne) : NULL;

	ranged(a, -150.0f, 150.0f);
	if (d->kind == GGML_GLU_OP_SWIGLU_OAI)
		return ggml_swiglu_oai(c, a, b, 1.702f, 0.5f);
	if (d->kind == GGML_GLU_OP_SWIGLU_CLAMP)
		return ggml_swiglu_clamp(c, a, b, 0.5f);
	return split ? ggml_glu_split(c, a, b, d->kind) : ggml_glu(c, a, d->kind, pick(d, 3, 2));
}

/* Rows are whole blocks of both types. */
static int64_t whole_blocks(const struct draw *d)
{
	int64_t block = ggml_blck_size(d->type) > ggml_blck_size(d->other)
				? ggml_blck_size(d->type)
				: ggml_blck_size(d->other);

	return (d->ne[0] + block - 1) / block * block;
}

/* From @type to @other. ggml's processor backend writes blocks densely only. */
static struct ggml_tensor *build_copy(struct ggml_context *c, const struct draw *d)
{
	int64_t ne[4] = { whole_blocks(d), d->ne[1], d->ne[2], d->ne[3] };
	bool blocks = ggml_is_quantized(d->other);

	return ggml_cpy(c, viewed(c, d, 0, d->type, ne),
			blocks ? leaf(c, d->other, ne) : viewed(c, d, 1, d->other, ne));
}

static struct ggml_tensor *build_cont(struct ggml_context *c, const struct draw *d)
{
	struct ggml_tensor *x = viewed(c, d, 0, d->type, d->ne);

	return ggml_cont(c,
			 pick(d, 1, 2) && ggml_blck_size(d->type) == 1 ? ggml_transpose(c, x) : x);
}

/* @other: the indices' type */
static struct ggml_tensor *indices(struct ggml_context *c, enum ggml_type type, int64_t n0,
				   int64_t n1, int64_t n2, int64_t below)
{
	struct ggml_tensor *index = ggml_new_tensor_3d(c, type, n0, n1, n2);

	ggml_format_name(index, "index %d", (int)below);
	return index;
}

static struct ggml_tensor *build_get_rows(struct ggml_context *c, const struct draw *d)
{
	int64_t block = ggml_blck_size(d->type), rows = 1 + pick(d, 1, 90);
	int64_t ne[4] = { (d->ne[0] + block - 1) / block * block, rows, d->ne[2], d->ne[3] };

	return ggml_get_rows(
		c, viewed(c, d, 0, d->type, ne),
		indices(c, GGML_TYPE_I32, 1 + pick(d, 2, 40), d->ne[2], d->ne[3], rows));
}

/* Rows of F32 into a larger tensor of @type by indices of @other, which are not repeated. */
static struct ggml_tensor *build_set_rows(struct ggml_context *c, const struct draw *d)
{
	int64_t block = ggml_blck_size(d->type), rows = 1 + pick(d, 1, 90),
		some = 1 + pick(d, 2, rows);
	int64_t to[4] = { (d->ne[0] + block - 1) / block * block, rows, d->ne[2], d->ne[3] };
	int64_t from[4] = { to[0], some, d->ne[2], d->ne[3] };

	return ggml_set_rows(c, leaf(c, d->type, to), viewed(c, d, 3, GGML_TYPE_F32, from),
			     indices(c, d->other, some, pick(d, 4, 2) ? d->ne[2] : 1, 1, rows));
}

enum { RMS, RMS_WEIGHTED, RMS_OF_SUM, MEAN_AND_VARIANCE, L2, SUMS, MEANS };

static struct ggml_tensor *build_norm(struct ggml_context *c, const struct draw *d)
{
	struct ggml_tensor *x = viewed(c, d, 0, GGML_TYPE_F32, d->ne), *sum;

	switch (d->kind) {
	case RMS: return ggml_rms_norm(c, x, 1e-5f);
	case RMS_WEIGHTED:
		/* One operator on the device, as the product overwrites the norm. */
		return ggml_mul_inplace(c, ggml_rms_norm(c, x, 1e-5f),
					ggml_new_tensor_1d(c, GGML_TYPE_F32, d->ne[0]));
	case RMS_OF_SUM:
		/* One operator too; the sum is needed besides. */
		sum = ggml_add(c, x, leaf(c, GGML_TYPE_F32, d->ne));
		x = ggml_mul_inplace(c, ggml_rms_norm(c, sum, 1e-5f),
				     ggml_new_tensor_1d(c, GGML_TYPE_F32, d->ne[0]));
		return ggml_sub(c, x, sum);
	case MEAN_AND_VARIANCE: return ggml_norm(c, x, 1e-5f);
	case L2: return ggml_l2_norm(c, x, 1e-5f);
	case SUMS: return ggml_sum_rows(c, x);
	default: return ggml_mean(c, x);
	}
}

/* @type: of keys and values; @kind: bits for a mask, ALiBi, a cap of the logits, sinks,
 * keys and values that are NaN and hidden */
static struct ggml_tensor *build_flash(struct ggml_context *c, const struct draw *d)
{
	static const int64_t widths[] = { 64, 128, 96, 256, 80, 40 };	/* the first four in blocks */
	int64_t width = widths[pick(d, 0, ggml_is_quantized(d->type) ? 4 : 6)];
	int64_t keys = d->ne[0], tokens = 1 + pick(d, 1, 20);
	int64_t heads = d->ne[1], group = 1 + pick(d, 2, 3), sequences = 1 + pick(d, 3, 2);
	/* The cache's order: heads inside keys, seen the other way round. */
	int64_t cache[4] = { width, heads, keys, sequences };
	int64_t turned[4] = { width, heads * group, tokens, sequences };
	struct ggml_tensor *q = ggml_permute(c, leaf(c, GGML_TYPE_F32, turned), 0, 2, 1, 3);
	struct ggml_tensor *k = ggml_permute(c, leaf(c, d->type, cache), 0, 2, 1, 3);
	struct ggml_tensor *v = ggml_permute(c, leaf(c, d->type, cache), 0, 2, 1, 3);
	struct ggml_tensor *mask = NULL, *out;
	float sharp = pick(d, 4, 2) && !ggml_is_quantized(d->type) ? 8.0f : 1.0f;

	/*
	 * Probabilities that are much alike, or some that outweigh the others; not so beside blocks, where
	 * the processor backend rounds queries to eight bits.
	 */
	ranged(q, -sharp, sharp);
	ranged(k, -sharp, sharp);
	if (d->kind & 3) {
		mask = ggml_new_tensor_4d(c, GGML_TYPE_F16, keys, tokens, 1, sequences);
		ggml_set_name(mask, d->kind & 16 ? "mask holes" : "mask");
	}
	if (d->kind & 16) {
		ggml_set_name(k->view_src, "holes");
		ggml_set_name(v->view_src, "holes");
	}
	out = ggml_flash_attn_ext(c, q, k, v, mask, 0.125f, d->kind & 2 ? 8.0f : 0.0f,
				  d->kind & 4 ? 10.0f : 0.0f);
	ggml_prec_set_acc(out, GGML_PREC_F32);
	if (d->kind & 8)
		ggml_flash_attn_ext_add_sinks(out,
					      ggml_new_tensor_1d(c, GGML_TYPE_F32, heads * group));
	return out;
}

/* @type: the weights'; experts are chosen without repetition for each token */
static struct ggml_tensor *build_mul_mat_id(struct ggml_context *c, const struct draw *d)
{
	int64_t block = ggml_blck_size(d->type), k = (d->ne[0] + block - 1) / block * block;
	int64_t n = 1 + pick(d, 1, 70), experts = 1 + pick(d, 2, 8), used = 1 + pick(d, 3, experts);
	int64_t tokens = 1 + pick(d, 4, 20);
	struct ggml_tensor *weights = ggml_new_tensor_3d(c, d->type, k, n, experts);
	struct ggml_tensor *x =
		ggml_new_tensor_3d(c, GGML_TYPE_F32, k, pick(d, 5, 2) ? used : 1, tokens);

	return ggml_mul_mat_id(c, weights, x, indices(c, GGML_TYPE_I32, used, tokens, 1, experts));
}

static struct ggml_tensor *build_concat(struct ggml_context *c, const struct draw *d)
{
	int64_t other[4] = { d->ne[0], d->ne[1], d->ne[2], d->ne[3] };
	int dim = (int)pick(d, 1, 4);

	other[dim] = 1 + pick(d, 2, 30);
	return ggml_concat(c, viewed(c, d, 0, d->type, d->ne), viewed(c, d, 3, d->type, other),
			   dim);
}

static struct ggml_tensor *build_repeat(struct ggml_context *c, const struct draw *d)
{
	int64_t ne[4];

	for (int i = 0; i < 4; i++)
		ne[i] = d->ne[i] * (1 + pick(d, i, 3));
	return ggml_repeat_4d(c, viewed(c, d, 5, d->type, d->ne), ne[0], ne[1], ne[2], ne[3]);
}

/* @kind: 0 zeros, 1 in circles, 2 mirrored */
static struct ggml_tensor *build_pad(struct ggml_context *c, const struct draw *d)
{
	struct ggml_tensor *x = leaf(c, d->type, d->ne);
	int p[8];

	for (int i = 0; i < 8; i++)
		p[i] = (int)(d->variant >> i * 2) & 3;
	/* ggml's circles go around once at most. */
	for (int i = 0; d->kind == 1 && i < 8; i++)
		p[i] %= (int)d->ne[i / 2] + 1;
	if (d->kind == 2)
		return ggml_pad_reflect_1d(c, x, p[0] % (int)d->ne[0], p[1] % (int)d->ne[0]);
	return (d->kind ? ggml_pad_ext_circular : ggml_pad_ext)(c, x, p[0], p[1], p[2], p[3], p[4],
								p[5], p[6], p[7]);
}

/* @kind: the order, or 2 for the largest */
static struct ggml_tensor *build_order(struct ggml_context *c, const struct draw *d)
{
	struct ggml_tensor *x = leaf(c, GGML_TYPE_F32, d->ne);

	ggml_set_name(x, "distinct");
	return d->kind == 2 ? ggml_top_k(c, x, 1 + (int)pick(d, 1, d->ne[0]))
			    : ggml_argsort(c, x, d->kind);
}

/* @kind: the function and, in bit 4, whether images have two dimensions */
static struct ggml_tensor *build_pool(struct ggml_context *c, const struct draw *d)
{
	int k = 1 + (int)pick(d, 0, 3), pad = (int)pick(d, 1, k), stride = 1 + (int)pick(d, 2, 3);
	int64_t ne[4] = { d->ne[0] + 3, d->ne[1] + 3, d->ne[2], d->ne[3] };

	/* ggml's processor backend has no more than this in one dimension. */
	if (!(d->kind & 16))
		return ggml_pool_1d(c, leaf(c, GGML_TYPE_F32, ne), d->kind & 15, k, k, 0);
	return ggml_pool_2d(c, leaf(c, GGML_TYPE_F32, ne), d->kind & 15, k, k, stride, stride, pad,
			    pad);
}

/* @kind: two dimensions; @type: of the result */
static struct ggml_tensor *build_im2col(struct ggml_context *c, const struct draw *d)
{
	int k0 = 1 + (int)pick(d, 0, 4), k1 = 1 + (int)pick(d, 1, 4), s = 1 + (int)pick(d, 2, 3);
	int pad = (int)pick(d, 3, 3), dilation = 1 + (int)pick(d, 4, 2);
	int64_t w = d->ne[0] + 8, h = d->ne[1] + 8, channels = d->ne[2], images = d->ne[3];

	if (d->kind)
		return ggml_im2col(c, ggml_new_tensor_4d(c, GGML_TYPE_F16, k0, k1, channels, 2),
				   ggml_new_tensor_4d(c, GGML_TYPE_F32, w, h, channels, images), s,
				   s, pad, pad, dilation, dilation, true, d->type);
	return ggml_im2col(c, ggml_new_tensor_3d(c, GGML_TYPE_F16, k0, channels, 2),
			   ggml_new_tensor_3d(c, GGML_TYPE_F32, w, channels, images), s, 0, pad, 0,
			   dilation, 0, false, d->type);
}

/* clang-format off */
#define F32  GGML_TYPE_F32
#define F16  GGML_TYPE_F16
#define BF16 GGML_TYPE_BF16

const struct op_case op_cases[] = {
	{ "add", build_arithmetic, F32, F32, 0, true, 1e-7 },
	{ "sub", build_arithmetic, F32, F32, 1, true, 1e-7 },
	{ "mul", build_arithmetic, F32, F32, 2, true, 1e-7 },
	{ "div", build_arithmetic, F32, F32, 3, true, 1e-7 },
	{ "unary abs", build_unary, F32, F32, GGML_UNARY_OP_ABS, true, 1e-7 },
	{ "unary sgn", build_unary, F32, F32, GGML_UNARY_OP_SGN, true, 1e-7 },
	{ "unary neg", build_unary, F32, F32, GGML_UNARY_OP_NEG, true, 1e-7 },
	{ "unary step", build_unary, F32, F32, GGML_UNARY_OP_STEP, true, 1e-7 },
	{ "unary tanh", build_unary, F32, F32, GGML_UNARY_OP_TANH, true, 1e-7 },
	{ "unary elu", build_unary, F32, F32, GGML_UNARY_OP_ELU, true, 1e-7 },
	{ "unary relu", build_unary, F32, F32, GGML_UNARY_OP_RELU, true, 1e-7 },
	{ "unary sigmoid", build_unary, F32, F32, GGML_UNARY_OP_SIGMOID, true, 1e-7 },
	{ "unary gelu", build_unary, F32, F32, GGML_UNARY_OP_GELU, true, 1e-7 },
	{ "unary gelu_quick", build_unary, F32, F32, GGML_UNARY_OP_GELU_QUICK, true, 1e-7 },
	{ "unary gelu_erf", build_unary, F32, F32, GGML_UNARY_OP_GELU_ERF, true, 1e-7 },
	{ "unary silu", build_unary, F32, F32, GGML_UNARY_OP_SILU, true, 1e-7 },
	{ "unary hardswish", build_unary, F32, F32, GGML_UNARY_OP_HARDSWISH, true, 1e-7 },
	{ "unary hardsigmoid", build_unary, F32, F32, GGML_UNARY_OP_HARDSIGMOID, true, 1e-7 },
	{ "unary exp", build_unary, F32, F32, GGML_UNARY_OP_EXP, true, 1e-7 },
	{ "unary expm1", build_unary, F32, F32, GGML_UNARY_OP_EXPM1, true, 1e-7 },
	{ "unary softplus", build_unary, F32, F32, GGML_UNARY_OP_SOFTPLUS, true, 1e-7 },
	{ "unary floor", build_unary, F32, F32, GGML_UNARY_OP_FLOOR, true, 1e-7 },
	{ "unary ceil", build_unary, F32, F32, GGML_UNARY_OP_CEIL, true, 1e-7 },
	{ "unary round", build_unary, F32, F32, GGML_UNARY_OP_ROUND, true, 1e-7 },
	{ "unary trunc", build_unary, F32, F32, GGML_UNARY_OP_TRUNC, true, 1e-7 },
	{ "unary silu f16", build_unary, F16, F16, GGML_UNARY_OP_SILU, true, 1e-7 },
	{ "unary gelu f16", build_unary, F16, F16, GGML_UNARY_OP_GELU, true, 1e-7 },
	{ "unary relu f16", build_unary, F16, F16, GGML_UNARY_OP_RELU, true, 1e-7 },
	{ "unary tanh f16", build_unary, F16, F16, GGML_UNARY_OP_TANH, true, 1e-7 },
	{ "sqr", build_map, F32, F32, SQUARE, true, 1e-7 },
	{ "sqrt", build_map, F32, F32, ROOT, true, 1e-7 },
	{ "log", build_map, F32, F32, LOGARITHM, true, 1e-7 },
	{ "scale", build_map, F32, F32, SCALED, true, 1e-7 },
	{ "clamp", build_map, F32, F32, CLAMPED, true, 1e-7 },
	{ "glu reglu", build_glu, F32, F32, GGML_GLU_OP_REGLU, true, 1e-7 },
	{ "glu geglu", build_glu, F32, F32, GGML_GLU_OP_GEGLU, true, 1e-7 },
	{ "glu swiglu", build_glu, F32, F32, GGML_GLU_OP_SWIGLU, true, 1e-7 },
	{ "glu swiglu_oai", build_glu, F32, F32, GGML_GLU_OP_SWIGLU_OAI, true, 1e-7 },
	{ "glu swiglu_clamp", build_glu, F32, F32, GGML_GLU_OP_SWIGLU_CLAMP, true, 1e-7 },
	{ "glu geglu_erf", build_glu, F32, F32, GGML_GLU_OP_GEGLU_ERF, true, 1e-7 },
	{ "glu geglu_quick", build_glu, F32, F32, GGML_GLU_OP_GEGLU_QUICK, true, 1e-7 },
	{ "cpy f32 to f32", build_copy, F32, F32, 0, true, 0 },
	{ "cpy f32 to f16", build_copy, F32, F16, 0, true, 1e-7 },
	{ "cpy f32 to bf16", build_copy, F32, BF16, 0, true, 1e-7 },
	{ "cpy f16 to f32", build_copy, F16, F32, 0, true, 0 },
	{ "cpy f16 to f16", build_copy, F16, F16, 0, true, 0 },
	{ "cpy bf16 to f32", build_copy, BF16, F32, 0, true, 0 },
	{ "cpy f32 to q8_0", build_copy, F32, GGML_TYPE_Q8_0, 0, true, 1e-6 },
	{ "cpy f32 to q4_0", build_copy, F32, GGML_TYPE_Q4_0, 0, true, 1e-6 },
	{ "cpy f32 to q4_1", build_copy, F32, GGML_TYPE_Q4_1, 0, true, 1e-6 },
	{ "cpy q8_0 to f32", build_copy, GGML_TYPE_Q8_0, F32, 0, true, 1e-7 },
	{ "cpy q4_0 to f32", build_copy, GGML_TYPE_Q4_0, F32, 0, true, 1e-7 },
	{ "cpy q4_1 to f32", build_copy, GGML_TYPE_Q4_1, F32, 0, true, 1e-7 },
	{ "cpy q4_1 to q4_1", build_copy, GGML_TYPE_Q4_1, GGML_TYPE_Q4_1, 0, true, 0 },
	{ "cpy f32 to i32", build_copy, F32, GGML_TYPE_I32, 0, true, 0 },
	{ "cpy i32 to f32", build_copy, GGML_TYPE_I32, F32, 0, true, 0 },
	{ "cpy i32 to i32", build_copy, GGML_TYPE_I32, GGML_TYPE_I32, 0, true, 0 },
	{ "cont f32", build_cont, F32, F32, 0, true, 0 },
	{ "cont f16", build_cont, F16, F16, 0, true, 0 },
	{ "cont bf16", build_cont, BF16, BF16, 0, true, 0 },
	{ "get_rows f32", build_get_rows, F32, F32, 0, true, 1e-7 },
	{ "get_rows f16", build_get_rows, F16, F32, 0, true, 1e-7 },
	{ "get_rows bf16", build_get_rows, BF16, F32, 0, true, 1e-7 },
	{ "get_rows q8_0", build_get_rows, GGML_TYPE_Q8_0, F32, 0, true, 1e-7 },
	{ "get_rows q4_0", build_get_rows, GGML_TYPE_Q4_0, F32, 0, true, 1e-7 },
	{ "get_rows q4_1", build_get_rows, GGML_TYPE_Q4_1, F32, 0, true, 1e-7 },
	{ "set_rows f32 by i64", build_set_rows, F32, GGML_TYPE_I64, 0, true, 1e-7 },
	{ "set_rows f16 by i64", build_set_rows, F16, GGML_TYPE_I64, 0, true, 1e-7 },
	{ "set_rows f16 by i32", build_set_rows, F16, GGML_TYPE_I32, 0, true, 1e-7 },
	{ "set_rows bf16 by i64", build_set_rows, BF16, GGML_TYPE_I64, 0, true, 1e-7 },
	{ "set_rows q8_0 by i64", build_set_rows, GGML_TYPE_Q8_0, GGML_TYPE_I64, 0, true, 1e-6 },
	{ "set_rows q4_0 by i64", build_set_rows, GGML_TYPE_Q4_0, GGML_TYPE_I64, 0, true, 1e-6 },
	{ "set_rows q4_1 by i64", build_set_rows, GGML_TYPE_Q4_1, GGML_TYPE_I64, 0, true, 1e-6 },
	{ "rms_norm", build_norm, F32, F32, RMS, true, 1e-7 },
	{ "rms_norm mul", build_norm, F32, F32, RMS_WEIGHTED, true, 1e-7 },
	{ "add rms_norm mul", build_norm, F32, F32, RMS_OF_SUM, true, 1e-7 },
	{ "norm", build_norm, F32, F32, MEAN_AND_VARIANCE, true, 1e-7 },
	{ "l2_norm", build_norm, F32, F32, L2, true, 1e-7 },
	{ "sum_rows", build_norm, F32, F32, SUMS, true, 1e-7 },
	{ "mean", build_norm, F32, F32, MEANS, true, 1e-7 },
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
	{ "flash_attn f16", build_flash, F16, F16, 0, true, 5e-4 },
	{ "flash_attn f16 mask", build_flash, F16, F16, 1, true, 5e-4 },
	{ "flash_attn f16 alibi", build_flash, F16, F16, 2, true, 5e-4 },
	{ "flash_attn f16 cap", build_flash, F16, F16, 5, true, 5e-4 },
	{ "flash_attn f16 sinks", build_flash, F16, F16, 9, true, 5e-4 },
	{ "flash_attn f16 mask nan", build_flash, F16, F16, 17, true, 5e-4 },
	{ "flash_attn f32 mask nan", build_flash, F32, F32, 17, true, 5e-4 },
	{ "flash_attn f32 mask", build_flash, F32, F32, 1, true, 5e-4 },
	{ "flash_attn bf16 mask", build_flash, BF16, BF16, 1, true, 5e-4 },
	{ "flash_attn q8_0 mask", build_flash, GGML_TYPE_Q8_0, F16, 1, true, 5e-4 },
	{ "flash_attn q4_0 mask", build_flash, GGML_TYPE_Q4_0, F16, 1, true, 5e-4 },
	{ "flash_attn q4_1", build_flash, GGML_TYPE_Q4_1, F16, 0, true, 5e-4 },
	{ "mul_mat_id f32", build_mul_mat_id, F32, F32, 0, true, 5e-4 },
	{ "mul_mat_id f16", build_mul_mat_id, F16, F32, 0, true, 5e-4 },
	{ "mul_mat_id bf16", build_mul_mat_id, BF16, F32, 0, true, 5e-4 },
	{ "mul_mat_id q8_0", build_mul_mat_id, GGML_TYPE_Q8_0, F32, 0, true, 5e-4 },
	{ "mul_mat_id q4_0", build_mul_mat_id, GGML_TYPE_Q4_0, F32, 0, true, 5e-4 },
	{ "mul_mat_id q4_1", build_mul_mat_id, GGML_TYPE_Q4_1, F32, 0, true, 5e-4 },
	{ "mul_mat_id q4_K", build_mul_mat_id, GGML_TYPE_Q4_K, F32, 0, true, 5e-4 },
	{ "mul_mat_id q5_K", build_mul_mat_id, GGML_TYPE_Q5_K, F32, 0, true, 5e-4 },
	{ "mul_mat_id q6_K", build_mul_mat_id, GGML_TYPE_Q6_K, F32, 0, true, 5e-4 },
	{ "mul_mat q4_K", build_mul_mat, GGML_TYPE_Q4_K, F32, 0, true, 5e-4 },
	{ "mul_mat q5_K", build_mul_mat, GGML_TYPE_Q5_K, F32, 0, true, 5e-4 },
	{ "mul_mat q6_K", build_mul_mat, GGML_TYPE_Q6_K, F32, 0, true, 5e-4 },
	{ "get_rows q4_K", build_get_rows, GGML_TYPE_Q4_K, F32, 0, true, 1e-7 },
	{ "get_rows q5_K", build_get_rows, GGML_TYPE_Q5_K, F32, 0, true, 1e-7 },
	{ "get_rows q6_K", build_get_rows, GGML_TYPE_Q6_K, F32, 0, true, 1e-7 },
	{ "concat", build_concat, F32, F32, 0, true, 0 },
	{ "concat i32", build_concat, GGML_TYPE_I32, F32, 0, true, 0 },
	{ "repeat", build_repeat, F32, F32, 0, true, 0 },
	{ "pad", build_pad, F32, F32, 0, true, 0 },
	{ "pad circular", build_pad, F32, F32, 1, true, 0 },
	{ "pad reflect", build_pad, F32, F32, 2, true, 0 },
	{ "argsort up", build_order, F32, F32, GGML_SORT_ORDER_ASC, true, 0 },
	{ "argsort down", build_order, F32, F32, GGML_SORT_ORDER_DESC, true, 0 },
	{ "top_k", build_order, F32, F32, 2, true, 0 },
	{ "pool_1d max", build_pool, F32, F32, GGML_OP_POOL_MAX, true, 1e-7 },
	{ "pool_1d avg", build_pool, F32, F32, GGML_OP_POOL_AVG, true, 1e-7 },
	{ "pool_2d max", build_pool, F32, F32, GGML_OP_POOL_MAX | 16, true, 1e-7 },
	{ "pool_2d avg", build_pool, F32, F32, GGML_OP_POOL_AVG | 16, true, 1e-7 },
	{ "im2col 1d f32", build_im2col, F32, F32, 0, true, 1e-7 },
	{ "im2col 2d f32", build_im2col, F32, F32, 1, true, 1e-7 },
	{ "im2col 1d f16", build_im2col, F16, F32, 0, true, 1e-7 },
	{ "im2col 2d f16", build_im2col, F16, F32, 1, true, 1e-7 },
};
/* clang-format on */
const size_t op_case_count = SIZE(op_cases);
