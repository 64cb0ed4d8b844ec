// SPDX-License-Identifier: MIT
/*
 * For a build without the vector unit: every vector encoding is reserved.
 */
#include "hart.h"

sim_vector_fn sim_vector_decode(uint32_t insn)
{
	(void)insn;
	return NULL;
}
