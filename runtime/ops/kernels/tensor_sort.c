// SPDX-License-Identifier: MIT
/* Places of the elements of rows in order, and of the largest ones. */
#include "tensor_args.h"
#include "tensor_rows.h"

/* Keys are ordered as integers like the numbers; @flip: the other way round. */
static void keys_of(uint32_t *restrict key, const char *restrict x, uint64_t nb, uint64_t n, uint32_t flip)
{
	for (uint64_t i = 0; i < n; i++) {
		uint32_t bits = *(const uint32_t *)(x + i * nb);

		key[i] = (bits ^ ((uint32_t)((int32_t)bits >> 31) | 0x80000000u)) ^ flip;
	}
}

/* --- short rows: the place of each is the number of those before it ---------------------------- */

static void count_before(uint32_t *restrict place, const uint32_t *restrict key, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		place[i] = 0;
	for (uint32_t k = 0; k < n; k++) {
		uint32_t than = key[k];

		for (uint32_t i = 0; i < k; i++)
			place[i] += key[i] > than;
		/* Of equal ones the first comes first. */
		for (uint32_t i = k + 1; i < n; i++)
			place[i] += key[i] >= than;
	}
}

static void put_in_place(int32_t *restrict to, const uint32_t *restrict place, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		to[place[i]] = (int32_t)i;
}

/* --- long rows: by digits of 11 bits, the lowest first ------------------------------------------ */

#define DIGIT_BITS	11
#define DIGITS		(1u << DIGIT_BITS)

/* Indices @from (NULL: in their order) to @to, by the digit of their keys at @shift. */
static void sort_digit(int32_t *restrict to, const int32_t *restrict from, const uint32_t *restrict key,
		       uint32_t n, uint32_t shift, uint32_t *restrict start)
{
	uint32_t sum = 0;

	for (uint32_t d = 0; d < DIGITS; d++)
		start[d] = 0;
	for (uint32_t i = 0; i < n; i++)
		start[key[i] >> shift & (DIGITS - 1)]++;
	for (uint32_t d = 0; d < DIGITS; d++) {
		uint32_t count = start[d];

		start[d] = sum;
		sum += count;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t index = from ? (uint32_t)from[i] : i;

		to[start[key[index] >> shift & (DIGITS - 1)]++] = (int32_t)index;
	}
}

GAON_KERNEL(ops_argsort, struct ops_sort_args,
	    GAON_POINTERS(2, offsetof(struct ops_sort_args, dst.va),
			  offsetof(struct ops_sort_args, src.va)))
{
	uint32_t n = (uint32_t)args->src.ne[0];
	uint32_t *key = gaon_spm(uint32_t, 0), *other = key + n, *start = other + n;
	struct rows_walk w;

	for (w = rows_begin(&args->src, n); w.left; rows_next(&w)) {
		int32_t *to = (int32_t *)rows_at(&args->dst, &w);

		keys_of(key, rows_at(&args->src, &w), args->src.nb[0], n, args->flip);
		if (n <= SORT_COUNTED) {
			count_before(other, key, n);
			put_in_place(to, other, n);
			continue;
		}
		sort_digit(to, NULL, key, n, 0, start);
		sort_digit((int32_t *)other, to, key, n, DIGIT_BITS, start);
		sort_digit(to, (const int32_t *)other, key, n, 2 * DIGIT_BITS, start);
	}
}

/* --- the largest ------------------------------------------------------------------------------- */

static uint32_t count_from(const uint32_t *restrict key, uint32_t n, uint32_t least)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		count += key[i] >= least;
	return count;
}

/* The largest number that @k keys reach, bit by bit. */
static uint32_t kth_largest(const uint32_t *key, uint32_t n, uint32_t k)
{
	uint32_t found = 0;

	for (uint32_t bit = 0x80000000u; bit; bit >>= 1)
		if (count_from(key, n, found | bit) >= k)
			found |= bit;
	return found;
}

/* Keys that are looked through at once for one that is large enough. */
#define LOOK	512u

static void collect(int32_t *restrict to, const uint32_t *restrict key, uint32_t n, uint32_t k)
{
	uint32_t least = kth_largest(key, n, k);
	uint32_t above = least == UINT32_MAX ? 0 : count_from(key, n, least + 1);
	uint32_t equal = k - above, done = 0;

	for (uint32_t at = 0; at < n && done < k; at += LOOK) {
		uint32_t end = n - at < LOOK ? n : at + LOOK;

		if (!count_from(key + at, end - at, least))
			continue;
		for (uint32_t i = at; i < end; i++) {
			if (key[i] < least || (key[i] == least && !equal))
				continue;
			equal -= key[i] == least;
			to[done++] = (int32_t)i;
		}
	}
}

GAON_KERNEL(ops_top_k, struct ops_sort_args,
	    GAON_POINTERS(2, offsetof(struct ops_sort_args, dst.va),
			  offsetof(struct ops_sort_args, src.va)))
{
	uint32_t n = (uint32_t)args->src.ne[0], *key = gaon_spm(uint32_t, 0);
	struct rows_walk w;

	for (w = rows_begin(&args->src, n); w.left; rows_next(&w)) {
		keys_of(key, rows_at(&args->src, &w), args->src.nb[0], n, args->flip);
		collect((int32_t *)rows_at(&args->dst, &w), key, n, (uint32_t)args->dst.ne[0]);
	}
}
