/* SPDX-License-Identifier: MIT */
/* A fuzzer's bytes, read as numbers until they end; zeros follow. */
#ifndef GAON_TESTS_FUZZ_INPUT_H
#define GAON_TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct fuzz_input {
	const uint8_t *data;
	size_t left;
};

/** fuzz_take() - the next number of @bytes, at most 8 */
static inline uint64_t fuzz_take(struct fuzz_input *in, unsigned int bytes)
{
	uint64_t value = 0;
	size_t n = bytes < in->left ? bytes : in->left;

	memcpy(&value, in->data, n);
	in->data += n;
	in->left -= n;
	return value;
}

#endif
