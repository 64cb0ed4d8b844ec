/* SPDX-License-Identifier: MIT */
/* An oracle for the matrix unit that uses no host floating point: exact integers, rounded once. */
#ifndef GAON_TESTS_MATRIX_ORACLE_H
#define GAON_TESTS_MATRIX_ORACLE_H

#include <stdbool.h>
#include <stdint.h>

#include "../../tools/sim/matrix/matrix.h"

/* a * b + c on f32 bits, rounded to nearest even; @ftz: operands and a tiny result become zero. */
uint32_t oracle_fma(uint32_t a, uint32_t b, uint32_t c, bool ftz);
uint32_t oracle_mul(uint32_t a, uint32_t b);
uint32_t oracle_from_f16(uint16_t h);
/* @exp_bits and @man_bits name f16 (5, 10) or bf16 (8, 7). */
uint16_t oracle_narrow(uint32_t f, int exp_bits, int man_bits);

/* The 32 bits of element (i, j) of a product before any narrowing, from g's operands. */
uint32_t oracle_element(const struct sim_gemm *g, uint32_t i, uint32_t j);

/* --- shared by the matrix tests ------------------------------------------------------------ */
uint64_t test_random(void);
uint32_t test_below(uint32_t n);
extern unsigned long test_failures;
void test_directed(void);
void test_narrowing(void);

struct matrix_path;
/* Every path that this host can run, by name; the AMX code on emulated tiles is one of them. */
struct test_path {
	const char *name;
	struct sim_matrix *mx;
};
extern struct test_path test_paths[8];
extern int test_path_count;

#define TEST_FAIL(...)						\
	do {							\
		if (test_failures++ < 20) {			\
			printf("FAIL %s:%d ", __FILE__, __LINE__);	\
			printf(__VA_ARGS__);			\
			printf("\n");				\
		}						\
	} while (0)

#endif
