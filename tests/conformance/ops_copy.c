// SPDX-License-Identifier: MIT
/*
 * Copies of elements and of rows between tensors of all types, layouts and shapes.  Everything is
 * exact: one rounding, and blocks as ggml's reference functions pack them.
 */
#include "ops_views.h"
#include "ops_weights.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CASES	80

static const uint8_t all_types[] = { GAON_TYPE_F32, GAON_TYPE_F16, GAON_TYPE_BF16, GAON_TYPE_I32,
				     GAON_TYPE_Q8_0, GAON_TYPE_Q4_0, GAON_TYPE_Q4_1 };
#define ALL_TYPES	(sizeof(all_types) / sizeof(all_types[0]))

static bool is_packed(uint8_t type)
{
	return type == GAON_TYPE_Q8_0 || type == GAON_TYPE_Q4_0 || type == GAON_TYPE_Q4_1;
}

static bool converts(uint8_t to, uint8_t from)
{
	return to == from || to == GAON_TYPE_F32 || from == GAON_TYPE_F32 ||
	       (to != GAON_TYPE_I32 && from != GAON_TYPE_I32);
}

static double half(float x)
{
	return (double)(float)(_Float16)x;
}

static double at_most_15(float x)
{
	return (int)x > 15 ? 15 : (int)x;
}

/* The values that 32 of @x have after being packed: ggml's reference, ties of Q8_0 to even. */
static void packed_block(uint8_t type, const float x[32], double y[32])
{
	float low = x[0], high = x[0], largest = 0, d, inverse;

	for (int i = 0; i < 32; i++) {
		low = fminf(low, x[i]);
		high = fmaxf(high, x[i]);
		largest = fabsf(x[i]) > fabsf(largest) ? x[i] : largest;
	}
	if (type == GAON_TYPE_Q8_0)
		d = fabsf(largest) / 127;
	else
		d = type == GAON_TYPE_Q4_0 ? largest / -8 : (high - low) / 15;
	inverse = d != 0 ? 1 / d : 0;
	for (int i = 0; i < 32; i++) {
		if (type == GAON_TYPE_Q8_0)
			y[i] = half(d) * (double)nearbyintf(x[i] * inverse);
		else if (type == GAON_TYPE_Q4_0)
			y[i] = half(d) * (at_most_15(x[i] * inverse + 8.5f) - 8);
		else
			y[i] = half(d) * at_most_15((x[i] - low) * inverse + 0.5f) + half(low);
	}
}

/* What @n values are after being stored as @type, besides a float's own rounding. */
static void stored(uint8_t type, const double *x, uint64_t n, double *y)
{
	float block[32];

	for (uint64_t i = 0; i < n; i += is_packed(type) ? 32 : 1) {
		if (!is_packed(type)) {
			y[i] = type == GAON_TYPE_I32 ? trunc(x[i]) : x[i];
			continue;
		}
		for (int k = 0; k < 32; k++)
			block[k] = (float)x[i + (uint64_t)k];
		packed_block(type, block, y + i);
	}
}

/* Sizes of a tensor of as many elements: the same, some joined, or all. */
static void reshape(uint64_t to[GAON_TENSOR_DIMS], const uint64_t from[GAON_TENSOR_DIMS])
{
	uint32_t join = ops_random_in(0, 3);
	int k = 0;

	to[0] = to[1] = to[2] = to[3] = 1;
	for (int i = 0; i < GAON_TENSOR_DIMS; i++) {
		if (i && !(join && ops_random_in(0, 2) == 0))
			k++;
		to[k] *= from[i];
	}
}

static void whole_blocks(uint64_t ne[GAON_TENSOR_DIMS], uint8_t a, uint8_t b)
{
	if (is_packed(a) || is_packed(b))
		ne[0] = (ne[0] + 31) / 32 * 32;
}

