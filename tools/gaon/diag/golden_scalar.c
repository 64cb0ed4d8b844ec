// SPDX-License-Identifier: MIT
/* What scalar instructions give, by this machine's own arithmetic. */
#include <math.h>
#include <string.h>

#include "diag.h"

/* --- integers -------------------------------------------------------------------------------- */

typedef int64_t i64;
typedef uint64_t u64;
typedef int32_t i32;
typedef uint32_t u32;

static u64 sx(u64 v)
{
	return (u64)(i64)(i32)(u32)v;
}

static unsigned int zeros_above(u64 v, unsigned int bits)
{
	unsigned int n = 0;

	while (n < bits && !(v >> (bits - 1 - n) & 1))
		n++;
	return n;
}

static unsigned int zeros_below(u64 v, unsigned int bits)
{
	unsigned int n = 0;

	while (n < bits && !(v >> n & 1))
		n++;
	return n;
}

static unsigned int ones(u64 v)
{
	unsigned int n = 0;

	for (; v; v >>= 1)
		n += v & 1;
	return n;
}

static u64 ones_of_bytes(u64 v)
{
	u64 out = 0;

	for (unsigned int i = 0; i < 64; i += 8)
		out |= v >> i & 0xff ? 0xffull << i : 0;
	return out;
}

static u64 bytes_turned(u64 v)
{
	u64 out = 0;

	for (unsigned int i = 0; i < 64; i += 8)
		out = out << 8 | (v >> i & 0xff);
	return out;
}

/* The upper half of a product, from four products of halves. */
static u64 high(u64 a, u64 b)
{
	u64 al = (u32)a, ah = a >> 32, bl = (u32)b, bh = b >> 32;
	u64 middle = ah * bl + (al * bl >> 32), other = al * bh + (u32)middle;

	return ah * bh + (middle >> 32) + (other >> 32);
}

static u64 div_(i64 a, i64 b)
{
	return !b ? UINT64_MAX : b == -1 ? 0 - (u64)a : (u64)(a / b);
}

static u64 rem_(i64 a, i64 b)
{
	return !b ? (u64)a : b == -1 ? 0 : (u64)(a % b);
}

static u64 rotated(u64 v, unsigned int left, unsigned int bits)
{
	u64 mask = bits == 64 ? UINT64_MAX : UINT32_MAX;

	left %= bits;
	v &= mask;
	return left ? (v << left | v >> (bits - left)) & mask : v;
}

#define S(v)	((i64)(v))
#define GOLDEN2(name, value)	static u64 golden_##name(u64 a, u64 b) { return value; }
#define GOLDEN1(name, value)	static u64 golden_##name(u64 a, u64 b) { (void)b; return value; }

