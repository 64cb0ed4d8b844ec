// SPDX-License-Identifier: MIT
/*
 * gaon-bench-llm: a language model in llama.cpp on the device and on ggml's processor backend, in
 * turn in the same run, two threads each. Ratios are of pairs that were measured one after the
 * other; the median counts.
 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../tools/llm/llm.h"

#define CONTEXT	   1024
#define THREADS	   2
#define PROMPT	   512
#define GENERATED  128
#define ROUNDS_MAX 32

struct options {
	const char *model, *bf16, *json, *filter, *probe;
	int rounds;
};

/* One pair: of the device and of the processor. */
struct pair {
	double gaon, cpu;
};

struct row {
	const char *name, *unit, *note;
	bool (*measure)(const struct options *o, ggml_backend_dev_t device, struct pair *pair);
	bool less_is_better, no_peer;
	double reach; /* of the ratio, or of the value without a peer */
};

static double clock_seconds(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static bool open_model(struct llm *llm, const char *path, ggml_backend_dev_t device)
{
	struct llm_config config = { .path = path, .context = CONTEXT, .threads = THREADS };

	return llm_open(llm, &config, device);
}

/* Any tokens: what they say does not change what they cost. */
static void fill_tokens(struct llm *llm, llama_token *tokens, uint32_t count)
{
	uint32_t vocabulary = llama_vocab_n_tokens(llm->vocab);

	for (uint32_t i = 0; i < count; i++)
		tokens[i] = (llama_token)(i * 2654435761u % (vocabulary - 1000) + 500);
}

/* Tokens per second of a prompt, or of tokens one by one, after one that warms up. */
static bool measure_rate(const char *path, ggml_backend_dev_t device, bool prompt, double *rate)
{
	llama_token tokens[PROMPT];
	struct llm_work work, sum = { 0 };
	struct llm llm;
	bool good;

	if (!open_model(&llm, path, device))
		return false;
	fill_tokens(&llm, tokens, PROMPT);
	if (prompt) {
		good = llm_prompt(&llm, tokens, PROMPT, &work);
		llama_memory_clear(llama_get_memory(llm.context), true);
		good = good && llm_prompt(&llm, tokens, PROMPT, &sum);
	} else {
		good = llm_prompt(&llm, tokens, 1, &work) && llm_prompt(&llm, tokens, 1, &work);
		for (uint32_t i = 0; good && i < GENERATED; i++) {
			good = llm_prompt(&llm, &tokens[i], 1, &work);
			sum.tokens += work.tokens;
			sum.seconds += work.seconds;
		}
	}
	*rate = sum.tokens / sum.seconds;
	llm_close(&llm);
	return good;
}

static bool measure_pp(const struct options *o, ggml_backend_dev_t device, struct pair *pair)
{
	return measure_rate(o->model, device, true, &pair->gaon) &&
	       measure_rate(o->model, NULL, true, &pair->cpu);
}

static bool measure_pp_bf16(const struct options *o, ggml_backend_dev_t device, struct pair *pair)
{
	return measure_rate(o->bf16, device, true, &pair->gaon) &&
	       measure_rate(o->bf16, NULL, true, &pair->cpu);
}

static bool measure_tg(const struct options *o, ggml_backend_dev_t device, struct pair *pair)
{
	return measure_rate(o->model, device, false, &pair->gaon) &&
	       measure_rate(o->model, NULL, false, &pair->cpu);
}

/* What the calling thread does for a token before it waits for the device, per cent of the token's
 * time. */
static bool measure_overhead(const struct options *o, ggml_backend_dev_t device, struct pair *pair)
{
	llama_token tokens[GENERATED];
	double start, cpu, queueing = 0.0;
	struct llm llm;
	bool good = true;

	if (!open_model(&llm, o->model, device))
		return false;
	fill_tokens(&llm, tokens, GENERATED);
	start = clock_seconds(CLOCK_MONOTONIC);
	for (uint32_t i = 0; good && i < GENERATED; i++) {
		/* The first ones queue node by node and are recorded. */
		if (i == 4) {
			start = clock_seconds(CLOCK_MONOTONIC);
			queueing = 0.0;
		}
		cpu = clock_seconds(CLOCK_THREAD_CPUTIME_ID);
		good = !llama_decode(llm.context, llama_batch_get_one(&tokens[i], 1));
		queueing += clock_seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
		llama_synchronize(llm.context);
	}
	pair->gaon = 100.0 * queueing / (clock_seconds(CLOCK_MONOTONIC) - start);
	llm_close(&llm);
	return good;
}

/* A process of its own, from its start to the first token of an answer. */
static bool run_probe(const struct options *o, const char *which, double *seconds)
{
	double start = clock_seconds(CLOCK_MONOTONIC);
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
	*seconds = clock_seconds(CLOCK_MONOTONIC) - start;
	return !status;
}

static bool measure_first(const struct options *o, ggml_backend_dev_t device, struct pair *pair)
{
	(void)device;
	return run_probe(o, "gaon", &pair->gaon) && run_probe(o, "processor", &pair->cpu);
}

static int probe(const struct options *o, ggml_backend_dev_t device)
{
	llama_token tokens[64];
	struct llm_work work;
	struct llm llm;
	uint32_t count;
	bool good;

	if (!open_model(&llm, o->model, strcmp(o->probe, "gaon") ? NULL : device))
		return 1;
	count = llm_tokenize(&llm, "Hello", tokens, 64);
	good = count && llm_prompt(&llm, tokens, count, &work);
	llm_close(&llm);
	return !good;
}

/* clang-format off */
static const struct row rows[] = {
	{ "llm_pp512", "tokens/s", "prompt of 512 tokens, Q4_1", measure_pp, false, false, 1.3 },
	{ "llm_tg128", "tokens/s", "128 tokens one by one, Q4_1", measure_tg, false, false, 0.9 },
	{ "llm_pp512_bf16", "tokens/s", "prompt of 512 tokens, bf16", measure_pp_bf16, false, false, 2.0 },
	{ "llm_host_overhead", "%", "of a token's time the host queues it", measure_overhead, true, true, 2.0 },
	{ "llm_first_token", "s", "from the start of the process", measure_first, true, false, 1.2 },
};
/* clang-format on */

static int compare_ratios(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	double left = x->cpu ? x->gaon / x->cpu : x->gaon,
	       right = y->cpu ? y->gaon / y->cpu : y->gaon;

	return (left > right) - (left < right);
}

/* The pair with the median ratio. */
static bool measure_row(const struct row *row, const struct options *o, ggml_backend_dev_t device,
			struct pair *median)
{
	struct pair pairs[ROUNDS_MAX] = { 0 };

	for (int i = 0; i < o->rounds; i++)
		if (!row->measure(o, device, &pairs[i]))
			return false;
	qsort(pairs, o->rounds, sizeof(pairs[0]), compare_ratios);
	*median = pairs[o->rounds / 2];
	return true;
}

static json_t *row_json(const struct row *row, const struct pair *p)
{
	char reach[32];
	json_t *object;

	snprintf(reach, sizeof(reach), "%s %g%s", row->less_is_better ? "<=" : ">=", row->reach,
		 row->no_peer ? row->unit : "x");
	object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:f}", "name", row->name, "unit", row->unit,
			   "peer", row->no_peer ? "" : "ggml's processor backend, 2 threads",
			   "reach", reach, "note", row->note, "value", p->gaon);
	json_object_set_new(object, "peer_value", row->no_peer ? json_null() : json_real(p->cpu));
	json_object_set_new(object, "ratio",
			    row->no_peer ? json_null() : json_real(p->gaon / p->cpu));
	return object;
}

