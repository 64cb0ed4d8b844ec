/* SPDX-License-Identifier: MIT */
/* Random weights of every type as a GGUF file has them, and what they stand for. */
#ifndef GAON_TESTS_OPS_WEIGHTS_H
#define GAON_TESTS_OPS_WEIGHTS_H

#include <stdint.h>

#include <gaon/tensor.h>

uint16_t ops_to_half(float f);
float ops_from_half(uint16_t bits);
uint16_t ops_to_bf16(float f);
float ops_from_bf16(uint16_t bits);

/* @count elements (whole blocks) of @type to @out, and as numbers to @values. */
void ops_random_weights(uint8_t type, uint64_t count, void *out, double *values);

#endif
