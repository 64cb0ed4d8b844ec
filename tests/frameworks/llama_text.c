// SPDX-License-Identifier: MIT
/*
 * A whole model, by llama.cpp's public functions: SmolLM2-135M-Instruct on the device and on ggml's
 * processor backend. Both are given the text that the processor prefers, token by token; logits are
 * compared at each, and the preferred token must be the same unless the processor itself holds the
 * two for almost equally likely.
 */
#include <ggml-backend.h>
#include <inttypes.h>
#include <llama.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

/*
 * Activations are rounded to 8 bits before each of 211 products; the least difference before moves
 * some of them to the next step. ggml's processor backend itself gives logits of which the
 * normalised mean square error is up to 0.03 when attention is one operator in place of three. They
 * lie between about -20 and 25.
 */
#define LOGITS_BOUND 0.05
#define NEAR_TIE     0.5f

struct side {
	struct llama_model *model;
	struct llama_context *context;
	const float *logits;
};

static void quiet(enum ggml_log_level level, const char *text, void *user)
{
	(void)user;
	if (level == GGML_LOG_LEVEL_ERROR ||
	    (level == GGML_LOG_LEVEL_WARN && !strncmp(text, "Gaon", 4)))
		fputs(text, stderr);
}

/* @device NULL: the processor alone */
static bool side_open(struct side *side, const char *path, ggml_backend_dev_t device, bool flash)
{
	struct llama_model_params model = llama_model_default_params();
	struct llama_context_params context = llama_context_default_params();
	ggml_backend_dev_t devices[] = { device, NULL };

	model.devices = devices;
	model.n_gpu_layers = device ? 99 : 0;
	side->model = llama_model_load_from_file(path, model);
	context.n_ctx = 256;
	context.n_threads = context.n_threads_batch = 1;
	context.flash_attn_type =
		flash ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
	side->context = side->model ? llama_init_from_model(side->model, context) : NULL;
	return side->context;
}

static void side_close(struct side *side)
{
	llama_free(side->context);
	llama_model_free(side->model);
}

static bool side_decode(struct side *side, llama_token *tokens, int count)
{
	if (llama_decode(side->context, llama_batch_get_one(tokens, count)))
		return false;
	side->logits = llama_get_logits_ith(side->context, -1);
	return side->logits;
}

static int preferred(const float *logits, int count)
{
	int best = 0;

	for (int i = 1; i < count; i++)
		best = logits[i] > logits[best] ? i : best;
	return best;
}

static double error_of(const float *got, const float *want, int count)
{
	double difference = 0.0, size = 0.0;

	for (int i = 0; i < count; i++) {
		difference += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
		size += (double)want[i] * want[i];
	}
	return difference / size;
}

static void test_text(const char *path, ggml_backend_dev_t device, const char *prompt, bool flash,
		      int length)
{
	struct side cpu, gaon;
	const struct llama_vocab *vocab;
	llama_token tokens[64];
	int vocabulary, count, other = 0, unexplained = 0;
	double worst = 0.0;
	char text[1024] = "";

	if (!tap_ok(side_open(&cpu, path, NULL, flash) && side_open(&gaon, path, device, flash),
		    "the model is loaded on both sides"))
		return;
	vocab = llama_model_get_vocab(cpu.model);
	vocabulary = llama_vocab_n_tokens(vocab);
	count = llama_tokenize(vocab, prompt, strlen(prompt), tokens, 64, true, true);
	for (int i = 0; i < length && count > 0; i++) {
		int mine, theirs, used;
		double error;

		if (!side_decode(&cpu, tokens, count) || !side_decode(&gaon, tokens, count)) {
			tap_ok(false, "token %d could not be computed", i);
			break;
		}
		theirs = preferred(cpu.logits, vocabulary);
		mine = preferred(gaon.logits, vocabulary);
		error = error_of(gaon.logits, cpu.logits, vocabulary);
		worst = error > worst ? error : worst;
		if (mine != theirs) {
			float gap = cpu.logits[theirs] - cpu.logits[mine];

			printf("# token %d: the device prefers another one; the processor puts "
			       "them %.3f apart\n",
			       i, gap);
			other++;
			unexplained += gap > NEAR_TIE;
		}
		used = strlen(text);
		used = llama_token_to_piece(vocab, theirs, text + used, sizeof(text) - 1 - used, 0,
					    false);
		tokens[0] = theirs;
		count = 1;
	}
	tap_ok(!unexplained, "%s%s: %d tokens, %d preferred otherwise within %g", prompt,
	       flash ? ", attention in one" : "", length, other, NEAR_TIE);
	tap_ok(worst < LOGITS_BOUND, "logits: largest normalised mean square error %.2g", worst);
	for (char *c = text; *c; c++)
		*c = *c == '\n' ? ' ' : *c;
	printf("# %s%s\n", prompt, text);
	side_close(&cpu);
	side_close(&gaon);
}

int main(int argc, char **argv)
{
	const char *path = getenv("GAON_LLM"),
		   *prompt = argc > 1 ? argv[1] : "The capital of France is";
	ggml_backend_reg_t reg;

	if (!path) {
		fprintf(stderr, "GAON_LLM names no model\n");
		return 1;
	}
	unsetenv("GGML_BACKEND_PATH");
	setenv("GAON_DEVICE", "embedded", 0);
	llama_log_set(quiet, NULL);
	ggml_backend_load_all();
	reg = ggml_backend_load(GGML_PLUGIN);
	if (!tap_ok(reg && ggml_backend_reg_dev_count(reg), "the plug-in is loaded"))
		return tap_end();
	test_text(path, ggml_backend_reg_dev_get(reg, 0), prompt, true, 64);
	test_text(path, ggml_backend_reg_dev_get(reg, 0), prompt, false, 16);
	return tap_end();
}
