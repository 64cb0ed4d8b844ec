// SPDX-License-Identifier: MIT
/*
 * How far a model's speed is from what bounds it: on this machine, memory and the rate of products;
 * on the modelled clock, the engines of the specified card.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "bench_llm.h"

enum { PROMPT, GENERATION };

/* --- on this machine ----------------------------------------------------------------------------- */

/* GB/s that two threads read. */
static double memory_rate(void)
{
	for (const struct bench_probe *p = bench_probes_memory; p->name; p++)
		if (!strcmp(p->name, "memory_read"))
			return p->run();
	return -1;
}

/*
 * Operations for a token of a prompt: two for each weight. Rows of the embedding are only read, and only the
 * last token's logits are wanted.
 */
static double operations(const struct llm *llm)
{
	double embedding = (double)llama_vocab_n_tokens(llm->vocab) * llama_model_n_embd(llm->model);

	return 2.0 * ((double)llama_model_n_params(llm->model) - embedding);
}

/* Tokens per second if there were nothing but weights to read, or to multiply. */
static bool measure_limit(const struct llm_options *o, const struct llm_row *row,
			  ggml_backend_dev_t device, struct llm_pair *pair)
{
	enum ggml_type type = row->bf16 ? GGML_TYPE_BF16 : GGML_TYPE_Q4_1;
	const char *path = row->bf16 ? o->bf16 : o->model;
	struct llm_work sum;
	double rate, work;
	struct llm llm;
	bool good;

	if (!llm_bench_open(&llm, path, device))
		return false;
	good = llm_run_tokens(&llm, row->arg == PROMPT, &sum, NULL);
	work = row->arg == PROMPT ? operations(&llm) : (double)llama_model_size(llm.model);
	llm_close(&llm);
	rate = row->arg == PROMPT ? llm_product_rate(device, type, 2048, 2048, 2048) : memory_rate();
	if (!good || rate <= 0.0)
		return false;
	pair->gaon = sum.tokens / sum.seconds;
	pair->peer = rate * 1e9 / work;
	if (row->arg == PROMPT)
		snprintf(pair->note, sizeof(pair->note), "%.1f MOP per token, products of 2048 at %.0f GOP/s",
			 work * 1e-6, rate);
	else
		snprintf(pair->note, sizeof(pair->note), "%.1f MB per token, memory read at %.1f GB/s",
			 work * 1e-6, rate);
	return true;
}

#define LIMIT(row_name, what, of, is_bf16, whose)						\
	{ .name = row_name, .unit = "tokens/s", .note = what, .measure = measure_limit,		\
	  .arg = of, .bf16 = is_bf16, .peer = whose }

#define RATE_OF_PRODUCTS	"operations over the device's rate of large products"

const struct llm_row llm_rows_limits[] = {
	LIMIT("llm_limit_pp512", "of the limit, prompt, Q4_1", PROMPT, false, RATE_OF_PRODUCTS),
	LIMIT("llm_limit_pp512_bf16", "of the limit, prompt, bf16", PROMPT, true, RATE_OF_PRODUCTS),
	LIMIT("llm_limit_tg128", "of the limit, generation, Q4_1", GENERATION, false,
	      "bytes of weights over what two threads read"),
	{ .name = NULL },
};

/* --- on the modelled clock ------------------------------------------------------------------------- */

/* What takes modelled time. */
enum { CORE, MATRIX, DMA, COPY, HBM, LAUNCH, ENGINES, RATE = ENGINES };

static const char *const engine_names[ENGINES] = {
	[CORE] = "cores", [MATRIX] = "matrix arrays", [DMA] = "DMA channels",
	[COPY] = "copy engines", [HBM] = "HBM", [LAUNCH] = "starts and ends of launches",
};

/* Documentation/hw/time.rst: packet, start and end of a launch. */
#define LAUNCH_CYCLES	(8 + 256 + 64)

/**
 * struct modelled - one of the three runs
 * @rate, @limit: tokens per second, as computed and as the bounding resource would allow by itself
 * @share: per cent of the time that an engine was busy, all units of a kind together
 */
struct modelled {
	bool done;
	double rate, limit;
	double share[ENGINES];
};

static void take_shares(struct modelled *m, const struct gaon_device_info *info,
			const struct gaon_device_counters *a, const struct gaon_device_counters *b)
{
	double cycles = (double)(b->cycle - a->cycle), cores = cycles * info->cores;
	double hbm = cycles * info->hbm_mbps * 1e3 / info->clock_khz;

	m->share[CORE] = 100.0 * (double)(b->core_busy - a->core_busy) / cores;
	m->share[MATRIX] = 100.0 * (double)(b->matrix_busy - a->matrix_busy) / (cores * info->matrix_arrays);
	m->share[DMA] = 100.0 * (double)(b->dma_busy - a->dma_busy) / (cores * info->dma_channels);
	m->share[COPY] = 100.0 * (double)(b->copy_busy - a->copy_busy) / (cycles * info->copy_engines);
	m->share[HBM] = 100.0 * (double)(b->hbm_read - a->hbm_read + b->hbm_written - a->hbm_written) / hbm;
	m->share[LAUNCH] = 100.0 * (double)(b->launches - a->launches) * LAUNCH_CYCLES / cycles;
}

