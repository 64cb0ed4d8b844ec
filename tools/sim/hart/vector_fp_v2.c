// SPDX-License-Identifier: MIT
/* The floating-point kernels for every host: the compiler's baseline. */
#define VEC_KFP vec_kfp_v2
#include "vector_kfp.h"
