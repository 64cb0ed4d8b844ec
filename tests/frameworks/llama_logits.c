// SPDX-License-Identifier: MIT
/*
 * llama_logits [TOKENS]: continues a prompt on the device and prints one line with a hash of all
 * bits of all logits. host_paths_test.py compares the lines of different host code.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "hash.h"
#include "llama_kit.h"
#include "tap.h"

int main(int argc, char **argv)
{
	int length = argc > 1 ? atoi(argv[1]) : 64, count;
	const char *path = kit_model();
	uint64_t hash = HASH_START;
	ggml_backend_dev_t device;
	llama_token tokens[64];
	struct side side;

	if (!path)
		return 1;
	device = kit_device();
	if (!tap_ok(device, "the plug-in has a device") ||
	    !tap_ok(side_open(&side, path, device, LLAMA_FLASH_ATTN_TYPE_AUTO, 256),
		    "the model is loaded"))
		return tap_end();
	count = side_tokenize(&side, "The capital of France is", tokens, 64);
	for (int i = 0; i < length && count; i++) {
		if (!side_decode(&side, tokens, count)) {
			tap_ok(false, "token %d could not be computed", i);
			return tap_end();
		}
		hash = hash_bytes(hash, side.logits, side.vocabulary * sizeof(float));
		tokens[0] = side_preferred(&side);
		count = 1;
	}
	side_close(&side);
	tap_ok(count && length > 0, "%d tokens", length);
	printf("bits %016" PRIx64 "\n", hash);
	return tap_end();
}
