// SPDX-License-Identifier: MIT
/*
 * Rotary position embedding.  Cosines and sines of some tokens are computed at once, long vectors;
 * then each row of a head is turned by its token's.
 */
#include <gaon/device.h>

#include "alias.h"
#include "ops_args.h"
#include "part.h"

#define TABLE	2048u	/* pairs whose angles are worked out at a time */

struct rope_spm {
	double angle[TABLE];
	float rest[TABLE];
	uint32_t quadrant[TABLE];
	float cosine[TABLE], sine[TABLE];
	double rate[OPS_ROPE_PAIRS];
	uint32_t run[OPS_ROPE_PAIRS];	/* pairs from this one on that the same position turns */
	float row[2][OPS_ROPE_COLUMNS];	/* of f16, widened */
} __attribute__((aligned(64)));

/* Angles to quadrants of pi/2 and what is left, within pi/4 of 0. Doubles: positions may be large. */
static void reduce(struct rope_spm *s, uint32_t n)
{
	const double *restrict angle = s->angle;
	uint32_t *restrict quadrant = s->quadrant;
	float *restrict rest = s->rest;

	for (uint32_t i = 0; i < n; i++) {
		double turned = angle[i] * 0x1.45f306dc9c883p-1 + 0x1.8p52;
		double whole = turned - 0x1.8p52;
		uint64_t bits;

		__builtin_memcpy(&bits, &turned, sizeof(bits));
		quadrant[i] = (uint32_t)bits;
		rest[i] = (float)__builtin_fma(whole, -0x1.1a62633145c07p-54,
					       __builtin_fma(whole, -0x1.921fb54442d18p+0, angle[i]));
	}
}

/* Polynomials of a few terms are good to one unit in the last place there. */
static void turn(struct rope_spm *s, uint32_t n, float scale)
{
	const float *restrict rest = s->rest;
	const uint32_t *restrict quadrant = s->quadrant;
	float *restrict cosine = s->cosine, *restrict sine = s->sine;

	for (uint32_t i = 0; i < n; i++) {
		float r = rest[i], q = r * r;
		float a = gaon_fmaf(q, -0x1.994eb4p-13f, 0x1.11073cp-7f);
		float b = gaon_fmaf(q, 0x1.99eb9cp-16f, -0x1.6c0c38p-10f);
		float sn = gaon_fmaf(r * q, gaon_fmaf(q, a, -0x1.555544p-3f), r);
		float cs = gaon_fmaf(q * q, gaon_fmaf(q, b, 0x1.55554ap-5f),
				     gaon_fmaf(q, -0.5f, 1.0f));
		uint32_t odd = quadrant[i] & 1;
		float c = odd ? sn : cs, d = odd ? cs : sn;

		cosine[i] = scale * gaon_f32_from(gaon_f32_bits(c) ^ ((quadrant[i] + 1) & 2) << 30);
		sine[i] = scale * gaon_f32_from(gaon_f32_bits(d) ^ (quadrant[i] & 2) << 30);
	}
}

static void find_runs(struct rope_spm *s, const struct ops_rope_args *args)
{
	for (uint32_t i = args->pairs; i--;)
		s->run[i] = i + 1 < args->pairs && args->stream[i] == args->stream[i + 1] ?
			    s->run[i + 1] + 1 : 1;
}

static void angles(struct rope_spm *s, const struct ops_rope_args *args, uint64_t first, uint32_t tokens)
{
	const int32_t *position = (const int32_t *)args->position;
	uint32_t pairs = args->pairs;

	for (uint32_t t = 0; t < tokens; t++) {
		double *restrict angle = s->angle + t * pairs;
		const double *restrict rate = s->rate;
		uint64_t token = (first + t) % args->tokens;

		for (uint32_t i = 0; i < pairs; i += s->run[i]) {
			double at = position[args->stream[i] * (uint64_t)args->tokens + token];

			for (uint32_t j = i; j < i + s->run[i]; j++)
				angle[j] = at * rate[j];
		}
	}
	reduce(s, tokens * pairs);
	turn(s, tokens * pairs, args->scale);
}

/* In place or apart: what is read at i is not written at another place before. */
#define INDEPENDENT	_Pragma("clang loop vectorize(assume_safety)")