static void check_copy(uint8_t to, uint8_t from, uint64_t most)
{
	uint64_t ne[GAON_TENSOR_DIMS], other[GAON_TENSOR_DIMS];
	double *values, *want;
	struct view x, y;
	char what[64];

	view_shape(ne, most);
	whole_blocks(ne, to, from);
	reshape(other, ne);
	x = ops_random_in(0, 1) ? view_make(from, ne, view_layout(), 100) :
				  view_make(from, other, view_layout(), 100);
	y = ops_random_in(0, 1) ? view_make(to, ne, view_layout(), 1) :
				  view_make(to, other, view_layout(), 1);
	values = ops_alloc(x.count * sizeof(*values));
	want = ops_alloc(x.count * sizeof(*want));
	for (uint64_t e = 0; e < x.count; e++)
		values[e] = view_get(&x, e);
	if (to == from)
		memcpy(want, values, x.count * sizeof(*want));
	else
		stored(to, values, x.count, want);
	snprintf(what, sizeof(what), "copy of %s to %s", gaon_tensor_type_name(from),
		 gaon_tensor_type_name(to));
	ck_assert_msg(gaon_ops_copy_supports(&y.t, &x.t), "%s", gaon_ops_last_error());
	OPS_OK(gaon_ops_copy(ops_t.ops, ops_t.stream, &y.t, &x.t));
	/* A value of Q4_1 is a product and a sum: one rounding to f32 before that to the type. */
	view_compare(what, &y, want, from == GAON_TYPE_Q4_1 && to != from ? 0x1p-24 : 0, 0);
	ops_forget();
	free(values);
	view_free(&x);
	view_free(&y);
}

START_TEST(copies)
{
	for (unsigned int i = 0; i < ALL_TYPES; i++)
		for (unsigned int k = 0; k < ALL_TYPES; k++)
			for (int n = 0; n < 3 && converts(all_types[i], all_types[k]); n++)
				check_copy(all_types[i], all_types[k], n ? 200 : 3000);
	check_copy(GAON_TENSOR_I64, GAON_TENSOR_I64, 300);
	check_copy(GAON_TYPE_F16, GAON_TYPE_F32, 50000);
	check_copy(GAON_TYPE_F32, GAON_TYPE_F32, 50000);
}
END_TEST

/* Blocks whose rows have no meaning for the type that is not in blocks. */
START_TEST(copy_refusals)
{
	uint64_t va = ops_put(NULL, 65536);
	struct gaon_tensor x, y;

	ck_assert(gaon_tensor_dense(&x, va, GAON_TYPE_Q8_0, VIEW_NE(96, 4, 1, 1)));
	ck_assert(gaon_tensor_dense(&y, va + 8192, GAON_TYPE_F32, VIEW_NE(48, 8, 1, 1)));
	OPS_OK(gaon_ops_copy(ops_t.ops, ops_t.stream, &y, &x));	/* dense: one row of 384 */
	y.nb[1] += 4;
	ck_assert(!gaon_ops_copy_supports(&y, &x));
	ck_assert_msg(strstr(gaon_ops_last_error(), "whole blocks of 32") != NULL, "%s",
		      gaon_ops_last_error());
	ck_assert(gaon_tensor_dense(&y, va + 8192, GAON_TYPE_F32, VIEW_NE(96, 3, 1, 1)));
	ck_assert(!gaon_ops_copy_supports(&y, &x));
	ck_assert(strstr(gaon_ops_last_error(), "number of elements") != NULL);
	ck_assert(gaon_tensor_dense(&y, va + 8192, GAON_TYPE_I32, VIEW_NE(96, 4, 1, 1)));
	ck_assert(!gaon_ops_copy_supports(&y, &x));
	ck_assert(strstr(gaon_ops_last_error(), "no conversion") != NULL);
	ck_assert(gaon_tensor_dense(&y, va + 8192, GAON_TENSOR_Q4_K, VIEW_NE(256, 1, 1, 1)));
	ck_assert(gaon_tensor_dense(&x, va, GAON_TYPE_F32, VIEW_NE(256, 1, 1, 1)));
	ck_assert(!gaon_ops_copy_supports(&y, &x));
	ck_assert(gaon_ops_copy_supports(&x, &y));
	ops_wait();
}
END_TEST

/* --- rows ------------------------------------------------------------------------------------- */

static struct view make_index(const uint64_t ne[GAON_TENSOR_DIMS], uint64_t rows, bool distinct)
{
	uint8_t type = ops_random_in(0, 1) ? GAON_TYPE_I32 : GAON_TENSOR_I64;
	struct view index = view_make(type, ne, view_layout(), 1);
	uint64_t first = ops_random() % rows;

	for (uint64_t e = 0; e < index.count; e++)
		view_set(&index, e, distinct ? (double)((first + e % ne[0]) % rows) :
					       (double)(ops_random() % rows));
	view_upload(&index);
	return index;
}

