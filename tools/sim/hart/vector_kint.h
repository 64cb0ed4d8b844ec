/* SPDX-License-Identifier: MIT */
/*
 * The integer kernels, instantiated by vector_int_v2.c, _v3.c and _v4.c, each compiled for its
 * host ISA with VEC_KINT naming the table.  Loops are plain C, written so that the compiler
 * vectorises them; a kernel may be given d == a or d == b, which has no loop-carried dependence.
 */
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#include "vector_kernels.h"

#define VEC_LOOP _Pragma("clang loop vectorize(assume_safety)")

#define TYPES_8  typedef uint8_t U; typedef int8_t S; typedef uint32_t UP; \
		 typedef uint16_t D; typedef int16_t DS; typedef uint32_t DP; enum { BITS = 8 };
#define TYPES_16 typedef uint16_t U; typedef int16_t S; typedef uint32_t UP; \
		 typedef uint32_t D; typedef int32_t DS; typedef uint32_t DP; enum { BITS = 16 };
#define TYPES_32 typedef uint32_t U; typedef int32_t S; typedef uint32_t UP; \
		 typedef uint64_t D; typedef int64_t DS; typedef uint64_t DP; enum { BITS = 32 };
#define TYPES_64 typedef uint64_t U; typedef int64_t S; typedef uint64_t UP; \
		 typedef unsigned __int128 D; typedef __int128 DS; typedef unsigned __int128 DP; \
		 enum { BITS = 64 };
#define UNUSED_TYPES (void)sizeof(UP); (void)sizeof(D); (void)sizeof(DS); (void)sizeof(DP); \
		 (void)sizeof(S); (void)sizeof(U); (void)BITS

#define SIGN(v)	((U)(v) >> (BITS - 1))
#define SMAX	((U)((U)-1 >> 1))
#define SMIN	((U)(SMAX + 1))

/* --- two operands ------------------------------------------------------------------------------ */

#define K_ELEMENTWISE(NAME, W, DT, AT, BT, CVAR, BODY)						\
static uint32_t k_##NAME##_vv_##W(void *dp, const void *ap, const void *bp, uint64_t x, size_t n,\
				  unsigned int rm)						\
{												\
	TYPES_##W UNUSED_TYPES;									\
	DT *d = dp;										\
	const AT *av = ap;									\
	const BT *bv = bp;									\
												\
	(void)x, (void)rm;									\
	VEC_LOOP										\
	for (size_t i = 0; i < n; i++) {							\
		AT a = av[i];									\
		BT b = bv[i];									\
		CVAR										\
		BODY										\
	}											\
	return 0;										\
}												\
static uint32_t k_##NAME##_vx_##W(void *dp, const void *ap, const void *bp, uint64_t x, size_t n,\
				  unsigned int rm)						\
{												\
	TYPES_##W UNUSED_TYPES;									\
	DT *d = dp;										\
	const AT *av = ap;									\
	BT b = (BT)x;										\
												\
	(void)bp, (void)rm;									\
	VEC_LOOP										\
	for (size_t i = 0; i < n; i++) {							\
		AT a = av[i];									\
		CVAR										\
		BODY										\
	}											\
	return 0;										\
}

#define K_INT(NAME, EXPR)	K_INT_W(NAME, 8, EXPR) K_INT_W(NAME, 16, EXPR)			\
				K_INT_W(NAME, 32, EXPR) K_INT_W(NAME, 64, EXPR)
#define K_INT_W(NAME, W, EXPR)	K_ELEMENTWISE(NAME, W, U, U, U, , d[i] = (U)(EXPR);)
VEC_INT_OPS(K_INT)

#define K_MACC(NAME, EXPR)	K_MACC_W(NAME, 8, EXPR) K_MACC_W(NAME, 16, EXPR)		\
				K_MACC_W(NAME, 32, EXPR) K_MACC_W(NAME, 64, EXPR)
#define K_MACC_W(NAME, W, EXPR)	K_ELEMENTWISE(NAME, W, U, U, U, U c = d[i];, d[i] = (U)(EXPR);)
VEC_MACC_OPS(K_MACC)

#define K_CMP(NAME, EXPR)	K_CMP_W(NAME, 8, EXPR) K_CMP_W(NAME, 16, EXPR)			\
				K_CMP_W(NAME, 32, EXPR) K_CMP_W(NAME, 64, EXPR)
#define K_CMP_W(NAME, W, EXPR)	K_ELEMENTWISE(NAME, W, uint8_t, U, U, , d[i] = (uint8_t)-(EXPR);)
VEC_CMP_OPS(K_CMP)

