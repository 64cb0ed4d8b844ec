/* SPDX-License-Identifier: MIT */
/* Mask instructions: codes, and the two that answer with a scalar. */
#ifndef GAON_SIM_VECTOR_MASK_H
#define GAON_SIM_VECTOR_MASK_H

#include "vector.h"

enum vec_logic_op {
	VEC_MANDN, VEC_MAND, VEC_MOR, VEC_MXOR, VEC_MORN, VEC_MNAND, VEC_MNOR, VEC_MXNOR,
};

/* The vs1 field of VMUNARY0 and VWXUNARY0. */
enum vec_mask_code {
	VEC_CODE_VMSBF = 1,
	VEC_CODE_VMSOF = 2,
	VEC_CODE_VMSIF = 3,
	VEC_CODE_VIOTA = 16,
	VEC_CODE_VID = 17,
	VEC_CODE_VMV_X_S = 0,
	VEC_CODE_VCPOP = 16,
	VEC_CODE_VFIRST = 17,
};

/* False: vstart is not 0, which these do not allow. */
bool vec_mask_count(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		    uint64_t *result);
bool vec_mask_first(struct sim_hart *hart, uint32_t insn, const struct vec_state *s,
		    uint64_t *result);

#endif
