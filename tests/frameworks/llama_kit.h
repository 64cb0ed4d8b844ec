/* SPDX-License-Identifier: MIT */
/* A model on the device or on ggml's processor backend, for tests by llama.cpp's public functions. */
#ifndef GAON_TESTS_LLAMA_KIT_H
#define GAON_TESTS_LLAMA_KIT_H

#include <ggml-backend.h>
#include <llama.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * struct side - a loaded model with a context of its own
 * @vocabulary: how many tokens there are
 * @logits: of the last token of side_decode(), until the next one
 */
struct side {
	struct llama_model *model;
	struct llama_context *context;
	const struct llama_vocab *vocab;
	int vocabulary;
	const float *logits;
};

/* The model's path out of GAON_LLM; NULL with a message. */
const char *kit_model(void);

/* Load ggml's backends and the plug-in: its first device, else NULL with a message. */
ggml_backend_dev_t kit_device(void);

/*
 * Open the model at @path with room for @tokens, computed at once if need be. @device NULL: the
 * processor alone.
 */
bool side_open(struct side *side, const char *path, ggml_backend_dev_t device,
	       enum llama_flash_attn_type flash, uint32_t tokens);
void side_close(struct side *side);

/* Text as tokens, with what the model wants before it; their number, at most @room, else 0. */
int side_tokenize(const struct side *side, const char *text, llama_token *tokens, int room);

/* Compute @tokens after those before; false if llama.cpp refuses. */
bool side_decode(struct side *side, llama_token *tokens, int count);

/* The token that @side holds for likeliest after the last one. */
int side_preferred(const struct side *side);

#endif
