// SPDX-License-Identifier: MIT
/* Loading a model and running it, by llama.cpp's public functions. */
#include "llm.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Only what went wrong: llama.cpp tells much more. */
static void log_errors(enum ggml_log_level level, const char *text, void *user)
{
	static bool wanted;

	(void)user;
	if (level != GGML_LOG_LEVEL_CONT)
		wanted = level == GGML_LOG_LEVEL_ERROR ||
			 (level == GGML_LOG_LEVEL_WARN && !strncmp(text, "Gaon", 4));
	if (wanted)
		fputs(text, stderr);
}

ggml_backend_dev_t llm_start(const char *plugin)
{
	ggml_backend_reg_t reg;

	llama_log_set(log_errors, NULL);
	ggml_backend_load_all();
	if (!plugin)
		return NULL;
	reg = ggml_backend_load(plugin);
	if (!reg || !ggml_backend_reg_dev_count(reg)) {
		fprintf(stderr, "llm: no Gaon device by %s: the lines above say why\n", plugin);
		return NULL;
	}
	return ggml_backend_reg_dev_get(reg, 0);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Modelled seconds since the device was made. */
static double device_now(const struct llm *llm)
{
	struct gaon_device_counters counters = { .size = sizeof(counters) };
	struct gaon_device_info info = { .size = sizeof(info) };

	if (!llm->gaon || gaon_device_get_info(llm->gaon, &info) ||
	    gaon_device_get_counters(llm->gaon, &counters))
		return 0.0;
	return counters.cycle / (info.clock_khz * 1e3);
}

/* Is asked about each operator before it runs; wants to see none of them. */
static bool count_node(struct ggml_tensor *node, bool ask, void *user)
{
	ggml_backend_buffer_t buffer = node->view_src ? node->view_src->buffer : node->buffer;
	ggml_backend_dev_t device =
		buffer ? ggml_backend_buft_get_device(ggml_backend_buffer_get_type(buffer)) : NULL;
	struct llm *llm = user;

	if (!ask)
		return true;
	if (node->op == GGML_OP_NONE || node->op == GGML_OP_VIEW || node->op == GGML_OP_RESHAPE ||
	    node->op == GGML_OP_PERMUTE || node->op == GGML_OP_TRANSPOSE)
		return false;
	llm->nodes++;
	llm->device_nodes +=
		device && ggml_backend_dev_type(device) == GGML_BACKEND_DEVICE_TYPE_GPU;
	return false;
}

bool llm_open(struct llm *llm, const struct llm_config *config, ggml_backend_dev_t device)
{
	struct llama_model_params model = llama_model_default_params();
	struct llama_context_params context = llama_context_default_params();
	ggml_backend_dev_t devices[] = { device, NULL };
	/* llama.cpp leaves the first layer's weights to the processor unless it is told. */
	struct llama_model_tensor_buft_override overrides[] = {
		{ "token_embd\\.weight", device ? ggml_backend_dev_buffer_type(device) : NULL },
		{ NULL, NULL },
	};

	memset(llm, 0, sizeof(*llm));
	model.devices = devices;
	model.n_gpu_layers = device ? 999 : 0;
	model.tensor_buft_overrides = device ? overrides : NULL;
	llm->model = llama_model_load_from_file(config->path, model);
	context.n_ctx = config->context;
	context.n_batch = config->context;
	context.n_threads = context.n_threads_batch = config->threads;
	context.cb_eval = config->count_nodes ? count_node : NULL;
	context.cb_eval_user_data = llm;
	llm->context = llm->model ? llama_init_from_model(llm->model, context) : NULL;
	if (!llm->context) {
		fprintf(stderr, "llm: %s cannot be loaded: the lines above say why\n",
			config->path);
		llm_close(llm);
		return false;
	}
	llm->vocab = llama_model_get_vocab(llm->model);
	/* The plug-in's device once more, for its clock. */
	if (device && gaon_device_open(NULL, &llm->gaon)) {
		fprintf(stderr, "llm: %s\n", gaon_last_error()->text);
		llm_close(llm);
		return false;
	}
	return true;
}

void llm_close(struct llm *llm)
{
	if (llm->gaon)
		gaon_device_close(llm->gaon);
	if (llm->context)
		llama_free(llm->context);
	if (llm->model)
		llama_model_free(llm->model);
	memset(llm, 0, sizeof(*llm));
}

uint32_t llm_tokenize(struct llm *llm, const char *prompt, llama_token *tokens, uint32_t room)
{
	struct llama_chat_message message = { .role = "user", .content = prompt };
	const char *template = llama_model_chat_template(llm->model, NULL);
	char text[16384];
	int used = template ? llama_chat_apply_template(template, &message, 1, true, text,
							sizeof(text))
			    : 0;
	int count = 0;

	if (used > (int)sizeof(text))
		used = 0;
	if (used > 0)
		count = llama_tokenize(llm->vocab, text, used, tokens, room, true, true);
	else if (!template)
		count = llama_tokenize(llm->vocab, prompt, strlen(prompt), tokens, room, true,
				       true);
	if (count <= 0)
		fprintf(stderr, "llm: a prompt of %zu bytes has no room: at most %u tokens\n",
			strlen(prompt), room);
	return count > 0 ? count : 0;
}

/* Measured from before the call to when the results are there. */
static bool decode(struct llm *llm, llama_token *tokens, uint32_t count, struct llm_work *work)
{
	double start = now(), device = device_now(llm);

	if (llama_decode(llm->context, llama_batch_get_one(tokens, count))) {
		fprintf(stderr, "llm: %u tokens could not be computed: the lines above say why\n",
			count);
		return false;
	}
	llama_synchronize(llm->context);
	work->seconds += now() - start;
	work->device_seconds += device_now(llm) - device;
	work->tokens += count;
	return true;
}

bool llm_prompt(struct llm *llm, llama_token *tokens, uint32_t count, struct llm_work *work)
{
	memset(work, 0, sizeof(*work));
	return decode(llm, tokens, count, work);
}

static llama_token likeliest(struct llm *llm)
{
	const float *logits = llama_get_logits_ith(llm->context, -1);
	int count = llama_vocab_n_tokens(llm->vocab), best = 0;

	for (int i = 1; i < count; i++)
		best = logits[i] > logits[best] ? i : best;
	return best;
}

bool llm_generate(struct llm *llm, uint32_t count, llm_piece_fn *piece, void *arg,
		  struct llm_work *work)
{
	memset(work, 0, sizeof(*work));
	for (uint32_t i = 0; i < count; i++) {
		llama_token token = likeliest(llm);
		char text[256];
		int used;

		if (llama_vocab_is_eog(llm->vocab, token))
			break;
		used = llama_token_to_piece(llm->vocab, token, text, sizeof(text) - 1, 0, false);
		text[used > 0 ? used : 0] = '\0';
		if (piece)
			piece(text, arg);
		if (!decode(llm, &token, 1, work))
			return false;
	}
	return true;
}