#define K_WIDE(NAME, EXPR)	K_WIDE_W(NAME, 8, EXPR) K_WIDE_W(NAME, 16, EXPR)		\
				K_WIDE_W(NAME, 32, EXPR)
#define K_WIDE_W(NAME, W, EXPR)	K_ELEMENTWISE(NAME, W, D, U, U, , d[i] = (D)(EXPR);)
VEC_WIDE_OPS(K_WIDE)

#define K_WIDEW(NAME, EXPR)	K_WIDEW_W(NAME, 8, EXPR) K_WIDEW_W(NAME, 16, EXPR)		\
				K_WIDEW_W(NAME, 32, EXPR)
#define K_WIDEW_W(NAME, W, EXPR) K_ELEMENTWISE(NAME, W, D, D, U, , d[i] = (D)(EXPR);)
VEC_WIDEW_OPS(K_WIDEW)

#define K_WMACC(NAME, EXPR)	K_WMACC_W(NAME, 8, EXPR) K_WMACC_W(NAME, 16, EXPR)		\
				K_WMACC_W(NAME, 32, EXPR)
#define K_WMACC_W(NAME, W, EXPR) K_ELEMENTWISE(NAME, W, D, U, U, D c = d[i];, d[i] = (D)(EXPR);)
VEC_WMACC_OPS(K_WMACC)

/* --- fixed point: the rounding mode is made a constant of each loop ---------------------------- */

/* Increment of v >> k under rm: nearest up, nearest even, down, odd. */
#define ROUND(v, k)	((k) ? ROUND_BIT((v), (k)) : 0)
#define ROUND_LSB(v, k)	((unsigned int)((v) >> (k)) & 1)
#define ROUND_HALF(v, k) ((unsigned int)((v) >> ((k) - 1)) & 1)
#define ROUND_REST(v, k) (((v) & (((ROUND_T)1 << ((k) - 1)) - 1)) != 0)
#define ROUND_BIT(v, k)	(rm == 0 ? ROUND_HALF(v, k) :						\
			 rm == 1 ? ROUND_HALF(v, k) & (ROUND_REST(v, k) | ROUND_LSB(v, k)) :	\
			 rm == 2 ? 0u :								\
			 (ROUND_LSB(v, k) ^ 1) & (ROUND_HALF(v, k) | ROUND_REST(v, k)))
#define ROUND1(v)	(rm == 0 ? (unsigned int)(v) & 1 :					\
			 rm == 1 ? (unsigned int)(v) & (unsigned int)((v) >> 1) & 1 :		\
			 rm == 2 ? 0u :								\
			 (unsigned int)(v) & ~(unsigned int)((v) >> 1) & 1)

#define K_FIXED_LOOP(NAME, W, AT, RT, RM, BVAL, STATEMENT)					\
	{											\
		enum { rm = RM };								\
		typedef RT ROUND_T;								\
		(void)sizeof(ROUND_T); (void)rm;						\
		VEC_LOOP									\
		for (size_t i = 0; i < n; i++) {						\
			AT a = av[i];								\
			U b = BVAL, r;								\
			STATEMENT;								\
			d[i] = r;								\
		}										\
		break;										\
	}

#define K_FIXED_FORM(NAME, FORM, W, AT, RT, BVAL, STATEMENT)					\
static uint32_t k_##NAME##_##FORM##_##W(void *dp, const void *ap, const void *bp, uint64_t x,	\
					size_t n, unsigned int vxrm)				\
{												\
	TYPES_##W UNUSED_TYPES;									\
	U *d = dp;										\
	const AT *av = ap;									\
	const U *bv = bp;									\
	U sat = 0;										\
												\
	(void)x, (void)bv;									\
	switch (vxrm) {										\
	case 0: K_FIXED_LOOP(NAME, W, AT, RT, 0, BVAL, STATEMENT)				\
	case 1: K_FIXED_LOOP(NAME, W, AT, RT, 1, BVAL, STATEMENT)				\
	case 2: K_FIXED_LOOP(NAME, W, AT, RT, 2, BVAL, STATEMENT)				\
	default: K_FIXED_LOOP(NAME, W, AT, RT, 3, BVAL, STATEMENT)				\
	}											\
	return sat;										\
}

#define K_FIXED(NAME, ...)									\
	K_FIXED_W(NAME, 8, __VA_ARGS__) K_FIXED_W(NAME, 16, __VA_ARGS__)			\
	K_FIXED_W(NAME, 32, __VA_ARGS__) K_FIXED_W(NAME, 64, __VA_ARGS__)
