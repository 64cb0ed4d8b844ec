// SPDX-License-Identifier: MIT
/*
 * A whole model, by llama.cpp's public functions: SmolLM2-135M-Instruct on the device and on ggml's
 * processor backend. Both are given the text that the processor prefers, token by token; logits are
 * compared at each, and the preferred token must be the same unless the processor itself holds the
 * two for almost equally likely.
 */
#include <string.h>

#include "llama_kit.h"
#include "tap.h"

/*
 * Activations are rounded to 8 bits before each of 211 products; the least difference before moves
 * some of them to the next step. ggml's processor backend itself gives logits of which the
 * normalised mean square error is up to 0.03 when attention is one operator in place of three. They
 * lie between about -20 and 25.
 */
#define LOGITS_BOUND 0.05
#define NEAR_TIE     0.5f

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
	enum llama_flash_attn_type attention =
		flash ? LLAMA_FLASH_ATTN_TYPE_ENABLED : LLAMA_FLASH_ATTN_TYPE_DISABLED;
	llama_token tokens[64];
	int count, other = 0, unexplained = 0;
	double worst = 0.0;
	char text[1024] = "";

	if (!tap_ok(side_open(&cpu, path, NULL, attention, 256) &&
			    side_open(&gaon, path, device, attention, 256),
		    "the model is loaded on both sides"))
		return;
	count = side_tokenize(&cpu, prompt, tokens, 64);
	for (int i = 0; i < length && count > 0; i++) {
		int mine, theirs, used;
		double error;

		if (!side_decode(&cpu, tokens, count) || !side_decode(&gaon, tokens, count)) {
			tap_ok(false, "token %d could not be computed", i);
			break;
		}
		theirs = side_preferred(&cpu);
		mine = side_preferred(&gaon);
		error = error_of(gaon.logits, cpu.logits, cpu.vocabulary);
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
		used = llama_token_to_piece(cpu.vocab, theirs, text + used, sizeof(text) - 1 - used, 0,
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
	const char *path = kit_model(), *prompt = argc > 1 ? argv[1] : "The capital of France is";
	ggml_backend_dev_t device;

	if (!path)
		return 1;
	device = kit_device();
	if (!tap_ok(device, "the plug-in has a device"))
		return tap_end();
	test_text(path, device, prompt, true, 64);
	test_text(path, device, prompt, false, 16);
	return tap_end();
}