static void check_get_rows(uint8_t from, uint8_t to, uint64_t columns)
{
	uint64_t ne[GAON_TENSOR_DIMS] = { columns, ops_random_in(1, 40), ops_random_in(1, 3),
					  ops_random_in(1, 3) };
	uint64_t table_ne[GAON_TENSOR_DIMS] = { 0, ops_random_in(1, 60), ne[2], ne[3] };
	struct view table, index, y;
	double *want;

	whole_blocks(ne, from, to);
	table_ne[0] = ne[0];
	table = view_make(from, table_ne, view_layout(), 100);
	index = make_index(VIEW_NE(ne[1], ne[2], ne[3], 1), table_ne[1], false);
	y = view_make(to, ne, view_layout(), 1);
	want = ops_alloc(y.count * sizeof(*want));
	for (uint64_t e = 0; e < y.count; e++) {
		struct view_place p = view_place_of(ne, e);

		p.i[1] = (uint64_t)view_get(&index, e / ne[0]);
		want[e] = view_get(&table, view_element_of(table_ne, &p));
	}
	ck_assert_msg(gaon_ops_get_rows_supports(&y.t, &table.t, &index.t), "%s", gaon_ops_last_error());
	OPS_OK(gaon_ops_get_rows(ops_t.ops, ops_t.stream, &y.t, &table.t, &index.t));
	view_compare("get_rows", &y, want, from == GAON_TYPE_Q4_1 && to != from ? 0x1p-24 : 0, 0);
	ops_forget();
	view_free(&table);
	view_free(&index);
	view_free(&y);
}

START_TEST(get_rows)
{
	for (unsigned int i = 0; i < ALL_TYPES; i++)
		for (int n = 0; n < 4; n++)
			check_get_rows(all_types[i], n & 1 ? all_types[i] : GAON_TYPE_F32,
				       ops_random_in(1, n ? 100 : 5000));
	for (int n = 0; n < 8; n++)
		check_get_rows(all_types[n % 3], all_types[ops_random_in(0, 2)], 1);
}
END_TEST

/* Values of super-blocks are two products and a difference, each rounded. */
#define SUPER_ERROR	(4 * 0x1p-24 * 0.01 * 63 * 127)

/* Rows of super-blocks by index, and all of them in order. */
static void check_super(uint8_t from, uint8_t to)
{
	uint64_t columns = 256 * ops_random_in(1, 9), rows = ops_random_in(1, 30);
	struct view y = view_make(to, VIEW_NE(columns, 20, 1, 1), view_layout(), 1);
	struct view all = view_make(to, VIEW_NE(columns, rows, 1, 1), view_layout(), 1);
	struct view index = make_index(VIEW_NE(20, 1, 1, 1), rows, false);
	double *values = ops_alloc(columns * rows * sizeof(*values));
	double *want = ops_alloc(y.count * sizeof(*want));
	uint64_t bytes = columns / 256 * gaon_tensor_type_bytes(from, NULL) * rows;
	uint8_t *packed = ops_alloc(bytes);
	struct gaon_tensor table;

	ops_random_weights(from, columns * rows, packed, values);
	ck_assert(gaon_tensor_dense(&table, ops_put(packed, bytes), from, VIEW_NE(columns, rows, 1, 1)));
	for (uint64_t e = 0; e < y.count; e++)
		want[e] = values[(uint64_t)view_get(&index, e / columns) * columns + e % columns];
	ck_assert_msg(gaon_ops_get_rows_supports(&y.t, &table, &index.t), "%s", gaon_ops_last_error());
	OPS_OK(gaon_ops_get_rows(ops_t.ops, ops_t.stream, &y.t, &table, &index.t));
	OPS_OK(gaon_ops_copy(ops_t.ops, ops_t.stream, &all.t, &table));
	view_compare("rows of super-blocks", &y, want, 0, SUPER_ERROR);
	view_compare("copy of super-blocks", &all, values, 0, SUPER_ERROR);
	ops_forget();
	free(packed);
	view_free(&y);
	view_free(&all);
	view_free(&index);
}

START_TEST(super_blocks)
{
	for (uint8_t type = GAON_TENSOR_Q4_K; type <= GAON_TENSOR_Q6_K; type++)
		for (int i = 0; i < 3; i++)
			check_super(type, all_types[i]);
}
END_TEST

