// SPDX-License-Identifier: MIT
/* What convolution is made of: windows of images, their maximum or mean, or laid out as rows. */
#include "part.h"
#include "tensor_args.h"
#include "tensor_rows.h"

/*
 * Outputs [first, end) of a row have input column out * stride + shift inside [0, width); before and
 * behind is padding.
 */
struct inside {
	uint64_t first, end;
};

static struct inside inside_of(uint64_t outs, int64_t stride, int64_t shift, int64_t width)
{
	int64_t first = shift < 0 ? (-shift + stride - 1) / stride : 0;
	int64_t end = width > shift ? (width - 1 - shift) / stride + 1 : 0;
	struct inside in = { (uint64_t)first, (uint64_t)(end < 0 ? 0 : end) };

	in.end = in.end < outs ? in.end : outs;
	in.first = in.first < in.end ? in.first : in.end;
	return in;
}

static void fill(float *restrict y, float value, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		y[i] = value;
}

static void scale(float *restrict y, float by, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		y[i] *= by;
}

static void divide(float *restrict y, const float *restrict by, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		y[i] = by[i] > 0 ? y[i] / by[i] : 0;
}

static void add_strided(float *restrict y, const float *restrict x, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		y[i] += x[i];
}

static void max_strided(float *restrict y, const float *restrict x, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		y[i] = gaon_maxf(y[i], x[i]);
}

static void add_one(float *restrict y, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++)
		y[i] += 1;
}

/* One row of input, shifted by @kx, into the sums or maxima of @n outputs from @column on. */
static void pool_row(const struct ops_window_args *args, const char *row, uint64_t column, uint64_t n,
		     int count)
{
	struct rows_spm *spm = gaon_spm_static(struct rows_spm);
	struct gaon_tensor src = args->src;
	uint64_t stride = args->stride[0];

	src.nb[0] *= stride;
	for (uint32_t kx = 0; kx < args->kernel[0]; kx++) {
		int64_t shift = (int64_t)(column * stride + kx) - (int64_t)args->pad[0];
		struct inside in = inside_of(n, (int64_t)stride, shift, (int64_t)args->src.ne[0]);
		const char *from = row + ((int64_t)(in.first * stride) + shift) *
				   (int64_t)args->src.nb[0];
		uint64_t some = in.end - in.first;
		const float *x;

		if (!some)
			continue;
		x = rows_read(&src, from, some, spm->a);
		if (args->op == OPS_POOL_MAX)
			max_strided(spm->dst + in.first, x, some);
		else
			add_strided(spm->dst + in.first, x, some);
		if (count)
			add_one(spm->b + in.first, some);
	}
}

GAON_KERNEL(ops_pool, struct ops_window_args,
	    GAON_POINTERS(2, offsetof(struct ops_window_args, dst.va),
			  offsetof(struct ops_window_args, src.va)), GAON_SPM(struct rows_spm))
{
	struct rows_spm *spm = gaon_spm_static(struct rows_spm);
	const struct gaon_tensor *dst = &args->dst, *src = &args->src;
	int counted = args->op == OPS_POOL_MEAN_INSIDE;
	struct rows_walk w;

	for (w = rows_begin(dst, ROWS_PART); w.left; rows_next(&w)) {
		const char *plane = (const char *)src->va + w.i2 * src->nb[2] + w.i3 * src->nb[3];

		fill(spm->dst, args->op == OPS_POOL_MAX ? -0x1.fffffep127f : 0, w.n);
		if (counted)
			fill(spm->b, 0, w.n);
		for (uint32_t ky = 0; ky < args->kernel[1]; ky++) {
			uint64_t y = w.i1 * args->stride[1] + ky - args->pad[1];

			if (y < src->ne[1])
				pool_row(args, plane + y * src->nb[1], w.column, w.n, counted);
		}
		if (counted)
			divide(spm->dst, spm->b, w.n);
		else if (args->op == OPS_POOL_MEAN)
			scale(spm->dst, 1.0f / (float)(args->kernel[0] * args->kernel[1]), w.n);
		rows_pack(dst, rows_column(dst, rows_at(dst, &w), w.column), w.n, spm->dst);
	}
}

/* Column (channel, ky, kx) of the rows of outputs [first, first + n) of line @oy. */
struct lay {
	uint64_t channel, oy, image, first, n;
	uint32_t ky, kx;
};

static void lay_column(const struct ops_window_args *args, const struct lay *l)
{
	struct rows_spm *spm = gaon_spm_static(struct rows_spm);
	struct gaon_tensor src = args->src, dst = args->dst;
	uint64_t stride = args->stride[0];
	uint64_t y = l->oy * args->stride[1] + l->ky * args->dilation[1] - args->pad[1];
	uint64_t column = (l->channel * args->kernel[1] + l->ky) * args->kernel[0] + l->kx;
	int64_t shift = (int64_t)(l->first * stride + l->kx * args->dilation[0]) -
			(int64_t)args->pad[0];
	struct inside in = inside_of(l->n, (int64_t)stride, shift, (int64_t)src.ne[0]);
	char *to = (char *)dst.va + column * dst.nb[0] + l->first * dst.nb[1] + l->oy * dst.nb[2] +
		   l->image * dst.nb[3];
	const char *from = (const char *)src.va + y * src.nb[1] + l->channel * src.nb[2] +
			   l->image * src.nb[3];

	if (y >= src.ne[1])
		in.first = in.end = 0;
	fill(spm->dst, 0, in.first);
	fill(spm->dst + in.end, 0, l->n - in.end);
	if (in.first < in.end) {
		from += ((int64_t)(in.first * stride) + shift) * (int64_t)src.nb[0];
		src.nb[0] *= stride;
		rows_unpack(&src, from, in.end - in.first, spm->dst + in.first);
	}
	dst.nb[0] = dst.nb[1];		/* down a column of dst */
	rows_pack(&dst, to, l->n, spm->dst);
}

/* Shared by channels: those of one are next to each other in each row of dst. */
GAON_KERNEL(ops_im2col, struct ops_window_args,
	    GAON_POINTERS(2, offsetof(struct ops_window_args, dst.va),
			  offsetof(struct ops_window_args, src.va)), GAON_SPM(struct rows_spm))
{
	const struct gaon_tensor *dst = &args->dst, *src = &args->src;
	struct gaon_range r = ops_share(src->ne[2] * src->ne[3], 1);

	for (uint64_t c = r.begin; c < r.end; c++) {
		struct lay l = { .channel = c % src->ne[2], .image = c / src->ne[2] };

		for (l.oy = 0; l.oy < dst->ne[2]; l.oy++)
			for (l.first = 0; l.first < dst->ne[1]; l.first += ROWS_PART) {
				l.n = dst->ne[1] - l.first < ROWS_PART ? dst->ne[1] - l.first :
									 ROWS_PART;
				for (l.ky = 0; l.ky < args->kernel[1]; l.ky++)
					for (l.kx = 0; l.kx < args->kernel[0]; l.kx++)
						lay_column(args, &l);
			}
	}
}
