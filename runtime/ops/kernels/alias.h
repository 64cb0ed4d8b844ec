/* SPDX-License-Identifier: MIT */
/*
 * Neighbours as one element of twice the width: vector code separates and joins them by shifts.  The
 * compiler is told that such elements may be others' memory; the device takes any alignment.
 */
#ifndef GAON_OPS_ALIAS_H
#define GAON_OPS_ALIAS_H

#include <stdint.h>

typedef uint64_t __attribute__((may_alias)) any_u64;
typedef uint32_t __attribute__((may_alias)) any_u32;
typedef int32_t __attribute__((may_alias)) any_i32;
typedef int16_t __attribute__((may_alias)) any_i16;
typedef uint16_t __attribute__((may_alias)) any_u16;
typedef float __attribute__((may_alias)) any_f32;

#endif
