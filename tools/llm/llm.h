/* SPDX-License-Identifier: MIT */
/* A language model in llama.cpp, on a Gaon device or on the processor, and what it took. */
#ifndef GAON_LLM_H
#define GAON_LLM_H

#include <stdbool.h>
#include <stdint.h>

#include <gaon/gaon.h>
#include <ggml-backend.h>
#include <llama.h>

#define LLM_TOKENS_MAX	4096

/**
 * struct llm_work - what some tokens took
 * @tokens: how many
 * @seconds: of the wall clock
 * @device_seconds: of the device's modelled clock; 0 on the processor
 */
struct llm_work {
	uint32_t tokens;
	double seconds, device_seconds;
};

/**
 * struct llm - a loaded model with a context of its own
 * @gaon: the device, for its clock; NULL on the processor
 * @nodes, @device_nodes: operators computed so far, and those of them on the device; operators that only
 *	name memory in another way count nowhere
 */
struct llm {
	struct llama_model *model;
	struct llama_context *context;
	const struct llama_vocab *vocab;
	struct gaon_device *gaon;
	uint64_t nodes, device_nodes;
};

/* Called with each piece of text as it comes; NULL text at the end of a line of thought is not sent. */
typedef void llm_piece_fn(const char *piece, void *arg);

/*
 * Load backends: the processor's, and the plug-in at @plugin. The Gaon device, or NULL with a message;
 * without one if @plugin is NULL, for the processor alone.
 */
ggml_backend_dev_t llm_start(const char *plugin);

/**
 * struct llm_config - how to load a model
 * @path: a file in GGUF
 * @context: tokens that it can look back on
 * @threads: of the processor, if it computes
 * @count_nodes: see struct llm; the program then waits for the device once more for each graph
 */
struct llm_config {
	const char *path;
	uint32_t context;
	int threads;
	bool count_nodes;
};

/*
 * @device NULL: on the processor. All weights, also those of the first layer, go to the
 * device. False with a message.
 */
bool llm_open(struct llm *llm, const struct llm_config *config, ggml_backend_dev_t device);
void llm_close(struct llm *llm);

/* @prompt as the model's template for chats has it, in tokens; their number, 0 with a message. */
uint32_t llm_tokenize(struct llm *llm, const char *prompt, llama_token *tokens, uint32_t room);

/* Compute @count tokens at once. False with a message. */
bool llm_prompt(struct llm *llm, llama_token *tokens, uint32_t count, struct llm_work *work);

/*
 * Then up to @count tokens, each the likeliest after those before, until the model ends its answer.
 * @piece may be NULL. False with a message.
 */
bool llm_generate(struct llm *llm, uint32_t count, llm_piece_fn *piece, void *arg, struct llm_work *work);

#endif
