// SPDX-License-Identifier: MIT
/* The matrix unit's entry points: which descriptors are valid, what they touch, and dispatch. */
#include "matrix.h"

#include <stdlib.h>
#include <sys/mman.h>

#include "matrix_internal.h"

#if defined(__x86_64__)
#include <xmmintrin.h>
#else
#include <fenv.h>
#endif

#define HUGE_PAGE	((uintptr_t)2 << 20)

static const struct matrix_path *const matrix_paths[SIM_MATRIX_PATHS] = {
	[SIM_MATRIX_PORTABLE] = &matrix_path_portable,
#if defined(__x86_64__)
	[SIM_MATRIX_AVX2] = &matrix_path_avx2,
	[SIM_MATRIX_AVX512] = &matrix_path_avx512,
	[SIM_MATRIX_AMX] = &matrix_path_amx,
#endif
};

bool sim_matrix_path_available(enum sim_matrix_path path)
{
	if (path < 0 || path >= SIM_MATRIX_PATHS)
		return path == SIM_MATRIX_AUTO;
	return matrix_paths[path] && matrix_paths[path]->available();
}

const char *sim_matrix_path_name(enum sim_matrix_path path)
{
	static const char *const names[SIM_MATRIX_PATHS] = {
		[SIM_MATRIX_PORTABLE] = "portable",
		[SIM_MATRIX_AVX2] = "avx2",
		[SIM_MATRIX_AVX512] = "avx512",
		[SIM_MATRIX_AMX] = "amx",
	};

	return path >= 0 && path < SIM_MATRIX_PATHS ? names[path] : "auto";
}

struct sim_matrix *sim_matrix_create(enum sim_matrix_path path)
{
	struct sim_matrix *mx;