/* A pair is one element of twice the width. */
static void turn_neighbours(float *y, const float *x, const float *c, const float *s, uint32_t pairs)
{
	const any_u64 *from = (const any_u64 *)x;
	any_u64 *to = (any_u64 *)y;

	INDEPENDENT
	for (uint32_t i = 0; i < pairs; i++) {
		float x0 = gaon_f32_from((uint32_t)from[i]), x1 = gaon_f32_from((uint32_t)(from[i] >> 32));

		to[i] = gaon_f32_bits(x0 * c[i] - x1 * s[i]) |
			(uint64_t)gaon_f32_bits(x0 * s[i] + x1 * c[i]) << 32;
	}
}

static void turn_halves(float *y, const float *x, const float *c, const float *s, uint32_t pairs,
			uint32_t apart)
{
	INDEPENDENT
	for (uint32_t i = 0; i < pairs; i++) {
		float x0 = x[i], x1 = x[i + apart];

		y[i] = x0 * c[i] - x1 * s[i];
		y[i + apart] = x0 * s[i] + x1 * c[i];
	}
}

static void copy_rest(float *y, const float *x, uint32_t from, uint32_t to)
{
	INDEPENDENT
	for (uint32_t i = from; i < to; i++)
		y[i] = x[i];
}

static void turn_row(const struct ops_rope_args *args, float *y, const float *x, const float *c,
		     const float *s)
{
	uint32_t done = args->layout == OPS_ROPE_NEIGHBOURS ? args->pairs * 2 : args->apart + args->pairs;

	if (args->layout == OPS_ROPE_NEIGHBOURS)
		turn_neighbours(y, x, c, s, args->pairs);
	else
		turn_halves(y, x, c, s, args->pairs, args->apart);
	if (y != x && done < args->columns)
		copy_rest(y, x, done, args->columns);
}

static void widen(float *restrict to, const _Float16 *restrict from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		to[i] = (float)from[i];
}

static void narrow(_Float16 *restrict to, const float *restrict from, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		to[i] = (_Float16)from[i];
}

/* All heads of a token. */
static void turn_token(struct rope_spm *spm, const struct ops_rope_args *args, uint64_t token, uint32_t at)
{
	uint64_t t = token % args->tokens, sequence = token / args->tokens;
	const char *x = (const char *)args->x + t * args->x_nb[1] + sequence * args->x_nb[2];
	char *y = (char *)args->y + t * args->y_nb[1] + sequence * args->y_nb[2];
	const float *c = spm->cosine + at * args->pairs, *s = spm->sine + at * args->pairs;

	for (uint32_t h = 0; h < args->heads; h++, x += args->x_nb[0], y += args->y_nb[0]) {
		if (!args->half) {
			turn_row(args, (float *)y, (const float *)x, c, s);
			continue;
		}
		widen(spm->row[0], (const _Float16 *)x, args->columns);
		turn_row(args, spm->row[1], spm->row[0], c, s);
		narrow((_Float16 *)y, spm->row[1], args->columns);
	}
}

GAON_KERNEL(ops_rope, struct ops_rope_args,
	    GAON_POINTERS(4, offsetof(struct ops_rope_args, y), offsetof(struct ops_rope_args, x),
			  offsetof(struct ops_rope_args, position),
			  offsetof(struct ops_rope_args, factors)),
	    GAON_SPM(struct rope_spm))
{
	struct gaon_range r = ops_share((uint64_t)args->tokens * args->sequences, 1);
	struct rope_spm *spm = gaon_spm_static(struct rope_spm);
	const float *factors = (const float *)args->factors;
	uint32_t most = TABLE / args->pairs;

	for (uint32_t i = 0; i < args->pairs; i++)
		spm->rate[i] = factors ? args->rate[i] / (double)factors[i] : args->rate[i];
	if (r.begin < r.end)
		find_runs(spm, args);
	for (uint64_t at = r.begin, n; at < r.end; at += n) {
		n = r.end - at < most ? r.end - at : most;
		angles(spm, args, at, (uint32_t)n);
		for (uint32_t i = 0; i < n; i++)
			turn_token(spm, args, at + i, i);
	}
}
