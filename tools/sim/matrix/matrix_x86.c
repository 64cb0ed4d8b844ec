// SPDX-License-Identifier: MIT
/* The x86-64 paths: what each needs of the host, and what it is made of. */
#if defined(__x86_64__)

#include "matrix_internal.h"

bool gemm_host_has_avx2(void)
{
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
	       __builtin_cpu_supports("f16c") && __builtin_cpu_supports("bmi") &&
	       __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("lzcnt") &&
	       __builtin_cpu_supports("movbe");
}

/* VNNI is asked for too: the byte products are built on it. */
bool gemm_host_has_avx512(void)
{
	return gemm_host_has_avx2() && __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
	       __builtin_cpu_supports("avx512vnni");
}

#define BLOCKED_PRODUCT(path, type)							\
	static void path##_##type(struct sim_matrix *mx, const struct sim_gemm *g)	\
	{										\
		gemm_blocked_run(mx, g, &gemm_##path##_##type);				\
	}

BLOCKED_PRODUCT(avx512, f32)
BLOCKED_PRODUCT(avx512, f16)
BLOCKED_PRODUCT(avx512, bf16)
BLOCKED_PRODUCT(avx512, i8)

const struct matrix_path matrix_path_avx512 = {
	.name = "avx512",
	.available = gemm_host_has_avx512,
	.bf16_host_ftz = true,
	.f32 = avx512_f32,
	.f16 = avx512_f16,
	.bf16 = avx512_bf16,
	.i8 = avx512_i8,
	.block = gemm_avx512_block,
	.to_f16 = gemm_avx512_to_f16,
	.to_bf16 = gemm_avx512_to_bf16,
};

#endif
