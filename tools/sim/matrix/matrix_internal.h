/* SPDX-License-Identifier: MIT */
/* What the matrix unit's files share: the paths, the blocked driver and the working memory. */
#ifndef GAON_SIM_MATRIX_INTERNAL_H
#define GAON_SIM_MATRIX_INTERNAL_H

#include "matrix.h"

#include <string.h>

#include "hw/gaon_xgaon.h"

#define GEMM_F32_NAN		0x7fc00000u

/*
 * What a kernel copies while it multiplies: a line of 64 bytes for each 4 units of K.
 * GEMM_COPY_LINES lines side by side, then as many of the next row, as the steps say; @ahead is how
 * far off the lines are that the next tile copies, which are fetched into the cache.  With nothing to
 * copy all steps are 0 and the line is a spare one.
 */
#define GEMM_COPY_LINES		4
#define GEMM_COPY_UNITS		(4 * GEMM_COPY_LINES)	/* of K for a row */
struct gemm_copy {
	const uint8_t *src;
	uint8_t *dst;
	ptrdiff_t ahead;
	ptrdiff_t src_step[GEMM_COPY_LINES], dst_step[GEMM_COPY_LINES];
};

/* One output tile: up to ops->mr rows, n columns, ku packed units of K. */
struct gemm_tile {
	const uint8_t *a;	/* rows of units */
	size_t a_stride;	/* bytes from one row to the next */
	const uint8_t *b;	/* packed panel, or B itself */
	size_t b_stride;	/* bytes from one unit of K to the next */
	bool b_in_place;	/* no bytes to read past the n columns of a row */
	const int32_t *a_sum;	/* i8: the sum of each row's k values */
	uint32_t ku;
	uint32_t rows, n;
	const uint8_t *in;	/* NULL: accumulators start from +0 */
	uint8_t *out;
	size_t ldin, ldout;
	struct gemm_copy copy;	/* if ops->copies */
};

/*
 * A part of an operand to pack: `valid` lanes (rows of A, columns of B) of k values each, as ku
 * units of 4 bytes per lane.  A lane's k values are contiguous in a stored row ("rows"), or one per
 * stored row ("cols").  What lies past k is written as zero.
 * A is packed to rows of units, `stride` bytes apart; B to panels of `width` lanes, unit after
 * unit, where lanes past `valid` hold anything, since no result of theirs is stored.
 */
struct gemm_panel {
	const uint8_t *src;
	size_t ld;
	size_t stride;
	uint32_t width, valid;
	uint32_t k, ku;
};

typedef void gemm_kernel(const struct gemm_tile *t);
typedef void gemm_pack(uint32_t *dst, const struct gemm_panel *p);

/* A register-tiled product: how operands are packed and the kernels that multiply panels. */
struct gemm_ops {
	uint32_t mr;		/* most rows of a kernel */
	uint32_t vw;		/* columns of a vector; a kernel is one or two vectors wide */
	uint32_t esize;		/* bytes of a stored element of A and B */
	uint32_t k_unit;	/* elements of K in a packed unit of 4 bytes */
	uint32_t k_align;	/* K is padded with zeroes to a multiple of this */
	uint32_t mc, kc, nc;	/* cache blocks, kc in elements and a multiple of k_align */
	bool copies;		/* kernels look at tile->copy */
	bool a_direct, b_direct;	/* stored as units: may be read where it lies */
	gemm_pack *a_rows, *a_cols, *b_rows, *b_cols;
	void (*a_sum)(int32_t *sum, const uint8_t *a, size_t stride, uint32_t rows, uint32_t ku);
	gemm_kernel *const (*kern)[2];	/* [rows - 1][vectors - 1] */
};

/* Narrows one row of f32 results, NaN already canonical. */
typedef void gemm_narrow(uint8_t *dst, const uint8_t *src, uint32_t n);

struct matrix_path {
	const char *name;
	bool (*available)(void);
	bool bf16_host_ftz;	/* bf16 runs with the host's FTZ and DAZ set */
	void (*f32)(struct sim_matrix *mx, const struct sim_gemm *g);
	void (*f16)(struct sim_matrix *mx, const struct sim_gemm *g);
	void (*bf16)(struct sim_matrix *mx, const struct sim_gemm *g);
	void (*i8)(struct sim_matrix *mx, const struct sim_gemm *g);
	void (*block)(struct sim_matrix *mx, const struct sim_gemm *g);
	gemm_narrow *to_f16, *to_bf16;
};