static void print_row(const struct row *row, const struct pair *p)
{
	double compared = row->no_peer ? p->gaon : p->gaon / p->cpu;
	bool met = row->less_is_better ? compared <= row->reach : compared >= row->reach;

	printf("%-20s %10.4g %-10s", row->name, p->gaon, row->unit);
	if (row->no_peer)
		printf(" %10s %8s", "", "");
	else
		printf(" %10.4g %7.3fx", p->cpu, compared);
	printf("   %s %g%s: %s\n", row->less_is_better ? "<=" : ">=", row->reach,
	       row->no_peer ? row->unit : "x", met ? "reached" : "missed");
	fflush(stdout);
}

static int run_rows(const struct options *o, ggml_backend_dev_t device)
{
	json_t *array = json_array();
	int status = 0;

	printf("%-20s %10s %-10s %10s %8s   reach\n", "figure", "value", "unit", "processor",
	       "ratio");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair median;

		if (o->filter && !strstr(rows[i].name, o->filter))
			continue;
		if (rows[i].measure == measure_pp_bf16 && !o->bf16) {
			fprintf(stderr, "gaon-bench-llm: %s: no --bf16=FILE\n", rows[i].name);
			status = 1;
			continue;
		}
		if (!measure_row(&rows[i], o, device, &median)) {
			fprintf(stderr, "gaon-bench-llm: %s failed: the lines above say why\n",
				rows[i].name);
			status = 1;
			continue;
		}
		print_row(&rows[i], &median);
		json_array_append_new(array, row_json(&rows[i], &median));
	}
	if (o->json && json_dump_file(array, o->json, JSON_INDENT(1))) {
		fprintf(stderr, "gaon-bench-llm: cannot write %s\n", o->json);
		status = 1;
	}
	json_decref(array);
	return status;
}

static void usage(FILE *out)
{
	fputs("Usage: gaon-bench-llm [OPTION]...\n"
	      "A language model on the device and on ggml's processor backend, in turn.\n\n"
	      "  --model=FILE      in GGUF (default: $GAON_LLM)\n"
	      "  --bf16=FILE       the same in bf16 (default: $GAON_LLM_BF16)\n"
	      "  --filter=TEXT     only figures whose name contains TEXT\n"
	      "  --rounds=N        pairs per figure, 1 to 32 (default 3)\n"
	      "  --json-file=FILE  write the rows to FILE as well\n"
	      "  --help            this text\n"
	      "\nExit status: 0 done, also if a figure is missed; 1 failed; 2 wrong usage.\n",
	      out);
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "model", required_argument, NULL, 'm' },
		{ "bf16", required_argument, NULL, 'b' },
		{ "filter", required_argument, NULL, 'f' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "json-file", required_argument, NULL, 'j' },
		{ "probe", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .model = getenv("GAON_LLM"),
			     .bf16 = getenv("GAON_LLM_BF16"),
			     .rounds = 3 };
	ggml_backend_dev_t device;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'm': o.model = optarg; break;
		case 'b': o.bf16 = optarg; break;
		case 'f': o.filter = optarg; break;
		case 'r': o.rounds = atoi(optarg); break;
		case 'j': o.json = optarg; break;
		case 'p': o.probe = optarg; break;
		case 'h': usage(stdout); return 0;
		default: usage(stderr); return 2;
		}
	}
	if (optind < argc || !o.model || o.rounds < 1 || o.rounds > ROUNDS_MAX) {
		usage(stderr);
		return 2;
	}
	unsetenv("GGML_BACKEND_PATH");
	device = llm_start(GGML_PLUGIN);
	if (!device)
		return 1;
	return o.probe ? probe(&o, device) : run_rows(&o, device);
}
