// SPDX-License-Identifier: MIT
#include "ops_weights.h"

#include <string.h>

#include "ops_common.h"

uint16_t ops_to_half(float f)
{
	_Float16 h = (_Float16)f;
	uint16_t bits;

	memcpy(&bits, &h, sizeof(bits));
	return bits;
}

float ops_from_half(uint16_t bits)
{
	_Float16 h;

	memcpy(&h, &bits, sizeof(h));
	return (float)h;
}

uint16_t ops_to_bf16(float f)
{
	uint32_t bits;

	memcpy(&bits, &f, sizeof(bits));
	return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

float ops_from_bf16(uint16_t bits)
{
	uint32_t wide = (uint32_t)bits << 16;
	float f;

	memcpy(&f, &wide, sizeof(f));
	return f;
}

static void random_elements(uint8_t type, uint64_t count, uint8_t *out, double *values)
{
	for (uint64_t i = 0; i < count; i++) {
		float f = ops_random_f32(1);
		uint16_t half = type == GAON_TYPE_F16 ? ops_to_half(f) : ops_to_bf16(f);

		if (type == GAON_TYPE_F32)
			memcpy(out + i * 4, &f, 4);
		else
			memcpy(out + i * 2, &half, 2);
		values[i] = type == GAON_TYPE_F32 ? (double)f :
			    type == GAON_TYPE_F16 ? (double)ops_from_half(half) :
						    (double)ops_from_bf16(half);
	}
}

static void random_block(uint8_t type, uint8_t *out, double values[32])
{
	uint16_t d = ops_to_half(ops_random_f32(0.1f)), m = ops_to_half(ops_random_f32(0.5f));
	uint32_t quants = type == GAON_TYPE_Q8_0 ? 32 : 16;

	memcpy(out, &d, 2);
	out += 2;
	if (type == GAON_TYPE_Q4_1) {
		memcpy(out, &m, 2);
		out += 2;
	}
	for (uint32_t q = 0; q < quants; q++)
		out[q] = (uint8_t)ops_random();
	for (uint32_t e = 0; e < 32; e++) {
		uint32_t nibble = e < 16 ? out[e % 16] & 15 : out[e % 16] >> 4;

		if (type == GAON_TYPE_Q8_0)
			values[e] = (double)ops_from_half(d) * (int8_t)out[e];
		else if (type == GAON_TYPE_Q4_0)
			values[e] = (double)ops_from_half(d) * ((int)nibble - 8);
		else
			values[e] = (double)ops_from_half(d) * nibble + (double)ops_from_half(m);
	}
}

/* Bits [@at, @at + @count) of the number that a run of bytes is, the lowest first. */
static uint32_t bits_at(const uint8_t *p, uint32_t at, uint32_t count)
{
	uint32_t v = 0;

	for (uint32_t i = 0; i < count; i++)
		v |= (uint32_t)(p[(at + i) / 8] >> (at + i) % 8 & 1) << i;
	return v;
}

/* Scale (@which 0) or minimum (1) of group @j of a Q4_K or Q5_K: six bits, or four and two more elsewhere. */
static uint32_t super_scale(const uint8_t *s, uint32_t j, uint32_t which)
{
	if (j < 4)
		return bits_at(s, 32 * which + 8 * j, 6);
	return bits_at(s, 64 + 8 * (j - 4) + 4 * which, 4) | bits_at(s, 32 * which + 8 * (j - 4) + 6, 2) << 4;
}

static void random_super(uint8_t type, uint8_t *out, double values[256])
{
	uint32_t bytes = gaon_tensor_type_bytes(type, NULL);
	uint16_t d = ops_to_half(ops_random_f32(0.01f)), m = ops_to_half(ops_random_f32(0.01f));
	double scale = (double)ops_from_half(d), min = (double)ops_from_half(m);

	for (uint32_t i = 0; i < bytes; i++)
		out[i] = (uint8_t)ops_random();
	memcpy(out + (type == GAON_TENSOR_Q6_K ? 208 : 0), &d, 2);
	if (type != GAON_TENSOR_Q6_K)
		memcpy(out + 2, &m, 2);
	for (uint32_t e = 0; e < 256; e++) {
		uint32_t group = e / 32, in = e % 32, q;

		if (type == GAON_TENSOR_Q6_K) {
			uint32_t half = e / 128, quarter = e % 128 / 32;

			q = bits_at(out, 8 * (half * 64 + quarter % 2 * 32 + in) + quarter / 2 * 4, 4) |
			    bits_at(out + 128, 8 * (half * 32 + in) + quarter * 2, 2) << 4;
			values[e] = scale * (int8_t)out[192 + e / 16] * ((int)q - 32);
			continue;
		}
		q = bits_at(out + (type == GAON_TENSOR_Q5_K ? 48 : 16),
			    8 * (group / 2 * 32 + in) + group % 2 * 4, 4);
		if (type == GAON_TENSOR_Q5_K)
			q |= bits_at(out + 16, 8 * in + group, 1) << 4;
		values[e] = scale * super_scale(out + 4, group, 0) * q - min * super_scale(out + 4, group, 1);
	}
}

void ops_random_weights(uint8_t type, uint64_t count, void *out, double *values)
{
	uint32_t elements, bytes = gaon_tensor_type_bytes(type, &elements);

	if (elements == 1) {
		random_elements(type, count, out, values);
		return;
	}
	for (uint64_t i = 0; i < count / elements; i++)
		(elements == 32 ? random_block : random_super)(type, (uint8_t *)out + i * bytes,
							       values + i * elements);
}