/* Tokens per second with the specified rate of HBM, or of products. */
static double card_limit(const struct llm *llm, const struct gaon_device_info *info, bool prompt)
{
	double peak = 2e3 * info->clock_khz * info->cores * info->matrix_arrays * info->matrix_dim *
		      info->matrix_dim;

	return prompt ? peak / operations(llm) : info->hbm_mbps * 1e6 / (double)llama_model_size(llm->model);
}

static bool run_modelled(struct modelled *m, const char *path, ggml_backend_dev_t device, bool prompt)
{
	struct gaon_device_counters before, after = { .size = sizeof(after) };
	struct gaon_device_info info = { .size = sizeof(info) };
	struct llm_work sum;
	struct llm llm;
	bool good;

	if (!llm_bench_open(&llm, path, device))
		return false;
	good = llm_run_tokens(&llm, prompt, &sum, &before) && !gaon_device_get_counters(llm.gaon, &after) &&
	       !gaon_device_get_info(llm.gaon, &info);
	if (good && (!info.modelled_time || sum.device_seconds <= 0.0)) {
		fprintf(stderr, "llm: %s does not model its time\n", info.name);
		good = false;
	}
	if (good) {
		m->rate = sum.tokens / sum.device_seconds;
		m->limit = card_limit(&llm, &info, prompt);
		take_shares(m, &info, &before, &after);
	}
	llm_close(&llm);
	m->done = good;
	return good;
}

/*
 * Cores count as busy from the first instruction of their workgroup to its last, waits for engines
 * included: what bounds a run is an engine only if it is nearly as busy as they.
 */
static const char *bound_of(const struct modelled *m)
{
	int most = CORE;

	for (int i = MATRIX; i < ENGINES; i++)
		if (m->share[i] > (most == CORE ? 0.8 * m->share[CORE] : m->share[most]))
			most = i;
	return engine_names[most];
}

/* The same in each run, so that one serves all rows of a kind. */
static bool measure_modelled(const struct llm_options *o, const struct llm_row *row,
			     ggml_backend_dev_t device, struct llm_pair *pair)
{
	static struct modelled runs[3];
	int kind = row->arg / (ENGINES + 1), what = row->arg % (ENGINES + 1);
	struct modelled *m = &runs[row->bf16 ? 2 : kind];

	if (!m->done && !run_modelled(m, row->bf16 ? o->bf16 : o->model, device, kind == PROMPT))
		return false;
	if (what < ENGINES) {
		pair->gaon = m->share[what];
		return true;
	}
	pair->gaon = m->rate;
	pair->peer = m->limit;
	snprintf(pair->note, sizeof(pair->note), "bound by %s", bound_of(m));
	return true;
}

#define SHARE(row_name, suffix, kind, is_bf16, engine, what)					\
	{ .name = row_name "_" suffix, .unit = "%", .note = "of modelled time: " what,		\
	  .measure = measure_modelled, .arg = (kind) * (ENGINES + 1) + (engine),		\
	  .bf16 = is_bf16, .once = true }

#define MODELLED(row_name, what, kind, is_bf16, limit)						\
	{ .name = row_name, .unit = "tokens/s", .note = "modelled time, " what,			\
	  .measure = measure_modelled, .arg = (kind) * (ENGINES + 1) + RATE,			\
	  .bf16 = is_bf16, .once = true, .peer = limit },					\
	SHARE(row_name, "core", kind, is_bf16, CORE, "cores busy, waits included"),		\
	SHARE(row_name, "matrix", kind, is_bf16, MATRIX, "matrix arrays busy"),			\
	SHARE(row_name, "dma", kind, is_bf16, DMA, "DMA channels busy"),			\
	SHARE(row_name, "copy", kind, is_bf16, COPY, "copy engines busy"),			\
	SHARE(row_name, "hbm", kind, is_bf16, HBM, "bytes moved, of what HBM can move"),	\
	SHARE(row_name, "launch", kind, is_bf16, LAUNCH, "packets, starts and ends of launches")

#define PEAK	"operations over the card's peak of products"

const struct llm_row llm_rows_modelled[] = {
	MODELLED("llm_modelled_pp512", "prompt of 512 tokens, Q4_1", PROMPT, false, PEAK),
	MODELLED("llm_modelled_pp512_bf16", "prompt of 512 tokens, bf16", PROMPT, true, PEAK),
	MODELLED("llm_modelled_tg128", "128 tokens one by one, Q4_1", GENERATION, false,
		 "bytes of weights over the card's rate of HBM"),
	{ .name = NULL },
};