GOLDEN2(add, a + b)
GOLDEN2(sub, a - b)
GOLDEN2(sll, a << (b & 63))
GOLDEN2(slt, S(a) < S(b))
GOLDEN2(sltu, a < b)
GOLDEN2(xor, a ^ b)
GOLDEN2(srl, a >> (b & 63))
GOLDEN2(sra, (u64)(S(a) >> (b & 63)))
GOLDEN2(or, a | b)
GOLDEN2(and, a & b)
GOLDEN2(addw, sx(a + b))
GOLDEN2(subw, sx(a - b))
GOLDEN2(sllw, sx((u32)a << (b & 31)))
GOLDEN2(srlw, sx((u32)a >> (b & 31)))
GOLDEN2(sraw, (u64)(i64)((i32)(u32)a >> (b & 31)))
GOLDEN2(mul, a * b)
GOLDEN2(mulhu, high(a, b))
GOLDEN2(mulhsu, high(a, b) - (S(a) < 0 ? b : 0))
GOLDEN2(mulh, high(a, b) - (S(a) < 0 ? b : 0) - (S(b) < 0 ? a : 0))
GOLDEN2(mulw, sx(a * b))
GOLDEN2(div, div_(S(a), S(b)))
GOLDEN2(divu, b ? a / b : UINT64_MAX)
GOLDEN2(rem, rem_(S(a), S(b)))
GOLDEN2(remu, b ? a % b : a)
GOLDEN2(divw, sx(div_((i32)(u32)a, (i32)(u32)b)))
GOLDEN2(divuw, (u32)b ? sx((u32)a / (u32)b) : UINT64_MAX)
GOLDEN2(remw, sx(rem_((i32)(u32)a, (i32)(u32)b)))
GOLDEN2(remuw, sx((u32)b ? (u32)a % (u32)b : (u32)a))
GOLDEN2(sh1add, 2 * a + b)
GOLDEN2(sh2add, 4 * a + b)
GOLDEN2(sh3add, 8 * a + b)
GOLDEN2(add_uw, (u64)(u32)a + b)
GOLDEN2(sh1add_uw, 2 * (u64)(u32)a + b)
GOLDEN2(andn, a & ~b)
GOLDEN2(orn, a | ~b)
GOLDEN2(xnor, ~(a ^ b))
GOLDEN2(max, S(a) > S(b) ? a : b)
GOLDEN2(maxu, a > b ? a : b)
GOLDEN2(min, S(a) < S(b) ? a : b)
GOLDEN2(minu, a < b ? a : b)
GOLDEN2(rol, rotated(a, b & 63, 64))
GOLDEN2(ror, rotated(a, 64 - (b & 63), 64))
GOLDEN2(rolw, sx(rotated(a, b & 31, 32)))
GOLDEN2(rorw, sx(rotated(a, 32 - (b & 31), 32)))
GOLDEN2(bclr, a & ~(1ull << (b & 63)))
GOLDEN2(bext, a >> (b & 63) & 1)
GOLDEN2(binv, a ^ 1ull << (b & 63))
GOLDEN2(bset, a | 1ull << (b & 63))
GOLDEN1(clz, zeros_above(a, 64))
GOLDEN1(ctz, zeros_below(a, 64))
GOLDEN1(cpop, ones(a))
GOLDEN1(clzw, zeros_above(a, 32))
GOLDEN1(ctzw, zeros_below(a, 32))
GOLDEN1(cpopw, ones((u32)a))
GOLDEN1(sext_b, (u64)(i64)(int8_t)a)
GOLDEN1(sext_h, (u64)(i64)(int16_t)a)
GOLDEN1(zext_h, (uint16_t)a)
GOLDEN1(orc_b, ones_of_bytes(a))
GOLDEN1(rev8, bytes_turned(a))

#define NAME_INTEGER(name, text)	{ "integer", text },
#define NAME_MULTIPLY(name, text)	{ "multiply", text },
#define NAME_BITS(name, text)		{ "bits", text },
const struct diag_golden diag_integer_names[DIAG_INTEGERS] = {
	DIAG_INTEGER(NAME_INTEGER) DIAG_MULTIPLY(NAME_MULTIPLY) DIAG_BITS(NAME_BITS) DIAG_BITS1(NAME_BITS)
};

void diag_golden_integer(const uint64_t *a, const uint64_t *b, uint64_t n, uint64_t *out)
{
#define POINTER(name, text)	golden_##name,
	static u64 (*const golden[DIAG_INTEGERS])(u64, u64) = {
		DIAG_INTEGER(POINTER) DIAG_MULTIPLY(POINTER) DIAG_BITS(POINTER) DIAG_BITS1(POINTER)
	};

	for (unsigned int op = 0; op < DIAG_INTEGERS; op++)
		for (u64 i = 0; i < n; i++)
			*out++ = golden[op](a[i], b[i]);
}

/* --- atomics --------------------------------------------------------------------------------- */

/* What is in memory then; of 32 bits, below what was there. */
static u64 atomic_after(const char *name, u64 a, u64 b)
{
	bool word = strstr(name, ".w");
	i64 sa = word ? (i32)(u32)a : S(a), sb = word ? (i32)(u32)b : S(b);
	u64 ua = word ? (u32)a : a, ub = word ? (u32)b : b, r = 0;

	if (!strncmp(name, "amoswap", 7) || !strncmp(name, "lr", 2))
		r = ub;
	else if (!strncmp(name, "amoadd", 6))
		r = ua + ub;
	else if (!strncmp(name, "amoxor", 6))
		r = ua ^ ub;
	else if (!strncmp(name, "amoand", 6))
		r = ua & ub;
	else if (!strncmp(name, "amoor", 5))
		r = ua | ub;
	else if (!strncmp(name, "amominu", 7))
		r = ua < ub ? ua : ub;
	else if (!strncmp(name, "amomaxu", 7))
		r = ua > ub ? ua : ub;
	else if (!strncmp(name, "amomin", 6))
		r = sa < sb ? ua : ub;
	else if (!strncmp(name, "amomax", 6))
		r = sa > sb ? ua : ub;
	return word ? (a & ~(u64)UINT32_MAX) | (u32)r : r;
}

