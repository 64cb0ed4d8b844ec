// SPDX-License-Identifier: MIT
/*
 * How well the model foretells a text, on the device and on ggml's processor backend. The text is
 * cut into windows; in each all tokens count but the first eighth, which has little before it. One
 * rounding more or less moves the logarithm of a token's probability by about 0.14 either way; over
 * thousands of tokens that must cancel out to BOUND.
 *
 *   llama_perplexity [WINDOWS [TOKENS]]
 *
 * GAON_TEXT names the text: the Constitution of the United States, out of Debian's miscfiles.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "llama_kit.h"
#include "tap.h"

#define BOUND 0.005

/* The whole file, to be freed; NULL with a message. */
static char *read_text(const char *path)
{
	FILE *file = path ? fopen(path, "r") : NULL;
	char *text = NULL;
	size_t room = 0;
	ssize_t got = file ? getdelim(&text, &room, '\0', file) : -1;

	if (file)
		fclose(file);
	if (got > 0)
		return text;
	fprintf(stderr, "GAON_TEXT=%s: no text there\n", path ? path : "");
	free(text);
	return NULL;
}

/* -log of the probability that @logits give @token. */
static double surprise(const float *logits, int count, llama_token token)
{
	float largest = logits[0];
	double sum = 0.0;

	for (int i = 1; i < count; i++)
		largest = logits[i] > largest ? logits[i] : largest;
	for (int i = 0; i < count; i++)
		sum += exp((double)logits[i] - largest);
	return log(sum) + largest - logits[token];
}

/* Of a window of @count tokens, those that nothing is asked about. */
static int ignored(int count)
{
	return count / 8;
}

/* One window from an empty context; the surprises of what counts of it go to @out. */
static bool window(struct side *side, const llama_token *tokens, int count, double *out)
{
	struct llama_batch batch = llama_batch_init(count, 0, 1);
	bool good;

	llama_memory_clear(llama_get_memory(side->context), true);
	for (int i = 0; i < count; i++) {
		batch.token[i] = tokens[i];
		batch.pos[i] = i;
		batch.n_seq_id[i] = 1;
		batch.seq_id[i][0] = 0;
		batch.logits[i] = i >= ignored(count) && i < count - 1;
	}
	batch.n_tokens = count;
	good = !llama_decode(side->context, batch);
	for (int i = ignored(count); good && i < count - 1; i++)
		*out++ = surprise(llama_get_logits_ith(side->context, i), side->vocabulary,
				  tokens[i + 1]);
	llama_batch_free(batch);
	return good;
}

/* @windows of @size tokens of @text; all surprises go to @out. Returns how many, 0 if it failed. */
static int measure(const char *model, ggml_backend_dev_t device, const char *text, int windows,
		   int size, double *out)
{
	int room = strlen(text) + 16, count = 0, used = 0;
	llama_token *tokens = malloc(room * sizeof(*tokens));
	struct side side = { 0 };

	if (tokens && side_open(&side, model, device, LLAMA_FLASH_ATTN_TYPE_AUTO, size))
		count = side_tokenize(&side, text, tokens, room);
	if (count < windows * size)
		printf("# the text has %d tokens, not %d\n", count, windows * size);
	for (int i = 0; count >= windows * size && i < windows; i++) {
		if (!window(&side, tokens + i * size, size, out + used)) {
			used = 0;
			break;
		}
		used += size - 1 - ignored(size);
	}
	side_close(&side);
	free(tokens);
	return used;
}

static double mean(const double *values, int count)
{
	double sum = 0.0;

	for (int i = 0; i < count; i++)
		sum += values[i];
	return sum / count;
}

int main(int argc, char **argv)
{
	int windows = argc > 1 ? atoi(argv[1]) : 10, size = argc > 2 ? atoi(argv[2]) : 512, count;
	const char *model = kit_model();
	char *text = read_text(getenv("GAON_TEXT"));
	ggml_backend_dev_t device;
	double *gaon, *cpu, apart, spread = 0.0;

	if (!model || !text || windows < 1 || size < 8)
		return 1;
	device = kit_device();
	if (!tap_ok(device, "the plug-in has a device"))
		return tap_end();
	gaon = calloc((size_t)windows * size, sizeof(*gaon));
	cpu = calloc((size_t)windows * size, sizeof(*cpu));
	count = gaon && cpu ? measure(model, device, text, windows, size, gaon) : 0;
	if (tap_ok(count && measure(model, NULL, text, windows, size, cpu) == count,
		   "%d tokens in %d windows of %d", count, windows, size)) {
		apart = mean(gaon, count) - mean(cpu, count);
		for (int i = 0; i < count; i++)
			spread += (gaon[i] - cpu[i] - apart) * (gaon[i] - cpu[i] - apart);
		tap_ok(fabs(expm1(apart)) < BOUND,
		       "perplexity %.4f on the device, %.4f on the processor: %+.3f %% (bound %.1f %%, standard error %.3f %%)",
		       exp(mean(gaon, count)), exp(mean(cpu, count)), 100.0 * expm1(apart),
		       100.0 * BOUND, 100.0 * sqrt(spread) / count);
		/* Two sides that are one and the same would agree as well. */
		tap_ok(spread > 0.0, "and the two do not come of the same code");
	}
	free(gaon);
	free(cpu);
	free(text);
	return tap_end();
}
