/* SPDX-License-Identifier: MIT */
/*
 * Sums and maxima of contiguous f32.  The compiler does not vectorise a maximum that must honour
 * NaN, so that one is written out; the order of a sum's additions depends on VLEN, not on the data.
 */
#ifndef GAON_DEVICE_REDUCE_H
#define GAON_DEVICE_REDUCE_H

#include <stdint.h>

#include <gaon/device/core.h>

#ifdef __riscv_vector

#include <riscv_vector.h>

/* Largest of @x[0..n); NaN is passed over, -infinity if nothing else is there. */
GAON_INLINE float gaon_reduce_max_f32(const float *x, uint64_t n)
{
	vfloat32m8_t top = __riscv_vfmv_v_f_f32m8(-__builtin_inff(), __riscv_vsetvlmax_e32m8());
	vfloat32m1_t low = __riscv_vfmv_s_f_f32m1(-__builtin_inff(), 1);

	for (uint64_t i = 0; i < n;) {
		size_t vl = __riscv_vsetvl_e32m8(n - i);
		vfloat32m8_t v = __riscv_vle32_v_f32m8(x + i, vl);

		top = __riscv_vfmax_vv_f32m8_tu(top, top, v, vl);
		i += vl;
	}
	low = __riscv_vfredmax_vs_f32m8_f32m1(top, low, __riscv_vsetvlmax_e32m8());
	return __riscv_vfmv_f_s_f32m1_f32(low);
}

#else

GAON_INLINE float gaon_reduce_max_f32(const float *x, uint64_t n)
{
	enum { LANES = 64 };
	float lane[LANES], top = -__builtin_inff();
	uint64_t i = 0;

	for (int l = 0; l < LANES; l++)
		lane[l] = top;
	for (; i + LANES <= n; i += LANES)
		for (int l = 0; l < LANES; l++)
			lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
	for (; i < n; i++)
		top = x[i] > top ? x[i] : top;
	for (int l = 0; l < LANES; l++)
		top = lane[l] > top ? lane[l] : top;
	return top;
}

#endif

GAON_INLINE float gaon_reduce_sum_f32(const float *x, uint64_t n)
{
#pragma clang fp reassociate(on)
	float sum = 0;

	for (uint64_t i = 0; i < n; i++)
		sum += x[i];
	return sum;
}

#endif