static void check_set_rows(uint8_t from, uint8_t to, uint64_t columns)
{
	uint64_t ne[GAON_TENSOR_DIMS] = { columns, ops_random_in(1, 40), ops_random_in(1, 4),
					  ops_random_in(1, 4) };
	uint64_t table_ne[GAON_TENSOR_DIMS] = { 0, ne[1] + ops_random_in(0, 20), ne[2], ne[3] };
	uint64_t index_ne[GAON_TENSOR_DIMS], part[GAON_TENSOR_DIMS];
	struct view table, index, x;
	double *want, *values, *row;

	whole_blocks(ne, from, to);
	table_ne[0] = ne[0];
	view_part(part, ne);
	memcpy(index_ne, VIEW_NE(ne[1], part[2], part[3], 1), sizeof(index_ne));
	table = view_make(to, table_ne, view_layout(), 100);
	index = make_index(index_ne, table_ne[1], true);
	x = view_make(from, ne, view_layout(), 100);
	want = ops_alloc(table.count * sizeof(*want));
	values = ops_alloc(ne[0] * sizeof(*values));
	row = ops_alloc(ne[0] * sizeof(*row));
	for (uint64_t e = 0; e < table.count; e++)
		want[e] = view_get(&table, e);
	for (uint64_t e = 0; e < x.count; e += ne[0]) {
		struct view_place p = view_place_of(ne, e);
		uint64_t at = p.i[1] + index_ne[0] * (p.i[2] % index_ne[1] +
						     index_ne[1] * (p.i[3] % index_ne[2]));

		for (uint64_t c = 0; c < ne[0]; c++)
			values[c] = view_get(&x, e + c);
		stored(to, values, ne[0], row);
		p.i[1] = (uint64_t)view_get(&index, at);
		memcpy(want + view_element_of(table_ne, &p), row, ne[0] * sizeof(*row));
	}
	ck_assert_msg(gaon_ops_set_rows_supports(&table.t, &x.t, &index.t), "%s", gaon_ops_last_error());
	OPS_OK(gaon_ops_set_rows(ops_t.ops, ops_t.stream, &table.t, &x.t, &index.t));
	view_compare("set_rows", &table, want, 0, 0);
	ops_forget();
	free(values);
	free(row);
	view_free(&table);
	view_free(&index);
	view_free(&x);
}

START_TEST(set_rows)
{
	for (int n = 0; n < CASES / 2; n++) {
		uint8_t to = all_types[ops_random_in(0, ALL_TYPES - 1)];

		to = to == GAON_TYPE_I32 ? GAON_TYPE_F16 : to;
		check_set_rows(all_types[ops_random_in(0, 1)], to, ops_random_in(1, n ? 200 : 6000));
	}
	for (int n = 0; n < 8; n++)
		check_set_rows(all_types[n & 1], all_types[ops_random_in(0, 2)], 1);
}
END_TEST

/* An index that is no row ends the launch with a text that says so, and the device goes on. */
static void check_bad_index(uint64_t columns, double bad)
{
	struct gaon_fault fault = { .size = sizeof(fault) };
	struct view table = view_make(GAON_TYPE_F32, VIEW_NE(columns, 10, 1, 1), VIEW_DENSE, 1);
	struct view y = view_make(GAON_TYPE_F32, VIEW_NE(columns, 4, 1, 1), VIEW_DENSE, 1);
	struct view index = make_index(VIEW_NE(4, 1, 1, 1), 10, true);

	view_set(&index, 2, bad);
	view_upload(&index);
	OPS_OK(gaon_ops_get_rows(ops_t.ops, ops_t.stream, &y.t, &table.t, &index.t));
	ck_assert_int_eq(gaon_stream_wait(ops_t.stream, GAON_FOREVER), GAON_ERROR_FAULT);
	OPS_OK(gaon_stream_get_fault(ops_t.stream, &fault));
	ck_assert_str_eq(fault.kernel, "ops_get_rows");
	ck_assert_msg(strstr(fault.text, "index < table_rows") != NULL, "%s", fault.text);
	OPS_OK(gaon_stream_clear_fault(ops_t.stream));
	OPS_OK(gaon_ops_set_rows(ops_t.ops, ops_t.stream, &table.t, &y.t, &index.t));
	ck_assert_int_eq(gaon_stream_wait(ops_t.stream, GAON_FOREVER), GAON_ERROR_FAULT);
	OPS_OK(gaon_stream_clear_fault(ops_t.stream));
	view_set(&index, 2, 9);
	view_upload(&index);
	OPS_OK(gaon_ops_get_rows(ops_t.ops, ops_t.stream, &y.t, &table.t, &index.t));
	ops_wait();
	ops_forget();
	view_free(&table);
	view_free(&y);
	view_free(&index);
}

