// SPDX-License-Identifier: MIT
/*
 * Patterns into memories and out of them again. The loops are plain: the compiler makes vector code
 * of them.
 */
#include <gaon/device.h>

#include "../diag_args.h"

#define BLOCK_WORDS	512u		/* looked at before it is written */

static void write_words(uint64_t *p, const struct diag_pattern *pattern, uint64_t first, uint64_t words)
{
	const struct diag_pattern t = *pattern;

	for (uint64_t i = 0; i < words; i++)
		p[i] = diag_pattern_word(&t, first + i);
}

static uint64_t differences(const uint64_t *p, const struct diag_pattern *pattern, uint64_t first,
			    uint64_t words)
{
	const struct diag_pattern t = *pattern;
	uint64_t all = 0;

	for (uint64_t i = 0; i < words; i++)
		all |= p[i] ^ diag_pattern_word(&t, first + i);
	return all;
}

static void note_wrong(struct diag_memory_result *r, const uint64_t *p, const struct diag_pattern *pattern,
		       uint64_t first, uint64_t words)
{
	for (uint64_t i = 0; i < words; i++) {
		uint64_t found = *(const volatile uint64_t *)&p[i];
		uint64_t expected = diag_pattern_word(pattern, first + i);

		if (found == expected)
			continue;
		if (r->count < DIAG_WRONG)
			r->wrong[r->count] = (struct diag_wrong){ first + i, expected, found };
		r->count++;
	}
}

static void check_words(struct diag_memory_result *r, const uint64_t *p, const struct diag_pattern *pattern,
			uint64_t first, uint64_t words)
{
	if (differences(p, pattern, first, words))
		note_wrong(r, p, pattern, first, words);
}

GAON_KERNEL(diag_sweep, struct diag_sweep_args, GAON_STACK(8192))
{
	struct diag_memory_result *r = (struct diag_memory_result *)args->result + gaon_core();
	struct gaon_range part = gaon_share(args->words, BLOCK_WORDS);
	uint64_t blocks = (part.end - part.begin) / BLOCK_WORDS;

	r->core = gaon_core();
	for (uint64_t i = 0; i < blocks; i++) {
		uint64_t block = args->flags & DIAG_SWEEP_DOWN ? blocks - 1 - i : i;
		uint64_t first = part.begin + block * BLOCK_WORDS;
		uint64_t *p = (uint64_t *)args->base + first;

		if (args->flags & DIAG_SWEEP_CHECK)
			check_words(r, p, &args->old, first, BLOCK_WORDS);
		if (args->flags & DIAG_SWEEP_WRITE)
			write_words(p, &args->now, first, BLOCK_WORDS);
	}
}

GAON_KERNEL(diag_scratchpad, struct diag_scratchpad_args, GAON_STACK(8192))
{
	struct diag_memory_result *r = (struct diag_memory_result *)args->result + gaon_core();
	uint64_t *p = gaon_spm(uint64_t, 0);

	r->core = gaon_core();
	write_words(p, &args->pattern, 0, args->words);
	gaon_fence();
	__asm__ volatile("" : : : "memory");
	for (uint64_t first = 0; first < args->words; first += BLOCK_WORDS)
		check_words(r, p + first, &args->pattern, first, BLOCK_WORDS);
}
