// SPDX-License-Identifier: MIT
/* The floating-point kernels for x86-64-v4 (flags in vector.mk). */
#define VEC_KFP vec_kfp_v4
#include "vector_kfp.h"
