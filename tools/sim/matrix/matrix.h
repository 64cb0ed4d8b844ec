/* SPDX-License-Identifier: MIT */
/*
 * The matrix unit's arithmetic: gemm on operands that already lie in host-addressable memory
 * and have been bounds-checked by the caller.  The same bits on every path; the portable one is
 * the oracle.  Numerics: Documentation/hw/numerics.rst.
 */
#ifndef GAON_SIM_MATRIX_H
#define GAON_SIM_MATRIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "feed.h"

enum sim_matrix_path {
	SIM_MATRIX_AUTO = -1,	/* the best that this host has */
	SIM_MATRIX_PORTABLE,
	SIM_MATRIX_AVX2,
	SIM_MATRIX_AVX512,
	SIM_MATRIX_AMX,
	SIM_MATRIX_PATHS,
};

/**
 * struct sim_gemm - one C[M x N] (+)= A[M x K] . B[K x N]
 * @type_a, @type_b, @type_c, @type_d: GAON_TYPE_* of include/hw/gaon_xgaon.h
 * @flags: GAON_GEMM_* of the same: ACCUMULATE (else C starts from +0), TRANS_A (A is stored K x M),
 *	TRANS_B (B is stored N x K: each of N rows has its K values contiguous; block types always),
 *	CONVERT (the result goes to @d as @type_d; @c is only read, and only with ACCUMULATE)
 * @lda, @ldb, @ldc, @ldd: bytes from one stored row to the next.  For a row-interleaved block type
 *	@ldb is the bytes from one group of 16 rows to the next.
 *
 * @feed: copies to get on with meanwhile, as far as it suits the product, or NULL
 *
 * Rows may be at any byte address (no alignment is assumed).  C may not overlap A or B.
 */
struct sim_gemm {
	uint32_t m, n, k;
	uint8_t type_a, type_b, type_c, type_d;
	uint32_t flags;
	const uint8_t *a, *b;
	uint8_t *c, *d;
	uint64_t lda, ldb, ldc, ldd;
	struct sim_feed *feed;
};

/* Per-core working memory (packing buffers); one thread at a time. */
struct sim_matrix;

/* @path SIM_MATRIX_AUTO picks the fastest.  NULL: out of memory, or the host lacks that path. */
struct sim_matrix *sim_matrix_create(enum sim_matrix_path path);
void sim_matrix_destroy(struct sim_matrix *mx);
bool sim_matrix_path_available(enum sim_matrix_path path);
const char *sim_matrix_path_name(enum sim_matrix_path path);

/* True if the combination of types and flags is one the architecture defines. */
bool sim_gemm_types_valid(const struct sim_gemm *g);

/* Executes; the caller has checked sim_gemm_types_valid(), sizes 1..4096 and every byte's bounds.
 * Saves and restores the thread's floating-point control state. */
void sim_gemm_run(struct sim_matrix *mx, const struct sim_gemm *g);

/* Bytes from the first to one past the last byte that operand @which ('a','b','c','d') touches. */
uint64_t sim_gemm_extent(const struct sim_gemm *g, int which);

/*
 * True if the written operand (C, with CONVERT D) overlaps neither a read one (B may be NULL: it lies
 * elsewhere) nor itself, row over row.  The architecture refuses other descriptors: their result would
 * hang on the order of work.
 */
bool sim_gemm_disjoint(const struct sim_gemm *g);

#endif
