// SPDX-License-Identifier: MIT
/*
 * Runs: found when a line is decoded, counted when control comes by, kept by content.  A page that is
 * decoded anew, after fence.i or because another took its place, finds the runs of the same
 * instructions again with their translations.
 */
#include "jit.h"

#include <stdlib.h>

/* --- a hart's runs ----------------------------------------------------------------------------- */

bool sim_hart_compile(struct sim_hart *h, uint32_t threshold)
{
	bool able = false;

#if defined(__x86_64__)
	__builtin_cpu_init();
	able = __builtin_cpu_supports("x86-64-v4");
#endif
	if (!threshold || !able) {
		jit_destroy(h->jit);
		h->jit = NULL;
	} else if (!h->jit) {
		h->jit = calloc(1, sizeof(*h->jit));
		if (h->jit)
			memset(h->jit->hash, 0xff, sizeof(h->jit->hash));
	}
	if (h->jit) {
		h->jit->threshold = threshold;
		h->jit->least = threshold == 1 ? 1 : 2;
	}
	/* Decoded pages name runs, or do not. */
	sim_hart_flush_code(h);
	return h->jit;
}

static void drop_runs(struct sim_jit *j)
{
	for (unsigned int i = 0; i < j->runs; i++) {
		free(j->run[i]);
		j->run[i] = NULL;
	}
	j->runs = 0;
	memset(j->hash, 0xff, sizeof(j->hash));
}

void jit_destroy(struct sim_jit *j)
{
	if (!j)
		return;
	drop_runs(j);
	jit_arena_free(j);
	free(j);
}

struct sim_jit_stats sim_hart_compile_stats(const struct sim_hart *h)
{
	return h->jit ? h->jit->stats : (struct sim_jit_stats){ 0 };
}

/* When control looks a page up no decoded operation is under way: the time to start over. */
void jit_renew(struct sim_hart *h)
{
	drop_runs(h->jit);
	jit_arena_drop(h->jit);
	h->jit->full = false;
	sim_hart_flush_code(h);
}

static uint32_t hash_of(const uint32_t *word, unsigned int count)
{
	uint64_t v = count;

	for (unsigned int i = 0; i < count; i++)
		v = (v ^ word[i]) * 0x9e3779b97f4a7c15ull;
	return (uint32_t)(v >> 32);
}

static bool is_run(const struct sim_jit *j, const uint32_t *word, unsigned int count)
{
	unsigned int vectors = 0;

	for (unsigned int i = 0; i < count; i++)
		vectors += jit_is_vector(word[i]) && jit_candidate(word[i]);
	return vectors >= j->least;
}

unsigned int jit_find(struct sim_jit *j, const uint32_t *word, const uint8_t *size,
		      unsigned int count)
{
	uint32_t hash = hash_of(word, count);
	uint16_t *head = &j->hash[hash % JIT_HASH];
	struct jit_run *r;

	if (!is_run(j, word, count))
		return JIT_RUNS;
	for (unsigned int i = *head; i != UINT16_MAX; i = j->run[i]->next) {
		r = j->run[i];
		if (r->hash == hash && r->count == count && !memcmp(r->word, word, count * 4) &&
		    !memcmp(r->size, size, count))
			return i;
	}
	if (j->runs == JIT_RUNS) {
		j->full = true;
		return JIT_RUNS;
	}
	r = calloc(1, sizeof(*r));
	if (!r)
		return JIT_RUNS;
	r->hash = hash;
	r->count = (uint16_t)count;
	memcpy(r->word, word, count * 4);
	memcpy(r->size, size, count);
	r->rest = JIT_RUNS;
	r->next = *head;
	*head = (uint16_t)j->runs;
	j->run[j->runs] = r;
	return j->runs++;
}

/* --- decoding ----------------------------------------------------------------------------------------- */

static bool joins(uint32_t word)
{
	struct jit_step step;

	if (jit_is_vector(word) && sim_vector_decode(word))
		return jit_is_set(word) || jit_candidate(word);
	return jit_scalar_step(word, &step);
}

static bool begins(uint32_t word)
{
	return jit_is_vector(word) && jit_candidate(word);
}

/* Let the operation at @slot try run @number first, and those that begin behind it theirs. */
static void mark(struct sim_jit *j, struct sim_code_page *pg, uint32_t slot, unsigned int number)
{
	while (number < JIT_RUNS) {
		struct sim_op *op = &pg->ops[slot];

		if (op->fn != sim_x_vector_4 && op->fn != sim_x_vector_run_4)
			return;
		op->fn = sim_x_vector_run_4;
		op->rs2 = (uint8_t)number;
		op->rs3 = (uint8_t)(number >> 8);
		slot += j->run[number]->rest_slots;
		number = j->run[number]->rest;
	}
}

void jit_form(struct sim_hart *h, struct sim_code_page *pg, const uint16_t *line, const uint32_t *word,
	      uint32_t count)
{
	for (uint32_t i = 0; i < count;) {
		uint8_t size[JIT_OPS];
		uint32_t n = 0;

		if (!word[i] || !begins(word[i])) {
			i++;
			continue;
		}
		for (; n < JIT_OPS && i + n < count && word[i + n] && joins(word[i + n]); n++)
			size[n] = i + n + 1 < count ? (uint8_t)(line[i + n + 1] - line[i + n]) : 2;
		mark(h->jit, pg, line[i], jit_find(h->jit, word + i, size, n));
		i += n;
	}
}

/* --- execution ------------------------------------------------------------------------------------------ */

/* What vset{i}vl{i} leaves, vill excepted: nothing above bit 7, and SEW of at most 64 bits. */
static bool vtype_sound(const struct sim_hart *h)
{
	return !(h->vtype & ~0xdfull);
}

/*
 * Not for the vtype of the translation: make another, once it has been the other one often enough;
 * the more often that happened, the later.
 */
static void other_vtype(struct sim_hart *h, struct jit_run *r)
{
	uint64_t patience = (uint64_t)h->jit->threshold << r->versions;

	if (!vtype_sound(h) || ++r->hits < patience)
		return;
	r->hits = 0;
	if (r->versions < 24)
		r->versions++;
	jit_compile(h, r);
}

unsigned int jit_enter(struct sim_hart *h, struct sim_code_page *pg, uint32_t slot, unsigned int number)
{
	struct sim_jit *j = h->jit;
	struct jit_run *r;

	if (SIM_UNLIKELY(!j || j->broken || number >= j->runs))
		return 0;
	r = j->run[number];
	if (SIM_UNLIKELY(r->sleep)) {
		r->sleep--;
		return 0;
	}
	if (SIM_UNLIKELY(r->state == JIT_COLD)) {
		if (++r->hits < j->threshold || !vtype_sound(h))
			return 0;
		r->hits = 0;
		jit_compile(h, r);
		if (r->rest < JIT_RUNS)
			mark(j, pg, slot + r->rest_slots, r->rest);
	}
	if (SIM_UNLIKELY(r->vtype != h->vtype)) {
		other_vtype(h, r);
		return 0;
	}
	return r->state == JIT_READY && jit_pass(h, r) ? r->slots : 0;
}