	if (path == SIM_MATRIX_AUTO)
		for (path = SIM_MATRIX_PATHS - 1; !sim_matrix_path_available(path); path--)
			;
	if (!sim_matrix_path_available(path))
		return NULL;
	mx = calloc(1, sizeof(*mx));
	if (!mx)
		return NULL;
	/* Pages that no product reaches are never touched, so a large reserve costs nothing. */
	mx->map_size = HUGE_PAGE + GEMM_A_BYTES + GEMM_B_BYTES + GEMM_TMP_BYTES;
	mx->map = mmap(NULL, mx->map_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (mx->map == MAP_FAILED) {
		free(mx);
		return NULL;
	}
	/* Packed panels are walked densely; without huge pages their TLB misses show. */
	mx->a_buf = (uint8_t *)(((uintptr_t)mx->map + HUGE_PAGE - 1) & -HUGE_PAGE);
	madvise(mx->a_buf, GEMM_A_BYTES + GEMM_B_BYTES, MADV_HUGEPAGE);
	mx->path = matrix_paths[path];
	mx->b_buf = mx->a_buf + GEMM_A_BYTES;
	mx->tmp = mx->b_buf + GEMM_B_BYTES;
	return mx;
}

void sim_matrix_destroy(struct sim_matrix *mx)
{
	if (!mx)
		return;
	munmap(mx->map, mx->map_size);
	free(mx);
}

static bool gemm_type_is_float(uint8_t type)
{
	return type == GAON_TYPE_F32 || type == GAON_TYPE_F16 || type == GAON_TYPE_BF16;
}

static bool gemm_type_is_weight(uint8_t type)
{
	return (type & ~GAON_TYPE_ROWS16) != GAON_TYPE_Q8A && gemm_block_bytes(type) != 0;
}

static bool gemm_type_d_valid(const struct sim_gemm *g)
{
	if (!(g->flags & GAON_GEMM_CONVERT))
		return g->type_d == GAON_TYPE_NONE;
	if (g->type_c == GAON_TYPE_I32)
		return g->type_d == GAON_TYPE_I32;
	return gemm_type_is_float(g->type_d);
}

bool sim_gemm_types_valid(const struct sim_gemm *g)
{
	/* Where an operand lies is its owner's business. */
	if ((g->flags & ~(GAON_GEMM_FLAGS & ~GAON_GEMM_B_MEMORY)) || !gemm_type_d_valid(g))
		return false;
	if (g->type_a == GAON_TYPE_Q8A)
		return gemm_type_is_weight(g->type_b) && g->type_c == GAON_TYPE_F32 &&
		       (g->flags & GAON_GEMM_TRANS_B) && !(g->flags & GAON_GEMM_TRANS_A) &&
		       g->k % GAON_BLOCK_K == 0;
	if (g->type_a != g->type_b)
		return false;
	if (g->type_a == GAON_TYPE_I8)
		return g->type_c == GAON_TYPE_I32;
	return gemm_type_is_float(g->type_a) && g->type_c == GAON_TYPE_F32;
}

static uint32_t gemm_element_bytes(uint8_t type)
{
	switch (type) {
	case GAON_TYPE_F32:
	case GAON_TYPE_I32:
		return 4;
	case GAON_TYPE_F16:
	case GAON_TYPE_BF16:
		return 2;
	case GAON_TYPE_I8:
		return 1;
	}
	return 0;
}

/* Bytes of a stored row of @count elements; for row-interleaved blocks, of a group of 16 rows. */
static uint64_t gemm_row_bytes(uint8_t type, uint32_t count)
{
	uint64_t block = gemm_block_bytes(type);

	if (!block)
		return (uint64_t)count * gemm_element_bytes(type);
	if (type & GAON_TYPE_ROWS16)
		block *= GAON_ROWS_GROUP;
	return count / GAON_BLOCK_K * block;
}

static uint64_t gemm_span(uint32_t rows, uint64_t ld, uint64_t row_bytes)
{
	uint64_t skip, sum;

	if (!rows || !row_bytes)
		return 0;
	if (__builtin_mul_overflow((uint64_t)rows - 1, ld, &skip) ||
	    __builtin_add_overflow(skip, row_bytes, &sum))
		return UINT64_MAX;
	return sum;
}

uint64_t sim_gemm_extent(const struct sim_gemm *g, int which)
{
	bool trans_a = g->flags & GAON_GEMM_TRANS_A, trans_b = g->flags & GAON_GEMM_TRANS_B;
	bool convert = g->flags & GAON_GEMM_CONVERT;
	uint32_t rows;

	switch (which) {
	case 'a':
		return gemm_span(trans_a ? g->k : g->m, g->lda,
				 gemm_row_bytes(g->type_a, trans_a ? g->m : g->k));
	case 'b':
		rows = trans_b ? g->n : g->k;
		if (g->type_b & GAON_TYPE_ROWS16)
			rows = div_round_up(rows, GAON_ROWS_GROUP);
		return gemm_span(rows, g->ldb, gemm_row_bytes(g->type_b, trans_b ? g->k : g->n));
	case 'c':
		if (convert && !(g->flags & GAON_GEMM_ACCUMULATE))
			return 0;
		return gemm_span(g->m, g->ldc, gemm_row_bytes(g->type_c, g->n));
	case 'd':
		if (!convert)
			return 0;
		return gemm_span(g->m, g->ldd, gemm_row_bytes(g->type_d, g->n));
	}
	return 0;
}

static bool gemm_ranges_meet(const uint8_t *p, uint64_t p_len, const uint8_t *q, uint64_t q_len)
{
	uintptr_t a = (uintptr_t)p, b = (uintptr_t)q;

	if (!p_len || !q_len)
		return false;
	return a < b ? b - a < p_len : a - b < q_len;
}

bool sim_gemm_disjoint(const struct sim_gemm *g)
{
	bool convert = g->flags & GAON_GEMM_CONVERT;
	const uint8_t *out = convert ? g->d : g->c;
	uint64_t ld = convert ? g->ldd : g->ldc;
	uint64_t len = sim_gemm_extent(g, convert ? 'd' : 'c');
	uint64_t row = gemm_row_bytes(convert ? g->type_d : g->type_c, g->n);

	if (g->m > 1 && ld < row)
		return false;
	if (convert && gemm_ranges_meet(out, len, g->c, sim_gemm_extent(g, 'c')))
		return false;
	return !gemm_ranges_meet(out, len, g->a, sim_gemm_extent(g, 'a')) &&
	       !(g->b && gemm_ranges_meet(out, len, g->b, sim_gemm_extent(g, 'b')));
}

static void gemm_dispatch(struct sim_matrix *mx, const struct sim_gemm *g)
{
	switch (g->type_a) {
	case GAON_TYPE_F32:
		mx->path->f32(mx, g);
		break;
	case GAON_TYPE_F16:
		mx->path->f16(mx, g);
		break;
	case GAON_TYPE_BF16:
		mx->path->bf16(mx, g);
		break;
	case GAON_TYPE_I8:
		mx->path->i8(mx, g);
		break;
	case GAON_TYPE_Q8A:
		mx->path->block(mx, g);
		break;
	}
}

void sim_gemm_run(struct sim_matrix *mx, const struct sim_gemm *g)
{
#if defined(__x86_64__)
	/* All exceptions masked, nearest even; 0x8040 is FTZ and DAZ. */
	bool ftz = g->type_a == GAON_TYPE_BF16 && mx->path->bf16_host_ftz;
	unsigned int saved = _mm_getcsr();

	_mm_setcsr(ftz ? 0x9fc0 : 0x1f80);
	gemm_dispatch(mx, g);
	_mm_setcsr(saved);
#else
	fenv_t saved;

	fegetenv(&saved);
	fesetenv(FE_DFL_ENV);
	gemm_dispatch(mx, g);
	fesetenv(&saved);
#endif
}
