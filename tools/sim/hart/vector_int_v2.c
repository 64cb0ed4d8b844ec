// SPDX-License-Identifier: MIT
/* The integer kernels for every host: the compiler's baseline. */
#define VEC_KINT vec_kint_v2
#include "vector_kint.h"
