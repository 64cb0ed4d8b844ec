/* SPDX-License-Identifier: MIT */
/* Attention scores: what softmax and attention share. */
#ifndef GAON_OPS_SCORES_H
#define GAON_OPS_SCORES_H

#include <gaon/device.h>

/* x = e^(x - top), which is returned summed */
static inline float ops_exp_sum(float *x, float top, uint32_t n)
{
#pragma clang fp reassociate(on)
	float sum = 0;

	for (uint32_t i = 0; i < n; i++) {
		float e = gaon_expf(x[i] - top);

		x[i] = e;
		sum += e;
	}
	return sum;
}

/*
 * ALiBi: a power of two of heads, @whole, have one geometric series, the others every second member of
 * the next finer one.  Without @bias it is 1.
 */
static inline float ops_head_slope(float bias, uint32_t whole, uint32_t head)
{
	float step = bias / (float)whole;
	float power = head < whole ? step * (float)(head + 1) :
				     step * 0.5f * (float)(2 * (head - whole) + 1);

	return bias > 0 ? gaon_expf(-power * 0x1.62e430p-1f) : 1;
}

#endif
