/* SPDX-License-Identifier: MIT */
/* What the files of gaon-bench-llm share. */
#ifndef GAON_TESTS_BENCH_LLM_H
#define GAON_TESTS_BENCH_LLM_H

#include "../../tools/llm/llm.h"

#define LLM_CONTEXT	1024
#define LLM_THREADS	2
#define LLM_PROMPT	512
#define LLM_GENERATED	128

struct llm_options {
	const char *model, *bf16, *json, *filter, *probe;
	int rounds;
};

/**
 * struct llm_pair - what was measured for one row
 * @gaon: the row's value; @peer: of whom it is held against, 0 without one
 * @note: what else there is to say, in place of the row's own; "" nothing
 */
struct llm_pair {
	double gaon, peer;
	char note[160];
};

/**
 * struct llm_row - a figure
 * @peer: whom it is held against, NULL: nobody, the value itself is judged
 * @reach: of the ratio, or of the value; 0: not judged
 * @needs: a word of /proc/cpuinfo's flags without which it is not judged
 * @arg: for @measure
 * @bf16: wants the model in bf16; @once: the same in each round
 */
struct llm_row {
	const char *name, *unit, *note, *peer;
	bool (*measure)(const struct llm_options *o, const struct llm_row *row, ggml_backend_dev_t device,
			struct llm_pair *pair);
	double reach;
	bool less_is_better, bf16, once;
	const char *needs;
	int arg;
};

/* Rows by file; each table ends with a NULL name. */
extern const struct llm_row llm_rows_speed[], llm_rows_products[], llm_rows_limits[], llm_rows_modelled[];

/* Open @path with LLM_CONTEXT and LLM_THREADS. */
bool llm_bench_open(struct llm *llm, const char *path, ggml_backend_dev_t device);
/* Any tokens: what they say does not change what they cost. */
void llm_fill_tokens(struct llm *llm, llama_token *tokens, uint32_t count);
/*
 * A prompt of LLM_PROMPT tokens, or LLM_GENERATED one by one, after what is needed to warm up. @before may
 * be NULL: the device's counters when the tokens began.
 */
bool llm_run_tokens(struct llm *llm, bool prompt, struct llm_work *sum, struct gaon_device_counters *before);
/* Tokens per second of it. */
bool llm_measure_rate(const char *path, ggml_backend_dev_t device, bool prompt, double *rate);
/* 10^9 operations per second of products [k n] x [k m] on @device; 0 with a message. */
double llm_product_rate(ggml_backend_dev_t device, enum ggml_type type, int64_t k, int64_t n, int64_t m);
/* --probe: exit status. */
int llm_probe(const struct llm_options *o, ggml_backend_dev_t device);

#endif
