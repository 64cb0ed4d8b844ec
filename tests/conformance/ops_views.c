// SPDX-License-Identifier: MIT
#include "ops_views.h"
#include "ops_weights.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* From here on f16 rounds to infinity. */
#define F16_OVER	65520.0

void view_shape(uint64_t ne[GAON_TENSOR_DIMS], uint64_t most)
{
	uint64_t left = 4 * most;

	for (int i = 0; i < GAON_TENSOR_DIMS; i++) {
		uint64_t top = i ? ops_random_in(0, 2) ? 6 : 1 : most;

		if (ops_random_in(0, 5) == 0)
			top = i ? 40 : 3;
		top = top < left ? top : left;
		ne[i] = ops_random_in(1, (uint32_t)(top ? top : 1));
		left /= ne[i];
	}
}

void view_part(uint64_t part[GAON_TENSOR_DIMS], const uint64_t ne[GAON_TENSOR_DIMS])
{
	for (int i = 0; i < GAON_TENSOR_DIMS; i++) {
		uint64_t ratio = ops_random_in(0, 2);

		ratio = ratio == 0 ? 1 : ratio == 1 ? ne[i] : ops_random_in(1, 4);
		part[i] = ne[i] % ratio ? ne[i] : ne[i] / ratio;
	}
}

enum view_layout view_layout(void)
{
	return (enum view_layout)ops_random_in(VIEW_DENSE, VIEW_STRIDED);
}

uint8_t view_float(void)
{
	static const uint8_t types[] = { GAON_TYPE_F32, GAON_TYPE_F32, GAON_TYPE_F16, GAON_TYPE_BF16 };

	return types[ops_random_in(0, 3)];
}

static uint32_t block_of(uint8_t type, uint32_t *bytes)
{
	uint32_t elements;

	*bytes = gaon_tensor_type_bytes(type, &elements);
	return elements;
}

/* Where element @e is; *@inside: its place in its block. */
static uint64_t offset_of(const struct view *v, uint64_t e, uint32_t *inside)
{
	uint32_t bytes, elements = block_of(v->t.type, &bytes);
	uint64_t i0 = e % v->t.ne[0], at = i0 / elements * v->t.nb[0];

	*inside = (uint32_t)(i0 % elements);
	e /= v->t.ne[0];
	for (int i = 1; i < GAON_TENSOR_DIMS; i++) {
		at += e % v->t.ne[i] * v->t.nb[i];
		e /= v->t.ne[i];
	}
	return at;
}

static uint16_t bits_of(const uint8_t *at)
{
	uint16_t bits;

	memcpy(&bits, at, 2);
	return bits;
}

static double half_of(const uint8_t *at)
{
	return (double)ops_from_half(bits_of(at));
}

double view_get(const struct view *v, uint64_t e)
{
	uint32_t inside;
	const uint8_t *at = v->bytes + offset_of(v, e, &inside);
	int32_t i32;
	int64_t i64;
	float f32;

	switch (v->t.type) {
	case GAON_TYPE_F32: memcpy(&f32, at, 4); return f32;
	case GAON_TYPE_F16: return half_of(at);
	case GAON_TYPE_BF16: return (double)ops_from_bf16(bits_of(at));
	case GAON_TYPE_I32: memcpy(&i32, at, 4); return i32;
	case GAON_TENSOR_I64: memcpy(&i64, at, 8); return (double)i64;
	case GAON_TYPE_Q8_0: return half_of(at) * (int8_t)at[2 + inside];
	case GAON_TYPE_Q4_0:
		return half_of(at) * ((at[2 + inside % 16] >> inside / 16 * 4 & 15) - 8);
	case GAON_TYPE_Q4_1:
		return half_of(at) * (at[4 + inside % 16] >> inside / 16 * 4 & 15) +
		       half_of(at + 2);
	default: ck_abort_msg("type 0x%02x has no values here", v->t.type);
	}
}

struct view_place view_place_of(const uint64_t ne[GAON_TENSOR_DIMS], uint64_t e)
{
	struct view_place p;

	for (int i = 0; i < GAON_TENSOR_DIMS; i++) {
		p.i[i] = e % ne[i];
		e /= ne[i];
	}
	return p;
}

uint64_t view_element_of(const uint64_t ne[GAON_TENSOR_DIMS], const struct view_place *p)
{
	return p->i[0] + ne[0] * (p->i[1] + ne[1] * (p->i[2] + ne[2] * p->i[3]));
}

double view_get_repeated(const struct view *v, const uint64_t ne[GAON_TENSOR_DIMS], uint64_t e)
{
	struct view_place p = view_place_of(ne, e);

	for (int i = 0; i < GAON_TENSOR_DIMS; i++)
		p.i[i] %= v->t.ne[i];
	return view_get(v, view_element_of(v->t.ne, &p));
}

void view_set(struct view *v, uint64_t e, double value)
{
	uint32_t inside;
	uint8_t *at = v->bytes + offset_of(v, e, &inside);
	float f32 = (float)value;
	uint16_t f16 = ops_to_half(f32), bf16 = ops_to_bf16(f32);
	int32_t i32;
	int64_t i64;

	switch (v->t.type) {
	case GAON_TYPE_F32: memcpy(at, &f32, 4); break;
	case GAON_TYPE_F16: memcpy(at, &f16, 2); break;
	case GAON_TYPE_BF16: memcpy(at, &bf16, 2); break;
	case GAON_TYPE_I32: i32 = (int32_t)value; memcpy(at, &i32, 4); break;
	case GAON_TENSOR_I64: i64 = (int64_t)value; memcpy(at, &i64, 8); break;
	default: ck_abort_msg("type 0x%02x cannot be set here", v->t.type);
	}
}