#define NAME_ATOMIC(name, text)	{ "atomic", text },
const struct diag_golden diag_atomic_names[DIAG_ATOMICS] = {
	DIAG_ATOMIC(NAME_ATOMIC) { "atomic", "lr.d, sc.d" }
};

void diag_golden_atomic(const uint64_t *a, const uint64_t *b, uint64_t n, uint64_t *out)
{
	for (unsigned int op = 0; op < DIAG_ATOMICS; op++, out += 2 * n) {
		const char *name = diag_atomic_names[op].name;

		for (u64 i = 0; i < n; i++) {
			out[i] = strstr(name, ".w") ? sx(a[i]) : a[i];
			out[n + i] = atomic_after(name, a[i], b[i]);
		}
	}
}

/* --- floats ---------------------------------------------------------------------------------- */

static u64 bits_s(float f)
{
	u32 u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static u64 bits_d(double f)
{
	u64 u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static u64 bits_h(_Float16 f)
{
	uint16_t u;

	memcpy(&u, &f, sizeof(u));
	return u;
}

static float fma_s(float x, float y, float z) { return fmaf(x, y, z); }
static double fma_d(double x, double y, double z) { return fma(x, y, z); }
/* Products and sums of the operands here have room in a double. */
static _Float16 fma_h(_Float16 x, _Float16 y, _Float16 z)
{
	return (_Float16)((double)x * (double)y + (double)z);
}

/* In the order of the kernel's rows. */
#define ROW(expression)				\
	for (u64 i = 0; i < n; i++) {		\
		x = (T)a[i], y = (T)b[i];	\
		z = (T)b[n - 1 - i];		\
		*out++ = (expression);		\
	}
#define FORMAT(f, type, bits)							\
static u64 *golden_##f(const double *a, const double *b, u64 n, u64 *out)	\
{										\
	typedef type T;								\
	T x, y, z;								\
										\
	ROW(bits(x + y)) ROW(bits(x - y)) ROW(bits(x * y)) ROW(bits(x / y))	\
	ROW(bits(x < y ? x : y)) ROW(bits(x > y ? x : y))			\
	ROW(bits((T)copysign((double)x, (double)y)))				\
	ROW(bits((T)copysign((double)x, -(double)y)))				\
	ROW(bits(signbit((double)y) ? -x : x))					\
	ROW(bits(fma_##f(x, y, z))) ROW(bits(fma_##f(x, y, -z)))		\
	ROW(bits(-fma_##f(x, y, z))) ROW(bits(fma_##f(-x, y, z)))		\
	ROW(x == y) ROW(x < y) ROW(x <= y)					\
	ROW((u64)(i64)lrint((double)x)) ROW((u64)(i64)lrint((double)x))		\
	ROW(bits((T)(i32)b[i])) ROW(bits((T)(i64)b[i])) ROW(bits((T)(u64)b[i]))	\
	ROW(bits((T)sqrt((double)y)))						\
	return out;								\
}
FORMAT(s, float, bits_s)
FORMAT(d, double, bits_d)
FORMAT(h, _Float16, bits_h)

#define NAME_FLOAT(name, text)	{ "float", text },
#define NAMES(f)										\
	DIAG_FLOAT2(NAME_FLOAT, f) DIAG_FLOAT3(NAME_FLOAT, f) DIAG_FLOAT_TEST(NAME_FLOAT, f)	\
	DIAG_FLOAT_TO(NAME_FLOAT, f) DIAG_FLOAT_FROM(NAME_FLOAT, f) { "float", "fsqrt." #f },
const struct diag_golden diag_float_names[DIAG_FLOATS] = {
	NAMES(s) NAMES(d) NAMES(h) { "float", "fcvt.s.d" }, { "float", "fcvt.d.s" },
};

void diag_golden_float(const double *a, const double *b, uint64_t n, uint64_t *out)
{
	out = golden_s(a, b, n, out);
	out = golden_d(a, b, n, out);
	out = golden_h(a, b, n, out);
	for (u64 i = 0; i < n; i++)
		*out++ = bits_s((float)b[i]);
	for (u64 i = 0; i < n; i++)
		*out++ = bits_d((double)(float)b[i]);
}
