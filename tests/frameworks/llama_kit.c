// SPDX-License-Identifier: MIT
#include "llama_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void quiet(enum ggml_log_level level, const char *text, void *user)
{
	(void)user;
	if (level == GGML_LOG_LEVEL_ERROR ||
	    (level == GGML_LOG_LEVEL_WARN && !strncmp(text, "Gaon", 4)))
		fputs(text, stderr);
}

const char *kit_model(void)
{
	const char *path = getenv("GAON_LLM");

	if (!path)
		fprintf(stderr, "GAON_LLM names no model\n");
	return path;
}

ggml_backend_dev_t kit_device(void)
{
	ggml_backend_reg_t reg;

	unsetenv("GGML_BACKEND_PATH");
	setenv("GAON_DEVICE", "embedded", 0);
	llama_log_set(quiet, NULL);
	ggml_backend_load_all();
	reg = ggml_backend_load(GGML_PLUGIN);
	if (reg && ggml_backend_reg_dev_count(reg))
		return ggml_backend_reg_dev_get(reg, 0);
	fprintf(stderr, "no Gaon device by %s\n", GGML_PLUGIN);
	return NULL;
}

bool side_open(struct side *side, const char *path, ggml_backend_dev_t device,
	       enum llama_flash_attn_type flash, uint32_t tokens)
{
	struct llama_model_params model = llama_model_default_params();
	struct llama_context_params context = llama_context_default_params();
	ggml_backend_dev_t devices[] = { device, NULL };

	memset(side, 0, sizeof(*side));
	model.devices = devices;
	model.n_gpu_layers = device ? 99 : 0;
	side->model = llama_model_load_from_file(path, model);
	if (!side->model)
		return false;
	context.n_ctx = context.n_batch = context.n_ubatch = tokens;
	context.n_threads = context.n_threads_batch = 1;
	context.flash_attn_type = flash;
	side->context = llama_init_from_model(side->model, context);
	side->vocab = llama_model_get_vocab(side->model);
	side->vocabulary = llama_vocab_n_tokens(side->vocab);
	return side->context;
}

void side_close(struct side *side)
{
	if (side->context)
		llama_free(side->context);
	if (side->model)
		llama_model_free(side->model);
}

int side_tokenize(const struct side *side, const char *text, llama_token *tokens, int room)
{
	int count = llama_tokenize(side->vocab, text, strlen(text), tokens, room, true, true);

	return count > 0 ? count : 0;
}

bool side_decode(struct side *side, llama_token *tokens, int count)
{
	if (llama_decode(side->context, llama_batch_get_one(tokens, count)))
		return false;
	side->logits = llama_get_logits_ith(side->context, -1);
	return side->logits;
}

int side_preferred(const struct side *side)
{
	int best = 0;

	for (int i = 1; i < side->vocabulary; i++)
		best = side->logits[i] > side->logits[best] ? i : best;
	return best;
}