/* Random values; blocks have random bytes with scales that are numbers. */
static void fill(struct view *v, float wide)
{
	uint32_t bytes, elements = block_of(v->t.type, &bytes);

	for (uint64_t i = 0; i < v->span; i++)
		v->bytes[i] = (uint8_t)ops_random();
	for (uint64_t e = 0; e < v->count; e += elements) {
		uint32_t inside;
		uint64_t at = offset_of(v, e, &inside);

		if (elements == 1) {
			view_set(v, e, ops_random_f32(wide));
			continue;
		}
		for (uint32_t i = 0; i < (v->t.type == GAON_TYPE_Q4_1 ? 2 : 1); i++) {
			uint16_t scale = ops_to_half(ops_random_f32(wide / 16));

			memcpy(v->bytes + at + 2 * i, &scale, 2);
		}
	}
}

struct view view_make(uint8_t type, const uint64_t ne[GAON_TENSOR_DIMS], enum view_layout layout,
		      float wide)
{
	struct view v = { .t = { .type = type }, .count = ne[0] * ne[1] * ne[2] * ne[3] };
	uint32_t bytes, elements = block_of(type, &bytes), order[] = { 0, 1, 2, 3 };
	uint64_t at = bytes;

	for (uint32_t i = 0; layout == VIEW_STRIDED && i < GAON_TENSOR_DIMS; i++) {
		uint32_t k = ops_random_in(i, GAON_TENSOR_DIMS - 1), was = order[i];

		order[i] = order[k];
		order[k] = was;
	}
	for (uint32_t i = 0; i < GAON_TENSOR_DIMS; i++) {
		uint32_t d = order[i];

		v.t.ne[d] = ne[d];
		v.t.nb[d] = at;
		at *= d ? ne[d] : ne[d] / elements;
		if (layout != VIEW_DENSE && ops_random_in(0, 1))
			at += bytes * ops_random_in(0, 5);
	}
	ck_assert_uint_eq(ne[0] % elements, 0);
	ck_assert_msg(gaon_tensor_span(&v.t, &v.span), "a test's view is too large");
	v.bytes = ops_alloc(v.span);
	v.before = ops_alloc(v.span);
	fill(&v, wide);
	v.t.va = ops_put(v.bytes, v.span ? v.span : 1);
	memcpy(v.before, v.bytes, v.span);
	return v;
}

void view_upload(struct view *v)
{
	OPS_OK(gaon_mem_write(ops_t.dev, v->t.va, v->bytes, v->span));
	memcpy(v->before, v->bytes, v->span);
}

void view_free(struct view *v)
{
	free(v->bytes);
	free(v->before);
}

void view_fetch(const char *what, struct view *v)
{
	uint8_t *used = ops_alloc(v->span);
	uint32_t bytes, inside, elements = block_of(v->t.type, &bytes);

	ops_wait();
	OPS_OK(gaon_mem_read(ops_t.dev, v->bytes, v->t.va, v->span));
	for (uint64_t e = 0; e < v->count; e += elements)
		memset(used + offset_of(v, e, &inside), 1, bytes);
	for (uint64_t i = 0; i < v->span; i++)
		if (!used[i] && v->bytes[i] != v->before[i])
			ck_abort_msg("%s: byte %llu, outside of every element, was changed", what,
				     (unsigned long long)i);
	free(used);
}

/* One rounding to @type: relative, and absolute where numbers are subnormal. */
static void rounding(uint8_t type, double *relative, double *absolute)
{
	*relative = type == GAON_TYPE_F16 ? 0x1p-11 : type == GAON_TYPE_BF16 ? 0x1p-8 : 0;
	*absolute = type == GAON_TYPE_F16 ? 0x1p-25 : 0;
}

void view_compare(const char *what, struct view *v, double *want, double relative, double absolute)
{
	double more_relative, more_absolute;

	rounding(v->t.type, &more_relative, &more_absolute);
	view_fetch(what, v);
	for (uint64_t e = 0; e < v->count; e++) {
		double got = view_get(v, e);
		double bound = absolute + more_absolute + (relative + more_relative) * fabs(want[e]);

		bool over = v->t.type == GAON_TYPE_F16 && fabs(want[e]) + bound >= F16_OVER &&
			    got == copysign(INFINITY, want[e]);

		if (got != want[e] && !(fabs(got - want[e]) <= bound) && !over &&
		    !(isnan(got) && isnan(want[e])))
			ck_abort_msg("%s: element %llu of [%llu %llu %llu %llu] %s is %a, should be %a "
				     "within %g", what, (unsigned long long)e,
				     (unsigned long long)v->t.ne[0], (unsigned long long)v->t.ne[1],
				     (unsigned long long)v->t.ne[2], (unsigned long long)v->t.ne[3],
				     gaon_tensor_type_name(v->t.type), got, want[e], bound);
	}
	free(want);
}
