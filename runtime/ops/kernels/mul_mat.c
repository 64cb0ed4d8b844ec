// SPDX-License-Identifier: MIT
/*
 * Few rows of activations with many of weights, as in generation or with experts: the weights go past
 * once and memory is the limit.  A workgroup has a contiguous share of the rows of weights, which the
 * matrix unit reads from memory if they are blocks, and which else come by DMA; the activations of a product
 * are brought into the matrix unit's form once, in its own scratchpad.  Super-blocks are unpacked to f16
 * there, a step's rows at a time.
 */
#include <gaon/device.h>
#include <gaon/device/tensor.h>

#include "blocks.h"
#include "ops_args.h"
#include "part.h"
#include "quantize.h"

#define LINE	64u

struct layout {
	uint64_t a, w[2], y[2];		/* in the scratchpad */
	uint64_t half;			/* w of super-blocks unpacked, 0 for other types */
	struct blocks_half_work *work;	/* for that */
	uint32_t w_row, a_row, y_row;	/* bytes of a row there */
	uint32_t tiles;			/* of a product */
	uint8_t type_b;			/* what the matrix unit takes: F16 for super-blocks */
};

/* One step: some rows of weights of one product. */
struct step {
	uint32_t product, row, rows;
};

static uint32_t unit_bytes(uint8_t type, uint32_t *elements)
{
	*elements = type & 0x40 ? GAON_BLOCK_K : 1;
	switch (type) {
	case GAON_TYPE_Q4_0: return 18;
	case GAON_TYPE_Q4_1: return 20;
	case GAON_TYPE_Q8_0: return 34;
	case GAON_TYPE_Q8A: return 40;
	case GAON_TYPE_F16:
	case GAON_TYPE_BF16: return 2;
	default: return 4;
	}
}

/* Of a super-block, 0 for other types. */
static uint32_t super_bytes(uint8_t type)
{
	switch (type) {
	case GAON_TENSOR_Q4_K: return 144;
	case GAON_TENSOR_Q5_K: return 176;
	case GAON_TENSOR_Q6_K: return 210;
	default: return 0;
	}
}

static uint32_t row_bytes(uint8_t type, uint32_t k)
{
	uint32_t elements, bytes = unit_bytes(type, &elements);

	return k / elements * bytes;
}

static uint64_t line_up(uint64_t at)
{
	return (at + LINE - 1) / LINE * LINE;
}

static void layout_make(struct layout *l, const struct ops_mul_mat_args *args)
{
	uint64_t at = line_up((uintptr_t)gaon_spm(void, sizeof(struct quantize_work)));
	uint32_t super = super_bytes(args->type_w);

	l->type_b = super ? GAON_TYPE_F16 : args->type_w;
	l->w_row = super ? args->k / GAON_TENSOR_SUPER_K * super : row_bytes(args->type_w, args->k);
	l->a_row = row_bytes(args->type_a, args->k);
	l->y_row = args->tile_n * 4;
	/* Where the next one of a sequence looks for it: the same place whatever the shape is. */
	l->a = at;
	at = line_up(at + (uint64_t)args->m * l->a_row);
	l->half = 0;
	if (super) {
		l->work = (struct blocks_half_work *)at;
		at += OPS_UNPACK_BYTES;
		l->half = at;
		at = line_up(at + (uint64_t)args->tile_n * args->k * 2);
	}
	for (int i = 0; i < 2; i++) {
		l->w[i] = at;
		if (!args->w_streams)
			at = line_up(at + (uint64_t)args->tile_n * l->w_row);
		l->y[i] = at;
		at = line_up(at + (uint64_t)args->m * l->y_row);
	}
	gaon_assert(at <= (uintptr_t)gaon_spm(void, gaon_spm_size()));
	l->tiles = (args->n - 1) / args->tile_n + 1;
}

static struct step step_at(const struct layout *l, const struct ops_mul_mat_args *args, uint64_t i)
{
	struct step s = { (uint32_t)(i / l->tiles), (uint32_t)(i % l->tiles) * args->tile_n, 0 };

