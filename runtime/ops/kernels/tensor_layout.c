// SPDX-License-Identifier: MIT
/* Elements that are there several times, or surrounded by others. */
#include "tensor_args.h"
#include "tensor_rows.h"

/* Row i1, i2, i3 of dst is that row of src, whose rows and elements begin anew where they end. */
GAON_KERNEL(ops_repeat, struct ops_repeat_args,
	    GAON_POINTERS(2, offsetof(struct ops_repeat_args, dst.va),
			  offsetof(struct ops_repeat_args, src.va)))
{
	const struct gaon_tensor *dst = &args->dst, *src = &args->src;
	uint64_t period = src->ne[0];
	struct rows_walk w;

	for (w = rows_begin(dst, ROWS_PART); w.left; rows_next(&w)) {
		char *to = rows_at(dst, &w), *from = rows_at_repeated(src, &w);

		if (period == 1) {
			rows_move(to + w.column * dst->nb[0], dst->nb[0], from, 0, w.n, args->bytes);
			continue;
		}
		for (uint64_t at = w.column; at < w.column + w.n;) {
			uint64_t place = at % period;
			uint64_t n = w.column + w.n - at;

			n = n < period - place ? n : period - place;
			rows_move(to + at * dst->nb[0], dst->nb[0], from + place * src->nb[0],
				  src->nb[0], n, args->bytes);
			at += n;
		}
	}
}

#define NOWHERE	UINT64_MAX

/* The place in a dimension of @n that place @i, counted from its first, shows; NOWHERE: zeros. */
static uint64_t padded(int64_t i, int64_t n, uint32_t mode)
{
	switch (mode) {
	case OPS_PAD_CIRCULAR:
		i %= n;
		return (uint64_t)(i < 0 ? i + n : i);
	case OPS_PAD_REFLECT:
		return (uint64_t)(i < 0 ? -i : i >= n ? 2 * n - 2 - i : i);
	default:
		return i < 0 || i >= n ? NOWHERE : (uint64_t)i;
	}
}

static const uint64_t zero = 0;

static void pad_row(const struct ops_pad_args *args, char *to, const char *from)
{
	uint64_t to_nb = args->dst.nb[0], nb = args->src.nb[0], n = args->src.ne[0];
	uint64_t before = args->before[0], after = args->dst.ne[0] - before - n;
	uint32_t bytes = args->bytes;

	if (args->mode == OPS_PAD_REFLECT) {
		rows_move(to, to_nb, from + before * nb, -nb, before, bytes);
		rows_move(to + before * to_nb, to_nb, from, nb, n, bytes);
		rows_move(to + (before + n) * to_nb, to_nb, from + (n - 2) * nb, -nb, after, bytes);
	} else if (args->mode == OPS_PAD_CIRCULAR) {
		for (uint64_t at = 0; at < args->dst.ne[0];) {
			uint64_t place = padded((int64_t)(at - before), (int64_t)n, args->mode);
			uint64_t some = args->dst.ne[0] - at < n - place ? args->dst.ne[0] - at :
									   n - place;

			rows_move(to + at * to_nb, to_nb, from + place * nb, nb, some, bytes);
			at += some;
		}
	} else {
		rows_move(to, to_nb, (const char *)&zero, 0, before, bytes);
		rows_move(to + before * to_nb, to_nb, from, nb, n, bytes);
		rows_move(to + (before + n) * to_nb, to_nb, (const char *)&zero, 0, after, bytes);
	}
}

GAON_KERNEL(ops_pad, struct ops_pad_args,
	    GAON_POINTERS(2, offsetof(struct ops_pad_args, dst.va),
			  offsetof(struct ops_pad_args, src.va)))
{
	const struct gaon_tensor *dst = &args->dst, *src = &args->src;
	struct rows_walk w;

	for (w = rows_begin(dst, dst->ne[0]); w.left; rows_next(&w)) {
		const uint64_t at[] = { w.i1, w.i2, w.i3 };
		char *to = rows_at(dst, &w);
		const char *from = (const char *)src->va;
		int there = 1;

		for (int i = 0; i < 3; i++) {
			uint64_t place = padded((int64_t)(at[i] - args->before[i + 1]),
						(int64_t)src->ne[i + 1], args->mode);

			there &= place != NOWHERE;
			from += place * src->nb[i + 1];
		}
		if (there)
			pad_row(args, to, from);
		else
			rows_move(to, dst->nb[0], (const char *)&zero, 0, dst->ne[0], args->bytes);
	}
}
