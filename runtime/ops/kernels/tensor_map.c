// SPDX-License-Identifier: MIT
/* Functions of the elements at the same place of tensors, of one, of two repeated, and gated ones. */
#include "arithmetic.h"
#include "loops.h"
#include "ops_args.h"
#include "tensor_args.h"
#include "tensor_rows.h"

#define SPM	GAON_SPM(struct rows_spm)

/* Where @n results for @at are computed: there if they lie there as f32, else in the scratchpad. */
static float *results(const struct gaon_tensor *dst, char *at)
{
	return rows_plain(dst) ? (float *)at : gaon_spm_static(struct rows_spm)->dst;
}

static void results_store(const struct gaon_tensor *dst, char *at, uint64_t n, const float *from)
{
	if (from != (const float *)at)
		rows_pack(dst, at, n, from);
}

GAON_KERNEL(ops_map, struct ops_map_args,
	    GAON_POINTERS(2, offsetof(struct ops_map_args, dst.va),
			  offsetof(struct ops_map_args, src.va)), SPM, UNARY_STACK)
{
	struct rows_spm *spm = gaon_spm_static(struct rows_spm);
	struct rows_walk w;

	for (w = rows_begin(&args->dst, ROWS_PART); w.left; rows_next(&w)) {
		char *at = rows_column(&args->dst, rows_at(&args->dst, &w), w.column);
		char *from = rows_column(&args->src, rows_at(&args->src, &w), w.column);
		float *y = results(&args->dst, at);

		unary_f32(y, rows_read(&args->src, from, w.n, spm->a), w.n, args->op, args->alpha,
			  args->beta);
		results_store(&args->dst, at, w.n, y);
	}
}

static void fill(float *restrict x, float value, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		x[i] = value;
}

/* y = a op b, where b's row begins at @row and is shorter than the rows of y, at column @column. */
static void zip_repeated(const struct ops_zip_args *args, float *y, const float *a, char *row,
			 uint64_t column, uint64_t n)
{
	float *spare = gaon_spm_static(struct rows_spm)->b;
	uint64_t period = args->b.ne[0];

	if (period == 1) {
		fill(spare, *rows_read(&args->b, row, 1, spare), n);
		binary_f32(y, a, spare, n, args->op);
		return;
	}
	for (uint64_t done = 0; done < n;) {
		uint64_t at = (column + done) % period;
		uint64_t some = n - done < period - at ? n - done : period - at;
		const float *b = rows_read(&args->b, rows_column(&args->b, row, at), some, spare);

		binary_f32(y + done, a + done, b, some, args->op);
		done += some;
	}
}

GAON_KERNEL(ops_zip, struct ops_zip_args,
	    GAON_POINTERS(3, offsetof(struct ops_zip_args, dst.va),
			  offsetof(struct ops_zip_args, a.va),
			  offsetof(struct ops_zip_args, b.va)), SPM)
{
	struct rows_spm *spm = gaon_spm_static(struct rows_spm);
	struct rows_walk w;

	for (w = rows_begin(&args->dst, ROWS_PART); w.left; rows_next(&w)) {
		char *at = rows_column(&args->dst, rows_at(&args->dst, &w), w.column);
		char *from = rows_column(&args->a, rows_at(&args->a, &w), w.column);
		char *row = rows_at_repeated(&args->b, &w);
		const float *a = rows_read(&args->a, from, w.n, spm->a);
		float *y = results(&args->dst, at);

		if (args->b.ne[0] == w.ne0)
			binary_f32(y, a, rows_read(&args->b, rows_column(&args->b, row, w.column),
						   w.n, spm->b), w.n, args->op);
		else
			zip_repeated(args, y, a, row, w.column, w.n);
		results_store(&args->dst, at, w.n, y);
	}
}

/* The smaller one, but NaN if @v is: gaon_minf() would say @limit. */
static float at_most(float v, float limit)
{
	return v > limit ? limit : v;
}

/* The gate is held from above only, the factor from both sides: of gpt-oss, and without its changes. */
static float swiglu_oai(float v, float w, float alpha, float limit)
{
	float gate = at_most(v, limit), up = at_most(-at_most(-w, limit), limit);

	return gate * gaon_sigmoidf(alpha * gate) * (up + 1.0f);
}

static float swiglu_clamp(float v, float w, float limit)
{
	return gaon_siluf(at_most(v, limit)) * at_most(-at_most(-w, limit), limit);
}

static void glu_f32(float *y, const float *a, const float *b, uint64_t n,
		    const struct ops_glu_args *args)
{
	float alpha = args->alpha, limit = args->limit;

	switch (args->op) {
	case OPS_GLU_REGLU: LOOP2(relu(v) * w); break;
	case OPS_GLU_GEGLU: LOOP2(gaon_gelu_tanhf(v) * w); break;
	case OPS_GLU_SWIGLU: LOOP2(gaon_siluf(v) * w); break;
	case OPS_GLU_SWIGLU_OAI: LOOP2(swiglu_oai(v, w, alpha, limit)); break;
	case OPS_GLU_GEGLU_ERF: LOOP2(gaon_geluf(v) * w); break;
	case OPS_GLU_GEGLU_QUICK: LOOP2(gelu_quick(v) * w); break;
	case OPS_GLU_SWIGLU_CLAMP: LOOP2(swiglu_clamp(v, w, limit)); break;
	default: gaon_assert(!"operation exists");
	}
}

GAON_KERNEL(ops_glu, struct ops_glu_args,
	    GAON_POINTERS(3, offsetof(struct ops_glu_args, dst.va),
			  offsetof(struct ops_glu_args, a.va),
			  offsetof(struct ops_glu_args, b.va)), SPM, UNARY_STACK)
{
	struct rows_spm *spm = gaon_spm_static(struct rows_spm);
	struct rows_walk w;

	for (w = rows_begin(&args->dst, ROWS_PART); w.left; rows_next(&w)) {
		char *at = rows_column(&args->dst, rows_at(&args->dst, &w), w.column);
		char *a = rows_column(&args->a, rows_at(&args->a, &w), w.column);
		char *b = rows_column(&args->b, rows_at(&args->b, &w), w.column);
		float *y = results(&args->dst, at);

		glu_f32(y, rows_read(&args->a, a, w.n, spm->a), rows_read(&args->b, b, w.n, spm->b),
			w.n, args);
		results_store(&args->dst, at, w.n, y);
	}
}