#define K_FIXED_W(NAME, W, ...)									\
	K_FIXED_FORM(NAME, vv, W, U, D, bv[i], __VA_ARGS__)					\
	K_FIXED_FORM(NAME, vx, W, U, D, (U)x, __VA_ARGS__)
VEC_FIXED_OPS(K_FIXED)

#define K_NARROW(NAME, ...)									\
	K_NARROW_W(NAME, 8, __VA_ARGS__) K_NARROW_W(NAME, 16, __VA_ARGS__)			\
	K_NARROW_W(NAME, 32, __VA_ARGS__)
#define K_NARROW_W(NAME, W, ...)								\
	K_FIXED_FORM(NAME, vv, W, D, D, bv[i], __VA_ARGS__)					\
	K_FIXED_FORM(NAME, vx, W, D, D, (U)x, __VA_ARGS__)
VEC_NARROW_OPS(K_NARROW)

/* --- carries ------------------------------------------------------------------------------------ */

#define K_CARRY_FORM(NAME, FORM, W, RT, BVAL, ...)						\
static void k_##NAME##_##FORM##_##W(void *dp, const void *ap, const void *bp, uint64_t x,	\
				    size_t n, const uint8_t *carry)				\
{												\
	TYPES_##W UNUSED_TYPES;									\
	RT *d = dp;										\
	const U *av = ap, *bv = bp;								\
												\
	(void)x, (void)bv;									\
	VEC_LOOP										\
	for (size_t i = 0; i < n; i++) {							\
		U a = av[i], b = BVAL, k = carry[i] & 1;					\
		RT r;										\
		__VA_ARGS__;									\
		d[i] = r;									\
	}											\
}
#define K_CARRY_W(NAME, W, RT, ...)								\
	K_CARRY_FORM(NAME, vv, W, RT, bv[i], __VA_ARGS__)					\
	K_CARRY_FORM(NAME, vx, W, RT, (U)x, __VA_ARGS__)
#define K_CARRY(NAME, RT, ...)									\
	K_CARRY_W(NAME, 8, RT, __VA_ARGS__) K_CARRY_W(NAME, 16, RT, __VA_ARGS__)		\
	K_CARRY_W(NAME, 32, RT, __VA_ARGS__) K_CARRY_W(NAME, 64, RT, __VA_ARGS__)
VEC_CARRY_OPS(K_CARRY)

/* --- extensions, selection, splat ---------------------------------------------------------------- */

