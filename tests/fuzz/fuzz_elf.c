// SPDX-License-Identifier: MIT
/* Device programs from anywhere: parsed, relocated, never trusted. */
#include <stdlib.h>
#include <string.h>

#include "../../runtime/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf_program program;
	char why[256] = "";
	uint8_t *image;
	uint32_t zvl = 0;

	/* The attributes alone too: a fuzzer seldom gets a whole file right. */
	elf_check_attributes(data, size, &zvl, why, sizeof(why));
	if (elf_load(&program, data, size, why, sizeof(why))) {
		if (!why[0])
			abort();	/* a refusal says why */
		return 0;
	}
	if (program.bytes < 1 << 24) {
		image = malloc(program.bytes);
		memcpy(image, program.image, program.bytes);
		elf_relocate(&program, image, 0x123456000, why, sizeof(why));
		free(image);
	}
	elf_unload(&program);
	return 0;
}
