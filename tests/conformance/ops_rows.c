// SPDX-License-Identifier: MIT
/*
 * Operators on rows and columns against double precision.  Sums of n terms may be off by n roundings
 * of their absolute sum; softmax by 4 units in the last place plus the argument's own rounding.
 */
#include "ops_common.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ULP	0x1p-23
#define CASES	8

struct matrix {
	uint64_t rows, columns, count;
	float *x, *y;
	double *want;
	uint64_t xv, yv;
};

static struct matrix make(uint32_t most_rows, uint32_t most_columns, float wide)
{
	struct matrix m = { .rows = ops_random_in(1, most_rows), .columns = ops_random_in(1, most_columns) };

	m.count = m.rows * m.columns;
	m.x = ops_alloc(m.count * 4);
	m.y = ops_alloc(m.count * 4);
	m.want = ops_alloc(m.count * 8);
	ops_random_fill(m.x, m.count, wide);
	m.xv = ops_put(m.x, m.count * 4);
	m.yv = ops_put(NULL, m.count * 4);
	return m;
}

static void release(struct matrix *m)
{
	free(m->x);
	free(m->y);
	free(m->want);
}

/* softmax of one row in double precision; returns log of the sum plus the maximum */
static double softmax(const float *x, double *y, uint64_t n)
{
	double top = -INFINITY, sum = 0;

	for (uint64_t i = 0; i < n; i++)
		top = fmax(top, x[i]);
	for (uint64_t i = 0; i < n; i++)
		sum += y[i] = exp(x[i] - top);
	for (uint64_t i = 0; i < n; i++)
		y[i] /= sum;
	return log(sum) + top;
}

START_TEST(softmax_rows)
{
	for (int i = 0; i < CASES; i++) {
		struct matrix m = make(20, i & 1 ? 40 : 5000, 20);
		uint64_t to = i % 3 ? m.yv : m.xv;

		OPS_OK(gaon_ops_softmax(ops_t.ops, ops_t.stream, to, m.xv, m.rows, m.columns));
		ops_get(m.y, to, m.count * 4);
		for (uint64_t r = 0; r < m.rows; r++)
			softmax(m.x + r * m.columns, m.want + r * m.columns, m.columns);
		/* x - max, up to 40, is rounded before the exponential: half a unit of 64 */
		ops_compare("softmax", m.y, m.want, m.count, 24 * ULP + (double)m.columns * 0x1p-26,
			    0x1p-126);
		release(&m);
	}
}
END_TEST

static void run_cross_entropy(bool want_loss, bool want_grad, bool in_place)
{
	struct matrix m = make(200, 50, 8);
	int32_t *labels = ops_alloc(m.rows * 4);
	float *loss = ops_alloc(m.rows * 4);
	double *want_losses = ops_alloc(m.rows * 8);
	uint64_t lv, loss_va, grad_va = in_place ? m.xv : m.yv;

	for (uint64_t r = 0; r < m.rows; r++)
		labels[r] = (int32_t)ops_random_in(0, (uint32_t)m.columns - 1);
	lv = ops_put(labels, m.rows * 4);
	loss_va = ops_put(NULL, m.rows * 4);
	OPS_OK(gaon_ops_cross_entropy(ops_t.ops, ops_t.stream, want_loss ? loss_va : 0,
				      want_grad ? grad_va : 0, m.xv, lv, m.rows, m.columns, 0.25f));
	OPS_OK(gaon_stream_wait(ops_t.stream, GAON_FOREVER));
	OPS_OK(gaon_mem_read(ops_t.dev, loss, loss_va, m.rows * 4));
	ops_get(m.y, grad_va, m.count * 4);
	for (uint64_t r = 0; r < m.rows; r++) {
		double *g = m.want + r * m.columns;

		want_losses[r] = softmax(m.x + r * m.columns, g, m.columns) -
				 m.x[r * m.columns + (uint64_t)labels[r]];
		g[labels[r]] -= 1;
		for (uint64_t c = 0; c < m.columns; c++)
			g[c] *= 0.25;
	}
	if (want_loss)
		ops_compare("loss", loss, want_losses, m.rows, 8 * ULP, 16 * ULP);
	if (want_grad)
		ops_compare("gradient", m.y, m.want, m.count, 24 * ULP, 2 * ULP);
	free(labels);
	free(loss);
	free(want_losses);
	release(&m);
}

START_TEST(cross_entropy)
{
	run_cross_entropy(true, true, false);
	run_cross_entropy(true, true, true);
	run_cross_entropy(true, false, false);
	run_cross_entropy(false, true, false);
}
END_TEST

/* A label out of range ends the launch, names the kernel, and leaves the device usable. */
START_TEST(cross_entropy_bad_label)
{
	int32_t labels[4] = { 0, 1, 10, 2 };
	uint64_t x = ops_put(NULL, 160), loss = ops_put(NULL, 16), lv = ops_put(labels, sizeof(labels));
	struct gaon_fault fault = { .size = sizeof(fault) };

	OPS_OK(gaon_ops_cross_entropy(ops_t.ops, ops_t.stream, loss, 0, x, lv, 4, 10, 1));
	ck_assert_int_eq(gaon_stream_wait(ops_t.stream, GAON_FOREVER), GAON_ERROR_FAULT);
	OPS_OK(gaon_stream_get_fault(ops_t.stream, &fault));
	ck_assert_str_eq(fault.kernel, "ops_xent");
	ck_assert_msg(strstr(fault.text, "label") != NULL, "%s", fault.text);
	OPS_OK(gaon_stream_clear_fault(ops_t.stream));
	labels[2] = 9;
	OPS_OK(gaon_mem_write(ops_t.dev, lv, labels, sizeof(labels)));
	OPS_OK(gaon_ops_cross_entropy(ops_t.ops, ops_t.stream, loss, 0, x, lv, 4, 10, 1));
	OPS_OK(gaon_stream_wait(ops_t.stream, GAON_FOREVER));
}
END_TEST

