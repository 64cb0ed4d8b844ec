// SPDX-License-Identifier: MIT
/* Rotary position embedding: checks, and the rate at which each pair turns. */
#include "tensor_internal.h"

#include <gaon/products.h>
#include <math.h>

#define CALL	"gaon_ops_rope"

static bool has_sections(uint32_t mode)
{
	return mode & GAON_ROPE_MROPE;
}

static uint32_t pair_count(const struct gaon_rope *r)
{
	return r->mode == GAON_ROPE_VISION ? r->n_dims : r->n_dims / 2;
}

static enum gaon_status check_parameters(const struct gaon_rope *r, uint64_t columns)
{
	uint32_t sum = 0;

	if (!r || r->size != sizeof(*r))
		return ops_fail(GAON_ERROR_STRUCT_SIZE, CALL ": size of the parameters is not %zu",
				sizeof(*r));
	if (r->mode != GAON_ROPE_NORM && r->mode != GAON_ROPE_NEOX && r->mode != GAON_ROPE_MROPE &&
	    r->mode != GAON_ROPE_VISION && r->mode != GAON_ROPE_IMROPE)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": there is no mode %u", r->mode);
	if (!r->n_dims || r->n_dims % 2 || pair_count(r) > OPS_ROPE_PAIRS ||
	    (r->mode == GAON_ROPE_VISION ? r->n_dims * 2ull != columns : r->n_dims > columns))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT,
				CALL ": n_dims %u of %llu columns (even, at most %u pairs)", r->n_dims,
				(unsigned long long)columns, OPS_ROPE_PAIRS);
	for (int i = 0; i < 4 && has_sections(r->mode); i++)
		if (__builtin_add_overflow(sum, r->sections[i], &sum))
			return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": sections are too large");
	if (has_sections(r->mode) && !sum)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": all sections are 0");
	if (!(r->freq_base > 0) || !isfinite(r->freq_base) || !isfinite(r->freq_scale) ||
	    (r->ext_factor != 0 && !(r->freq_scale > 0)))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": freq_base %g, freq_scale %g",
				(double)r->freq_base, (double)r->freq_scale);
	return GAON_OK;
}

static enum gaon_status check(const struct gaon_tensor *dst, const struct gaon_tensor *src0,
			      const struct gaon_tensor *src1, const struct gaon_tensor *src2,
			      const struct gaon_rope *r)
{
	const struct ops_tensor operands[] = {
		{ "dst", dst, true }, { "src0", src0, false }, { "src1", src1, false },
		{ "src2", src2, false },
	};
	enum gaon_status status = ops_tensor_valid(CALL, operands, src2 ? 4 : 3);

	if (!status)
		status = check_parameters(r, src0->ne[0]);
	if (status)
		return status;
	if ((dst->type != GAON_TYPE_F32 && dst->type != GAON_TYPE_F16) || src0->type != dst->type ||
	    src1->type != GAON_TYPE_I32 || (src2 && src2->type != GAON_TYPE_F32))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": %s by %s to %s",
				gaon_tensor_type_name(src0->type), gaon_tensor_type_name(src1->type),
				gaon_tensor_type_name(dst->type));
	if (!ops_tensor_same_shape(dst, src0) || src0->ne[0] > OPS_ROPE_COLUMNS ||
	    src1->ne[0] != src0->ne[2] * (has_sections(r->mode) ? 4 : 1) ||
	    ops_tensor_rows(src1) != 1 || (src2 && src2->ne[0] < pair_count(r)))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": %s by %s to %s",
				ops_tensor_text(src0), ops_tensor_text(src1), ops_tensor_text(dst));
	if (!ops_tensor_dense_rows(dst) || !ops_tensor_dense_rows(src0) ||
	    !ops_tensor_dense_rows(src1) || (src2 && !ops_tensor_dense_rows(src2)))
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": elements of a row must be adjacent");
	if (src0->ne[1] > UINT32_MAX || src0->ne[2] > UINT32_MAX || src0->ne[3] > UINT32_MAX)
		return ops_fail(GAON_ERROR_INVALID_ARGUMENT, CALL ": %s is too large",
				ops_tensor_text(src0));
	return GAON_OK;
}

bool gaon_ops_rope_supports(const struct gaon_tensor *dst, const struct gaon_tensor *src0,
			    const struct gaon_tensor *src1, const struct gaon_tensor *src2,
			    const struct gaon_rope *rope)
{
	return !check(dst, src0, src1, src2, rope);
}