	s.rows = args->n - s.row < args->tile_n ? args->n - s.row : args->tile_n;
	return s;
}

/* From the first product's operand to that of product [j][i]. */
static uint64_t offset(const uint64_t nb[3], uint32_t i, uint32_t j)
{
	return i * nb[1] + j * nb[2];
}

static uint64_t weights_offset(const struct ops_mul_mat_args *args, uint32_t product)
{
	uint32_t i = product % args->batch[0], j = product / args->batch[0];
	int32_t id;

	if (!args->ids)
		return offset(args->w_nb, i / args->ratio[0], j / args->ratio[1]);
	id = *(const int32_t *)(args->ids + i * args->ids_nb[0] + j * args->ids_nb[1]);
	gaon_assert(id >= 0 && (uint32_t)id < args->experts);
	return (uint32_t)id * args->w_nb[1];
}

static void load_rows(const struct layout *l, const struct ops_mul_mat_args *args, uint64_t spm,
		      const char *from, uint32_t rows, uint64_t channel)
{
	if (args->w_nb[0] == l->w_row)
		gaon_dma_load(channel, (void *)spm, from, rows * l->w_row);
	else
		gaon_dma_load_2d(channel, (void *)spm, l->w_row, from, (int64_t)args->w_nb[0], l->w_row,
				 rows);
}

/* Half of the rows by each channel: one alone takes a quarter of what memory gives. */
static void load_weights(const struct layout *l, const struct ops_mul_mat_args *args,
			 const struct step *s, int buffer)
{
	const char *from = (const char *)args->w + s->row * args->w_nb[0] +
			   weights_offset(args, s->product);
	uint32_t half = s->rows / 2;

	load_rows(l, args, l->w[buffer] + half * l->w_row, from + half * args->w_nb[0], s->rows - half, 1);
	if (half)
		load_rows(l, args, l->w[buffer], from, half, 0);
}

void ops_activate_rows(void *to, uint8_t type, const float *x, uint64_t count,
		       struct quantize_work *work)
{
	const float *restrict from = x;
	_Float16 *restrict half = to;
	__bf16 *restrict brain = to;
	float *restrict same = to;

	switch (type) {
	case GAON_TYPE_Q8A:
		ops_quantize_blocks(to, x, count / GAON_BLOCK_K, work);
		break;
	case GAON_TYPE_F16:
		for (uint64_t i = 0; i < count; i++)
			half[i] = (_Float16)from[i];
		break;
	case GAON_TYPE_BF16:
		for (uint64_t i = 0; i < count; i++)
			brain[i] = (__bf16)from[i];
		break;
	default:
		for (uint64_t i = 0; i < count; i++)
			same[i] = from[i];
	}
}

static void load_activations(const struct layout *l, const struct ops_mul_mat_args *args,
			     uint32_t product)
{
	const char *x = (const char *)args->x + offset(args->x_nb, product % args->batch[0] % args->x_wrap,
						       product / args->batch[0]);
	struct quantize_work *work = gaon_spm(struct quantize_work, 0);

	if (args->type_x == args->type_a) {
		gaon_dma_load_2d(0, (void *)l->a, l->a_row, x, (int64_t)args->x_nb[0], l->a_row,
				 args->m);
		gaon_wait(GAON_ENGINE_DMA0, 0);
	} else if (args->x_nb[0] == args->k * 4ull) {
		ops_activate_rows((void *)l->a, args->type_a, (const float *)x,
				  (uint64_t)args->m * args->k, work);
	} else {
		for (uint32_t r = 0; r < args->m; r++)
			ops_activate_rows((char *)l->a + r * l->a_row, args->type_a,
					  (const float *)(x + r * args->x_nb[0]), args->k, work);
	}
}

/*
 * Rows @first to @first + @rows of the step, whose weights begin at @w, @ldb from one row to the next.  The
 * matrix unit takes so much of k at once; what follows is added.
 */