START_TEST(reduce_rows)
{
	for (int i = 0; i < CASES; i++) {
		struct matrix m = make(60, i & 1 ? 30 : 6000, 4);
		int32_t *places = ops_alloc(m.rows * 4);
		uint64_t max_va = ops_put(NULL, m.rows * 4), arg_va = ops_put(NULL, m.rows * 4);
		float *max = ops_alloc(m.rows * 4);

		OPS_OK(gaon_ops_reduce_rows(ops_t.ops, ops_t.stream, GAON_OPS_SUM, m.yv, m.xv, m.rows,
					    m.columns, 0.5f));
		OPS_OK(gaon_ops_reduce_rows(ops_t.ops, ops_t.stream, GAON_OPS_MAX, max_va, m.xv, m.rows,
					    m.columns, 1));
		OPS_OK(gaon_ops_reduce_rows(ops_t.ops, ops_t.stream, GAON_OPS_ARGMAX, arg_va, m.xv, m.rows,
					    m.columns, 1));
		OPS_OK(gaon_stream_wait(ops_t.stream, GAON_FOREVER));
		OPS_OK(gaon_mem_read(ops_t.dev, places, arg_va, m.rows * 4));
		OPS_OK(gaon_mem_read(ops_t.dev, max, max_va, m.rows * 4));
		ops_get(m.y, m.yv, m.rows * 4);
		for (uint64_t r = 0; r < m.rows; r++) {
			const float *x = m.x + r * m.columns;
			uint64_t best = 0;
			double sum = 0;

			for (uint64_t c = 0; c < m.columns; c++) {
				sum += x[c];
				best = x[c] > x[best] ? c : best;
			}
			if (places[r] != (int32_t)best || max[r] != x[best])
				ck_abort_msg("row %lu: %g at %d, should be %g at %lu", (unsigned long)r,
					     max[r], places[r], x[best], (unsigned long)best);
			m.want[0] = 0.5 * sum;
			ops_compare("sum", m.y + r, m.want, 1, ULP, (double)m.columns * 4 * 0x1p-24 * 4);
		}
		free(places);
		free(max);
		release(&m);
	}
}
END_TEST

/* Rows are added in order: the bits of a plain loop. */
START_TEST(reduce_columns)
{
	for (int i = 0; i < CASES; i++) {
		struct matrix m = make(300, i & 1 ? 30 : 3000, 4);
		enum gaon_ops_reduce op = i & 2 ? GAON_OPS_MAX : GAON_OPS_SUM;

		OPS_OK(gaon_ops_reduce_columns(ops_t.ops, ops_t.stream, op, m.yv, m.xv, m.rows, m.columns,
					       0.5f));
		ops_get(m.y, m.yv, m.columns * 4);
		for (uint64_t c = 0; c < m.columns; c++) {
			float sum = 0, top = -INFINITY;

			for (uint64_t r = 0; r < m.rows; r++) {
				sum += m.x[r * m.columns + c];
				top = fmaxf(top, m.x[r * m.columns + c]);
			}
			m.want[c] = op == GAON_OPS_MAX ? top : sum * 0.5f;
		}
		ops_compare("columns", m.y, m.want, m.columns, 0, 0);
		release(&m);
	}
}
END_TEST

START_TEST(transpose)
{
	for (int i = 0; i < CASES; i++) {
		static const uint32_t sizes[] = { 1, 2, 4 };
		uint32_t rows = ops_random_in(1, 900), columns = ops_random_in(1, 900), e = sizes[i % 3];
		uint64_t bytes = (uint64_t)rows * columns * e, xv, yv;
		uint8_t *x = ops_alloc(bytes), *y = ops_alloc(bytes);

		for (uint64_t b = 0; b < bytes; b++)
			x[b] = (uint8_t)ops_random();
		xv = ops_put(x, bytes);
		yv = ops_put(NULL, bytes);
		OPS_OK(gaon_ops_transpose(ops_t.ops, ops_t.stream, yv, xv, rows, columns, e));
		ops_get(y, yv, bytes);
		for (uint64_t r = 0; r < rows; r++)
			for (uint64_t c = 0; c < columns; c++)
				if (memcmp(y + (c * rows + r) * e, x + (r * columns + c) * e, e))
					ck_abort_msg("%u x %u of %u bytes: row %lu, column %lu", rows,
						     columns, e, (unsigned long)r, (unsigned long)c);
		free(x);
		free(y);
	}
	ck_assert_int_eq(gaon_ops_transpose(ops_t.ops, ops_t.stream, 0, 0, 1, 1, 3),
			 GAON_ERROR_INVALID_ARGUMENT);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, softmax_rows);
	tcase_add_test(t, cross_entropy);
	tcase_add_test(t, cross_entropy_bad_label);
	tcase_add_test(t, reduce_rows);
	tcase_add_test(t, reduce_columns);
	tcase_add_test(t, transpose);
}

int main(void)
{
	return ops_run("ops_rows", add);
}
