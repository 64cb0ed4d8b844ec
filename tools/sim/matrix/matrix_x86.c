// SPDX-License-Identifier: MIT
/* The x86-64 paths: what each needs of the host, and what it is made of. */
#if defined(__x86_64__)

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

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

#define ARCH_REQ_XCOMP_PERM	0x1023
#define XFEATURE_TILE_DATA	18
#define XCR0_TILES		(3ull << 17)
#define CPUID7_EDX_AMX		(1u << 22 | 1u << 24 | 1u << 25)	/* bf16, tile, int8 */

static uint64_t host_xcr0(void)
{
	uint32_t lo, hi;

	__asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
	return lo | (uint64_t)hi << 32;
}

/* Tile data is off until the process asks the kernel for it. */
bool gemm_host_has_amx(void)
{
	unsigned int eax, ebx, ecx, edx;

	if (!gemm_host_has_avx512() || !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) ||
	    (edx & CPUID7_EDX_AMX) != CPUID7_EDX_AMX)
		return false;
	if ((host_xcr0() & XCR0_TILES) != XCR0_TILES)
		return false;
	return syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_PERM, XFEATURE_TILE_DATA) == 0;
}

#define BLOCKED_PRODUCT(path, type)							\
	static void path##_##type(struct sim_matrix *mx, const struct sim_gemm *g)	\
	{										\
		gemm_blocked_run(mx, g, &gemm_##path##_##type);				\
	}

BLOCKED_PRODUCT(avx2, f32)
BLOCKED_PRODUCT(avx2, f16)
BLOCKED_PRODUCT(avx2, bf16)
BLOCKED_PRODUCT(avx2, i8)
BLOCKED_PRODUCT(avx512, f32)
BLOCKED_PRODUCT(avx512, f16)
BLOCKED_PRODUCT(avx512, bf16)
BLOCKED_PRODUCT(avx512, i8)

const struct matrix_path matrix_path_avx2 = {
	.name = "avx2",
	.available = gemm_host_has_avx2,
	.bf16_host_ftz = true,
	.f32 = avx2_f32,
	.f16 = avx2_f16,
	.bf16 = avx2_bf16,
	.i8 = avx2_i8,
	.block = gemm_avx2_block,
	.to_f16 = gemm_avx2_to_f16,
	.to_bf16 = gemm_avx2_to_bf16,
};

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

/* Float types that AMX lacks, and blocks, whose sums end every 32 values, stay with AVX-512. */
const struct matrix_path matrix_path_amx = {
	.name = "amx",
	.available = gemm_host_has_amx,
	.bf16_host_ftz = true,
	.f32 = avx512_f32,
	.f16 = avx512_f16,
	.bf16 = gemm_amx_run_bf16,
	.i8 = gemm_amx_run_i8,
	.block = gemm_avx512_block,
	.to_f16 = gemm_avx512_to_f16,
	.to_bf16 = gemm_avx512_to_bf16,
};

#endif