#define K_EXTEND(NAME, DT, ST)									\
static uint32_t NAME(void *dp, const void *ap, const void *bp, uint64_t x, size_t n,		\
		     unsigned int rm)								\
{												\
	DT *d = dp;										\
	const ST *a = ap;									\
												\
	(void)bp, (void)x, (void)rm;								\
	VEC_LOOP										\
	for (size_t i = 0; i < n; i++)								\
		d[i] = (DT)a[i];								\
	return 0;										\
}
#define K_EXTENDS(DW, SW)									\
	K_EXTEND(k_zext_##DW##_##SW, uint##DW##_t, uint##SW##_t)				\
	K_EXTEND(k_sext_##DW##_##SW, int##DW##_t, int##SW##_t)
K_EXTENDS(16, 8) K_EXTENDS(32, 8) K_EXTENDS(64, 8)
K_EXTENDS(32, 16) K_EXTENDS(64, 16) K_EXTENDS(64, 32)

#define K_SELECT(W)										\
static void k_select_##W(void *dp, const void *tp, const void *fp, const uint8_t *mask,		\
			 size_t n)								\
{												\
	uint##W##_t *d = dp;									\
	const uint##W##_t *t = tp, *f = fp;							\
												\
	VEC_LOOP										\
	for (size_t i = 0; i < n; i++)								\
		/* bits, not a condition: both are loaded, so that the loop has no branch */		\
		d[i] = (t[i] & (uint##W##_t)(int8_t)mask[i]) |						\
		       (f[i] & (uint##W##_t)~(uint##W##_t)(int8_t)mask[i]);				\
}												\
static void k_select_x_##W(void *dp, uint64_t x, const void *fp, const uint8_t *mask, size_t n)	\
{												\
	uint##W##_t *d = dp, t = (uint##W##_t)x;						\
	const uint##W##_t *f = fp;								\
												\
	VEC_LOOP										\
	for (size_t i = 0; i < n; i++)								\
		d[i] = mask[i] ? t : f[i];							\
}												\
static void k_splat_##W(void *dp, uint64_t x, size_t n)						\
{												\
	uint##W##_t *d = dp;									\
												\
	for (size_t i = 0; i < n; i++)								\
		d[i] = (uint##W##_t)x;								\
}
K_SELECT(8) K_SELECT(16) K_SELECT(32) K_SELECT(64)

/* --- reductions ----------------------------------------------------------------------------------- */

#define K_REDUCE(NAME, EXPR)	K_REDUCE_W(NAME, 8, EXPR) K_REDUCE_W(NAME, 16, EXPR)		\
				K_REDUCE_W(NAME, 32, EXPR) K_REDUCE_W(NAME, 64, EXPR)
#define K_REDUCE_W(NAME, W, EXPR)								\
static uint64_t k_##NAME##_##W(const void *ap, uint64_t init, size_t n)				\
{												\
	TYPES_##W UNUSED_TYPES;									\
	const U *av = ap;									\
	U r = (U)init;										\
												\
	for (size_t i = 0; i < n; i++) {							\
		U a = av[i];									\
		r = (U)(EXPR);									\
	}											\
	return r;										\
}
VEC_REDUCE_OPS(K_REDUCE)

#define K_WREDUCE(NAME, DT, ST)									\
static uint64_t NAME(const void *ap, uint64_t init, size_t n)					\
{												\
	const ST *a = ap;									\
	DT r = (DT)init;									\
												\
	for (size_t i = 0; i < n; i++)								\
		r += (DT)a[i];									\
	return r;										\
}
K_WREDUCE(k_wredsumu_8, uint16_t, uint8_t)
K_WREDUCE(k_wredsumu_16, uint32_t, uint16_t)
K_WREDUCE(k_wredsumu_32, uint64_t, uint32_t)
K_WREDUCE(k_wredsum_8, uint16_t, int8_t)
K_WREDUCE(k_wredsum_16, uint32_t, int16_t)
K_WREDUCE(k_wredsum_32, uint64_t, int32_t)

/* --- masks ------------------------------------------------------------------------------------------ */

#if defined(__AVX512BW__)
static void k_expand(uint8_t *bytes, const uint8_t *bits, size_t n)
{
	size_t i = 0;

	for (; i + 64 <= n; i += 64) {
		uint64_t m;

		memcpy(&m, bits + i / 8, 8);
		_mm512_storeu_si512(bytes + i, _mm512_movm_epi8(m));
	}
	for (; i < n; i++)
		bytes[i] = (uint8_t)-(bits[i / 8] >> (i % 8) & 1);
}
#else
static void k_expand(uint8_t *bytes, const uint8_t *bits, size_t n)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		/* The byte eight times, a different bit of each kept, then made 0 or 0xff. */
		uint64_t v = (bits[i / 8] * 0x0101010101010101ull) & 0x8040201008040201ull;

		v = (v + 0x7f7f7f7f7f7f7f7full) & 0x8080808080808080ull;
		v = (v >> 7) * 0xff;
		memcpy(bytes + i, &v, 8);
	}
	for (; i < n; i++)
		bytes[i] = (uint8_t)-(bits[i / 8] >> (i % 8) & 1);
}
#endif

#if defined(__AVX512BW__)
/* Mask bits go straight into mask registers; LANES elements to a vector. */
#define K_MERGE(W, LANES, MASK)									\
static void k_merge_##W(void *dp, const void *tp, uint64_t x, const void *fp, const uint8_t *bits,	\
			size_t n)								\
{												\
	const uint##W##_t *tv = tp, *f = fp;							\
	uint##W##_t *d = dp;									\
	__m512i t = SPLAT_##W((INT_##W)x);							\
	size_t i = 0;										\
												\
	for (; i + LANES <= n; i += LANES) {							\
		MASK m;										\
												\
		memcpy(&m, bits + i / 8, sizeof(m));						\
		if (tv)										\
			t = _mm512_loadu_si512(tv + i);						\
		_mm512_storeu_si512(d + i, _mm512_mask_blend_epi##W(m,				\
							_mm512_loadu_si512(f + i), t));		\
	}											\
	for (; i < n; i++)									\
		d[i] = bits[i / 8] >> (i % 8) & 1 ? tv ? tv[i] : (uint##W##_t)x : f[i];		\
}
#define SPLAT_8		_mm512_set1_epi8
#define SPLAT_16	_mm512_set1_epi16
#define SPLAT_32	_mm512_set1_epi32
#define SPLAT_64	_mm512_set1_epi64
#define INT_8		char
#define INT_16		short
#define INT_32		int
#define INT_64		long long
K_MERGE(8, 64, __mmask64) K_MERGE(16, 32, __mmask32) K_MERGE(32, 16, __mmask16)
K_MERGE(64, 8, __mmask8)
#endif

static void k_pack(uint8_t *bits, const uint8_t *bytes, size_t n)
{
	size_t i = 0;

#if defined(__AVX512BW__)
	for (; i + 64 <= n; i += 64) {
		uint64_t m = _mm512_movepi8_mask(_mm512_loadu_si512(bytes + i));

		memcpy(bits + i / 8, &m, 8);
	}
#elif defined(__AVX2__)
	for (; i + 32 <= n; i += 32) {
		int m = _mm256_movemask_epi8(_mm256_loadu_si256((const void *)(bytes + i)));

		memcpy(bits + i / 8, &m, 4);
	}
#endif
	for (; i + 8 <= n; i += 8) {
		uint64_t v;

		memcpy(&v, bytes + i, 8);
		/* Byte j's low bit times 2^(56 - 7j) lands in bit 56 + j. */
		v = (v & 0x0101010101010101ull) * 0x0102040810204080ull;
		bits[i / 8] = (uint8_t)(v >> 56);
	}
	if (i < n) {
		unsigned int last = 0;

		for (size_t j = i; j < n; j++)
			last |= (bytes[j] & 1u) << (j - i);
		bits[i / 8] = (uint8_t)last;
	}
}

/* --- the table ---------------------------------------------------------------------------------------- */

#define T_ALL(NAME, ...)	[VEC_##NAME] = {						\
	.vv = { k_##NAME##_vv_8, k_##NAME##_vv_16, k_##NAME##_vv_32, k_##NAME##_vv_64 },	\
	.vx = { k_##NAME##_vx_8, k_##NAME##_vx_16, k_##NAME##_vx_32, k_##NAME##_vx_64 } },
#define T_HALF(NAME, ...)	[VEC_##NAME] = {						\
	.vv = { k_##NAME##_vv_8, k_##NAME##_vv_16, k_##NAME##_vv_32 },				\
	.vx = { k_##NAME##_vx_8, k_##NAME##_vx_16, k_##NAME##_vx_32 } },
#define T_CARRY(NAME, FORM)	[VEC_##NAME] = {						\
	k_##NAME##_##FORM##_8, k_##NAME##_##FORM##_16,						\
	k_##NAME##_##FORM##_32, k_##NAME##_##FORM##_64 },
#define T_CARRY_VV(NAME, ...)	T_CARRY(NAME, vv)
#define T_CARRY_VX(NAME, ...)	T_CARRY(NAME, vx)
#define T_REDUCE(NAME, ...)	[VEC_##NAME] = { k_##NAME##_8, k_##NAME##_16, k_##NAME##_32, k_##NAME##_64 },

const struct vec_kint VEC_KINT = {
	.alu = { VEC_INT_OPS(T_ALL) },
	.macc = { VEC_MACC_OPS(T_ALL) },
	.cmp = { VEC_CMP_OPS(T_ALL) },
	.wide = { VEC_WIDE_OPS(T_HALF) },
	.widew = { VEC_WIDEW_OPS(T_HALF) },
	.wmacc = { VEC_WMACC_OPS(T_HALF) },
	.fixed = { VEC_FIXED_OPS(T_ALL) },
	.narrow = { VEC_NARROW_OPS(T_HALF) },
	.carry_vv = { VEC_CARRY_OPS(T_CARRY_VV) },
	.carry_vx = { VEC_CARRY_OPS(T_CARRY_VX) },
	.zext = {
		[1] = { k_zext_16_8 },
		[2] = { k_zext_32_8, k_zext_32_16 },
		[3] = { k_zext_64_8, k_zext_64_16, k_zext_64_32 },
	},
	.sext = {
		[1] = { k_sext_16_8 },
		[2] = { k_sext_32_8, k_sext_32_16 },
		[3] = { k_sext_64_8, k_sext_64_16, k_sext_64_32 },
	},
	.select = { k_select_8, k_select_16, k_select_32, k_select_64 },
	.select_x = { k_select_x_8, k_select_x_16, k_select_x_32, k_select_x_64 },
#if defined(__AVX512BW__)
	.merge = { k_merge_8, k_merge_16, k_merge_32, k_merge_64 },
#endif
	.splat = { k_splat_8, k_splat_16, k_splat_32, k_splat_64 },
	.reduce = { VEC_REDUCE_OPS(T_REDUCE) },
	.wredsumu = { k_wredsumu_8, k_wredsumu_16, k_wredsumu_32 },
	.wredsum = { k_wredsum_8, k_wredsum_16, k_wredsum_32 },
	.expand = k_expand,
	.pack = k_pack,
};