static void multiply(const struct layout *l, const struct ops_mul_mat_args *args, uint32_t first,
		     uint32_t rows, uint64_t w, uint64_t ldb, int buffer, uint64_t array)
{
	for (uint32_t k = 0; k < args->k; k += GAON_GEMM_MAX) {
		uint32_t depth = args->k - k < GAON_GEMM_MAX ? args->k - k : GAON_GEMM_MAX;
		struct gaon_gemm_desc d = {
			.type_a = args->type_a, .type_b = l->type_b, .type_c = GAON_TYPE_F32,
			.flags = GAON_GEMM_TRANS_B | (k ? GAON_GEMM_ACCUMULATE : 0) |
				 (args->w_streams ? GAON_GEMM_B_MEMORY : 0),
			.m = args->m, .n = rows, .k = depth,
			.a = l->a + row_bytes(args->type_a, k),
			.b = w + first * ldb + row_bytes(l->type_b, k),
			.c = l->y[buffer] + first * 4,
			.lda = l->a_row, .ldb = (uint32_t)ldb, .ldc = l->y_row,
		};

		gaon_gemm(&d, array);
	}
}

static void store(const struct layout *l, const struct ops_mul_mat_args *args, const struct step *s,
		  int buffer)
{
	char *to = (char *)args->y + s->row * 4ull +
		   offset(args->y_nb, s->product % args->batch[0], s->product / args->batch[0]);

	gaon_dma_store_2d(0, to, (int64_t)args->y_nb[0], (const void *)l->y[buffer], l->y_row,
			  s->rows * 4, args->m);
}

/*
 * Weights that the matrix unit reads from memory: half of a step's rows by each array, since one alone
 * takes a quarter of what memory gives.
 */
static void stream(struct layout *l, const struct ops_mul_mat_args *args, struct gaon_range r,
		   uint32_t loaded)
{
	for (uint64_t i = r.begin; i < r.end; i++) {
		int buffer = (int)(i - r.begin) & 1;
		struct step s = step_at(l, args, i);
		uint64_t w = args->w + s.row * args->w_nb[0] + weights_offset(args, s.product);
		uint32_t half = s.rows / 2 / GAON_ROWS_GROUP * GAON_ROWS_GROUP;

		if (s.product != loaded) {
			load_activations(l, args, s.product);
			loaded = s.product;
		}
		/* The store before the last one, out of the buffer that this result takes. */
		gaon_wait(GAON_ENGINE_DMA0, 1);
		if (half)
			multiply(l, args, 0, half, w, args->w_nb[0], buffer, 0);
		multiply(l, args, half, s.rows - half, w, args->w_nb[0], buffer, 1);
		gaon_wait(GAON_ENGINE_MATRIX0, 0);
		gaon_wait(GAON_ENGINE_MATRIX1, 0);
		store(l, args, &s, buffer);
	}
}

