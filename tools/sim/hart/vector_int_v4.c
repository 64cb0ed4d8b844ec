// SPDX-License-Identifier: MIT
/* The integer kernels for x86-64-v4 (flags in vector.mk). */
#define VEC_KINT vec_kint_v4
#include "vector_kint.h"