/* Limits that every gemm_ops and block path keeps; the working memory is made from them. */
#define GEMM_A_BYTES		(2u << 20)
#define GEMM_B_BYTES		(4u << 20)
#define GEMM_NC_MAX		1024u
#define GEMM_MC_MAX		512u
#define GEMM_TMP_BYTES		((size_t)GAON_GEMM_MAX * GEMM_NC_MAX * 4)

struct sim_matrix {
	const struct matrix_path *path;
	uint8_t *a_buf;		/* GEMM_A_BYTES: packed A */
	uint8_t *b_buf;		/* GEMM_B_BYTES: packed B */
	int32_t a_sum[GEMM_MC_MAX];
	uint8_t *tmp;		/* GEMM_TMP_BYTES: f32 results that CONVERT narrows */
	uint8_t spare[64];	/* copied to itself when there is nothing to copy */
	void *map;
	size_t map_size;
};

extern const struct matrix_path matrix_path_portable;
#if defined(__x86_64__)
extern const struct matrix_path matrix_path_avx2;
extern const struct matrix_path matrix_path_avx512;
extern const struct matrix_path matrix_path_amx;
extern const struct gemm_ops gemm_avx512_f32, gemm_avx512_f16, gemm_avx512_bf16, gemm_avx512_i8;
extern const struct gemm_ops gemm_avx2_f32, gemm_avx2_f16, gemm_avx2_bf16, gemm_avx2_i8;
gemm_narrow gemm_avx512_to_f16, gemm_avx512_to_bf16, gemm_avx2_to_f16, gemm_avx2_to_bf16;
void gemm_amx_run_bf16(struct sim_matrix *mx, const struct sim_gemm *g);
void gemm_amx_run_i8(struct sim_matrix *mx, const struct sim_gemm *g);
void gemm_avx512_block(struct sim_matrix *mx, const struct sim_gemm *g);
void gemm_avx2_block(struct sim_matrix *mx, const struct sim_gemm *g);
bool gemm_host_has_avx2(void);
bool gemm_host_has_avx512(void);
bool gemm_host_has_amx(void);
#endif

gemm_narrow gemm_portable_to_f16, gemm_portable_to_bf16;

/* Runs @g by packing and register tiles. */
void gemm_blocked_run(struct sim_matrix *mx, const struct sim_gemm *g, const struct gemm_ops *ops);

/*
 * Where the accumulators of @cols columns from column @col on live.  Without CONVERT that is C,
 * with CONVERT to a type as wide D, else mx->tmp.
 */
struct gemm_out {
	const uint8_t *in;	/* first pass over K: C if it is accumulated, else NULL */
	size_t ldin;
	uint8_t *acc;		/* what passes write, and later passes read */
	size_t ldacc;
	bool narrow;
};
void gemm_out_begin(struct gemm_out *o, struct sim_matrix *mx, const struct sim_gemm *g,
		    uint32_t col, uint32_t cols);
void gemm_out_end(const struct gemm_out *o, struct sim_matrix *mx, const struct sim_gemm *g,
		  uint32_t row, uint32_t rows, uint32_t col, uint32_t cols);

/* Bytes of a type's block of GAON_BLOCK_K values, or 0 if it is no block type. */
static inline uint32_t gemm_block_bytes(uint8_t type)
{
	switch (type & ~GAON_TYPE_ROWS16) {
	case GAON_TYPE_Q4_0:
		return 18;
	case GAON_TYPE_Q4_1:
		return 20;
	case GAON_TYPE_Q8_0:
		return 34;
	case GAON_TYPE_Q8A:
		return 40;
	}
	return 0;
}

static inline uint16_t load_u16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t load_u32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline float load_f32(const void *p)
{
	float v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint32_t f32_bits(float f)
{
	uint32_t v;

	memcpy(&v, &f, sizeof(v));
	return v;
}

static inline float f32_from_bits(uint32_t v)
{
	float f;

	memcpy(&f, &v, sizeof(f));
	return f;
}

static inline uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t div_round_up(uint32_t a, uint32_t b)
{
	return (a + b - 1) / b;
}

#endif