GAON_KERNEL(ops_mul_mat, struct ops_mul_mat_args,
	    GAON_POINTERS(4, offsetof(struct ops_mul_mat_args, w),
			  offsetof(struct ops_mul_mat_args, x),
			  offsetof(struct ops_mul_mat_args, y),
			  offsetof(struct ops_mul_mat_args, ids)),
	    GAON_SPM(struct quantize_work))
{
	uint32_t loaded = args->x_kept ? 0 : UINT32_MAX;
	struct gaon_range r;
	struct step now = { 0 }, next;
	struct layout l;

	layout_make(&l, args);
	r = ops_share((uint64_t)l.tiles * args->batch[0] * args->batch[1], 1);
	if (r.begin == r.end)
		return;
	if (args->w_streams) {
		stream(&l, args, r, loaded);
		return;
	}
	next = step_at(&l, args, r.begin);
	load_weights(&l, args, &next, 0);
	for (uint64_t i = r.begin; i < r.end; i++) {
		int buffer = (int)(i - r.begin) & 1;
		struct step last = now;

		now = next;
		if (i > r.begin) {
			/* The product before read the buffer that the next load fills. */
			gaon_wait(buffer ? GAON_ENGINE_MATRIX0 : GAON_ENGINE_MATRIX1, 0);
			store(&l, args, &last, !buffer);
		}
		if (i + 1 < r.end) {
			next = step_at(&l, args, i + 1);
			load_weights(&l, args, &next, !buffer);
		}
		if (now.product != loaded) {
			load_activations(&l, args, now.product);
			loaded = now.product;
		}
		/*
		 * What may go on: the next loads and the store of the last step.  The store before that is
		 * over then, out of the buffer that this step's result takes.
		 */
		gaon_wait(GAON_ENGINE_DMA1, i + 1 < r.end);
		gaon_wait(GAON_ENGINE_DMA0, (i > r.begin) + (i + 1 < r.end && next.rows > 1));
		/* The product before, which read the unpacked rows, is over: see above. */
		if (l.half)
			blocks_unpack_half(args->type_w, (const char *)l.w[buffer], super_bytes(args->type_w),
					   now.rows * (args->k / GAON_TENSOR_SUPER_K), (_Float16 *)l.half,
					   l.work);
		multiply(&l, args, 0, now.rows, l.half ? l.half : l.w[buffer],
			 l.half ? args->k * 2 : l.w_row, buffer, (uint64_t)buffer);
	}
	gaon_fence();
	store(&l, args, &now, (int)(r.end - 1 - r.begin) & 1);
}

GAON_KERNEL(ops_activate, struct ops_activate_args,
	    GAON_POINTERS(2, offsetof(struct ops_activate_args, y),
			  offsetof(struct ops_activate_args, x)),
	    GAON_SPM(struct quantize_work))
{
	uint64_t products = (uint64_t)args->batch[0] * args->batch[1];
	struct gaon_range r = ops_share(args->rows * products, 1);
	uint64_t y_row = row_bytes(args->type, args->k);
	struct quantize_work *work = gaon_spm_static(struct quantize_work);
	char *y = (char *)args->y + r.begin * y_row;

	/* As many rows at a time as follow each other without a gap. */
	for (uint64_t i = r.begin, n; i < r.end; i += n, y += n * y_row) {
		uint64_t row = i % args->rows, product = i / args->rows;
		const char *x = (const char *)args->x + row * args->x_nb[0] +
				product % args->batch[0] * args->x_nb[1] +
				product / args->batch[0] * args->x_nb[2];

		n = 1;
		if (args->x_nb[0] == args->k * 4ull)
			n = args->rows - row < r.end - i ? args->rows - row : r.end - i;
		ops_activate_rows(y, args->type, (const float *)x, n * args->k, work);
	}
}

GAON_KERNEL(ops_unpack, struct ops_unpack_args,
	    GAON_POINTERS(2, offsetof(struct ops_unpack_args, y),
			  offsetof(struct ops_unpack_args, w)),
	    GAON_SPM(struct blocks_half_work))
{
	uint64_t products = (uint64_t)args->batch[0] * args->batch[1];
	uint32_t bytes = super_bytes(args->type), blocks = args->k / GAON_TENSOR_SUPER_K;
	struct gaon_range r = ops_share(args->rows * products, 1);

	/* As many rows at a time as follow each other without a gap. */
	for (uint64_t i = r.begin, n; i < r.end; i += n) {
		uint64_t row = i % args->rows, product = i / args->rows;

		n = 1;
		if (args->w_nb[0] == (uint64_t)blocks * bytes)
			n = args->rows - row < r.end - i ? args->rows - row : r.end - i;
		blocks_unpack_half(args->type,
				   (const char *)args->w + row * args->w_nb[0] +
				   product % args->batch[0] * args->w_nb[1] +
				   product / args->batch[0] * args->w_nb[2],
				   bytes, n * blocks, (_Float16 *)args->y + i * args->k,
				   gaon_spm_static(struct blocks_half_work));
	}
}