START_TEST(bad_index)
{
	check_bad_index(33, 10);
	check_bad_index(33, -1);
	check_bad_index(1, 10);
	check_bad_index(1, -1);
}
END_TEST

START_TEST(rows_refusals)
{
	uint64_t va = ops_put(NULL, 65536);
	struct gaon_tensor x, y, index;

	ck_assert(gaon_tensor_dense(&x, va, GAON_TYPE_F32, VIEW_NE(16, 10, 2, 1)));
	ck_assert(gaon_tensor_dense(&y, va + 8192, GAON_TYPE_F32, VIEW_NE(16, 4, 2, 1)));
	ck_assert(gaon_tensor_dense(&index, va + 16384, GAON_TYPE_I32, VIEW_NE(4, 2, 1, 1)));
	ck_assert(gaon_ops_get_rows_supports(&y, &x, &index));
	ck_assert(gaon_ops_set_rows_supports(&x, &y, &index));
	index.ne[1] = 1;
	ck_assert(!gaon_ops_get_rows_supports(&y, &x, &index));
	ck_assert(gaon_ops_set_rows_supports(&x, &y, &index));
	index.ne[1] = 3;
	ck_assert(!gaon_ops_set_rows_supports(&x, &y, &index));
	index.ne[1] = 2;
	index.type = GAON_TYPE_F32;
	ck_assert(!gaon_ops_get_rows_supports(&y, &x, &index));
	index.type = GAON_TYPE_I32;
	x.ne[1] = 0;
	ck_assert(!gaon_ops_get_rows_supports(&y, &x, &index));
	ck_assert(strstr(gaon_ops_last_error(), "no rows") != NULL);
	y.ne[1] = index.ne[0] = 0;
	OPS_OK(gaon_ops_get_rows(ops_t.ops, ops_t.stream, &y, &x, &index));
	x.ne[0] = 15;
	ck_assert(!gaon_ops_get_rows_supports(&y, &x, &index));
	ops_wait();
}
END_TEST

/* Recorded, then played with other data. */
START_TEST(recorded)
{
	struct view x = view_make(GAON_TYPE_F32, VIEW_NE(576, 5, 1, 1), VIEW_DENSE, 4);
	struct view table = view_make(GAON_TYPE_F16, VIEW_NE(576, 20, 1, 1), VIEW_PADDED, 4);
	struct view y = view_make(GAON_TYPE_F32, VIEW_NE(576, 5, 1, 1), VIEW_DENSE, 4);
	struct view index = make_index(VIEW_NE(5, 1, 1, 1), 20, true);
	struct gaon_graph *graph;

	OPS_OK(gaon_graph_begin(ops_t.stream));
	OPS_OK(gaon_ops_set_rows(ops_t.ops, ops_t.stream, &table.t, &x.t, &index.t));
	OPS_OK(gaon_ops_get_rows(ops_t.ops, ops_t.stream, &y.t, &table.t, &index.t));
	OPS_OK(gaon_graph_end(ops_t.stream, &graph));
	for (int n = 0; n < 3; n++) {
		double *want = ops_alloc(y.count * sizeof(*want));

		for (uint64_t e = 0; e < x.count; e++) {
			view_set(&x, e, ops_random_f32(8));
			want[e] = (double)(float)(_Float16)view_get(&x, e);
		}
		view_upload(&x);
		OPS_OK(gaon_graph_launch(ops_t.stream, graph));
		view_compare("recorded", &y, want, 0, 0);
		memcpy(y.before, y.bytes, y.span);
	}
	gaon_graph_destroy(graph);
	ops_forget();
	view_free(&x);
	view_free(&table);
	view_free(&y);
	view_free(&index);
}
END_TEST

static void add(TCase *t)
{
	tcase_add_test(t, copies);
	tcase_add_test(t, copy_refusals);
	tcase_add_test(t, get_rows);
	tcase_add_test(t, super_blocks);
	tcase_add_test(t, set_rows);
	tcase_add_test(t, bad_index);
	tcase_add_test(t, rows_refusals);
	tcase_add_test(t, recorded);
}

int main(void)
{
	return ops_run("ops_copy", add);
}