/* The pair that turns @turns times within the context that the model was trained with. */
static double correction(const struct gaon_rope *r, double turns)
{
	return r->n_dims * log(r->n_ctx_orig / (turns * 2 * M_PI)) / (2 * log((double)r->freq_base));
}

/*
 * YaRN: pairs that turn often keep their rate, those that turn less than once are slowed down by
 * freq_scale, between them is a ramp.  (Peng et al., YaRN, 2023; ggml's form of it.)
 */
static double slow_down(const struct gaon_rope *r, uint32_t pair)
{
	double low, high, ramp;

	if (r->ext_factor == 0)
		return (double)r->freq_scale;
	low = fmax(0, floor(correction(r, (double)r->beta_fast)));
	high = fmin(r->n_dims - 1.0, ceil(correction(r, (double)r->beta_slow)));
	ramp = (pair - low) / fmax(0.001, high - low);
	ramp = (1 - fmin(1, fmax(0, ramp))) * (double)r->ext_factor;
	return (double)r->freq_scale * (1 - ramp) + ramp;
}

/* Which of the four positions turns a pair, and how many pairs before it turn faster by it. */
static uint32_t pair_stream(const struct gaon_rope *r, uint32_t pair, uint32_t *step)
{
	const uint32_t *s = r->sections;
	uint32_t all = s[0] + s[1] + s[2] + s[3], at = has_sections(r->mode) ? pair % all : 0;
	uint32_t stream = 0, start = 0;

	*step = pair;
	if (!has_sections(r->mode))
		return 0;
	if (r->mode == GAON_ROPE_IMROPE) {
		stream = at % 3;
		return at < 3 * s[stream] ? stream : 3;
	}
	while (stream < 3 && at >= start + s[stream])
		start += s[stream++];
	if (r->mode == GAON_ROPE_VISION)
		*step = at - start;
	return stream;
}

static void fill_rates(struct ops_rope_args *a, const struct gaon_rope *r)
{
	for (uint32_t i = 0; i < a->pairs; i++) {
		uint32_t step;

		a->stream[i] = (uint8_t)pair_stream(r, i, &step);
		a->rate[i] = pow((double)r->freq_base, -2.0 * step / r->n_dims) * slow_down(r, i);
	}
	a->scale = r->attn_factor;
	if (r->ext_factor != 0)
		a->scale *= (float)(1 + 0.1 * log(1 / (double)r->freq_scale));
}

enum gaon_status gaon_ops_rope(struct gaon_ops *ops, struct gaon_stream *stream,
			       const struct gaon_tensor *dst, const struct gaon_tensor *src0,
			       const struct gaon_tensor *src1, const struct gaon_tensor *src2,
			       const struct gaon_rope *rope)
{
	const struct ops_tensor operands[] = {
		{ "dst", dst, true }, { "src0", src0, false }, { "src1", src1, false },
		{ "src2", src2, false },
	};
	enum gaon_status status = check(dst, src0, src1, src2, rope);
	struct ops_rope_args a;

	if (!status)
		status = ops_tensor_check(ops, CALL, operands, src2 ? 4 : 3);
	if (status || ops_tensor_empty(dst))
		return status;
	a = (struct ops_rope_args){
		.y = dst->va, .x = src0->va, .position = src1->va, .factors = src2 ? src2->va : 0,
		.columns = (uint32_t)dst->ne[0], .heads = (uint32_t)dst->ne[1],
		.tokens = (uint32_t)dst->ne[2], .sequences = (uint32_t)dst->ne[3],
		.pairs = pair_count(rope), .half = dst->type == GAON_TYPE_F16, .apart = rope->n_dims,
		.layout = rope->mode == GAON_ROPE_NORM ? OPS_ROPE_NEIGHBOURS : OPS_ROPE_HALVES,
	};
	if (rope->mode != GAON_ROPE_VISION)
		a.apart = rope->n_dims / 2;
	for (int i = 0; i < 3; i++) {
		a.x_nb[i] = src0->nb[i + 1];
		a.y_nb[i] = dst->nb[i + 1];
	}
	fill_rates(&a, rope);
	return ops_launch(ops, stream, OPS_KERNEL_ROPE, &a, sizeof(a), dst->ne[2] * dst->ne[3], 0);
}
