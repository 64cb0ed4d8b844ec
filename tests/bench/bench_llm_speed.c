// SPDX-License-Identifier: MIT
/* Speed of whole models, the device and ggml's processor backend in turn. */
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "bench_llm.h"

#define PEER	"ggml's processor backend, 2 threads"

bool llm_bench_open(struct llm *llm, const char *path, ggml_backend_dev_t device)
{
	struct llm_config config = { .path = path, .context = LLM_CONTEXT, .threads = LLM_THREADS };

	return llm_open(llm, &config, device);
}

void llm_fill_tokens(struct llm *llm, llama_token *tokens, uint32_t count)
{
	uint32_t vocabulary = llama_vocab_n_tokens(llm->vocab);

	for (uint32_t i = 0; i < count; i++)
		tokens[i] = (llama_token)(i * 2654435761u % (vocabulary - 1000) + 500);
}

static bool counters_now(struct llm *llm, struct gaon_device_counters *counters)
{
	if (!counters)
		return true;
	*counters = (struct gaon_device_counters){ .size = sizeof(*counters) };
	return !gaon_device_get_counters(llm->gaon, counters);
}

bool llm_run_tokens(struct llm *llm, bool prompt, struct llm_work *sum,
		    struct gaon_device_counters *before)
{
	llama_token tokens[LLM_PROMPT];
	struct llm_work work;
	bool good;

	*sum = (struct llm_work){ 0 };
	llm_fill_tokens(llm, tokens, LLM_PROMPT);
	if (prompt) {
		good = llm_prompt(llm, tokens, LLM_PROMPT, &work);
		llama_memory_clear(llama_get_memory(llm->context), true);
		return good && counters_now(llm, before) && llm_prompt(llm, tokens, LLM_PROMPT, sum);
	}
	good = llm_prompt(llm, tokens, 1, &work) && llm_prompt(llm, tokens, 1, &work) &&
	       counters_now(llm, before);
	for (uint32_t i = 0; good && i < LLM_GENERATED; i++) {
		good = llm_prompt(llm, &tokens[i], 1, &work);
		sum->tokens += work.tokens;
		sum->seconds += work.seconds;
		sum->device_seconds += work.device_seconds;
	}
	return good;
}

bool llm_measure_rate(const char *path, ggml_backend_dev_t device, bool prompt, double *rate)
{
	struct llm_work sum;
	struct llm llm;
	bool good;

	if (!llm_bench_open(&llm, path, device))
		return false;
	good = llm_run_tokens(&llm, prompt, &sum, NULL);
	*rate = good ? sum.tokens / sum.seconds : 0.0;
	llm_close(&llm);
	return good;
}

static bool measure_rate(const struct llm_options *o, const struct llm_row *row,
			 ggml_backend_dev_t device, struct llm_pair *pair)
{
	const char *path = row->bf16 ? o->bf16 : o->model;

	return llm_measure_rate(path, device, row->arg == LLM_PROMPT, &pair->gaon) &&
	       llm_measure_rate(path, NULL, row->arg == LLM_PROMPT, &pair->peer);
}

/* What the calling thread does for a token before it waits for the device, per cent of the token's
 * time. */
static bool measure_overhead(const struct llm_options *o, const struct llm_row *row,
			     ggml_backend_dev_t device, struct llm_pair *pair)
{
	llama_token tokens[LLM_GENERATED];
	double start, cpu, queueing = 0.0;
	struct llm llm;
	bool good = true;

	(void)row;
	if (!llm_bench_open(&llm, o->model, device))
		return false;
	llm_fill_tokens(&llm, tokens, LLM_GENERATED);
	start = bench_now();
	for (uint32_t i = 0; good && i < LLM_GENERATED; i++) {
		/* The first ones queue node by node and are recorded. */
		if (i == 4) {
			start = bench_now();
			queueing = 0.0;
		}
		cpu = bench_thread_cpu();
		good = !llama_decode(llm.context, llama_batch_get_one(&tokens[i], 1));
		queueing += bench_thread_cpu() - cpu;
		llama_synchronize(llm.context);
	}
	pair->gaon = 100.0 * queueing / (bench_now() - start);
	llm_close(&llm);
	return good;
}

/* A process of its own, from its start to the first token of an answer. */
static bool run_probe(const struct llm_options *o, const char *which, double *seconds)
{
	double start = bench_now();
	char model[4096], probe[32];
	int status = -1;
	pid_t child;

	snprintf(model, sizeof(model), "--model=%s", o->model);
	snprintf(probe, sizeof(probe), "--probe=%s", which);
	child = fork();
	if (!child) {
		execl("/proc/self/exe", "gaon-bench-llm", model, probe, NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return false;
	*seconds = bench_now() - start;
	return !status;
}

/*
 * Memory that nobody had for a second or two may be back with the machine's hypervisor, and takes longer to
 * get than all the rest together. So: a run of each side that does not count, which brings memory and files
 * here, and the shortest of three of each in turn.
 */
static bool measure_first(const struct llm_options *o, const struct llm_row *row,
			  ggml_backend_dev_t device, struct llm_pair *pair)
{
	double gaon, cpu;

	(void)row;
	(void)device;
	for (int i = 0; i < 4; i++) {
		if (!run_probe(o, "processor", &cpu) || !run_probe(o, "gaon", &gaon))
			return false;
		if (i == 1 || gaon < pair->gaon)
			pair->gaon = gaon;
		if (i == 1 || cpu < pair->peer)
			pair->peer = cpu;
	}
	return true;
}

int llm_probe(const struct llm_options *o, ggml_backend_dev_t device)
{
	llama_token tokens[64];
	struct llm_work work;
	struct llm llm;
	uint32_t count;
	bool good;

	if (!llm_bench_open(&llm, o->model, device))
		return 1;
	count = llm_tokenize(&llm, "Hello", tokens, 64);
	good = count && llm_prompt(&llm, tokens, count, &work);
	llm_close(&llm);
	return !good;
}

const struct llm_row llm_rows_speed[] = {
	{ .name = "llm_pp512", .unit = "tokens/s", .note = "prompt of 512 tokens, Q4_1", .peer = PEER,
	  .measure = measure_rate, .arg = LLM_PROMPT, .reach = 1.3 },
	{ .name = "llm_tg128", .unit = "tokens/s", .note = "128 tokens one by one, Q4_1", .peer = PEER,
	  .measure = measure_rate, .arg = LLM_GENERATED, .reach = 0.9 },
	{ .name = "llm_pp512_bf16", .unit = "tokens/s", .note = "prompt of 512 tokens, bf16", .peer = PEER,
	  .measure = measure_rate, .arg = LLM_PROMPT, .bf16 = true, .reach = 2.0 },
	{ .name = "llm_host_overhead", .unit = "%", .note = "of a token's time the host queues it",
	  .measure = measure_overhead, .less_is_better = true, .reach = 2.0 },
	{ .name = "llm_first_token", .unit = "s", .peer = PEER,
	  .note = "from the start of the process, the shortest of three",
	  .measure = measure_first, .less_is_better = true, .reach = 1.2 },
	{ .name = NULL },
};
