/* SPDX-License-Identifier: MIT */
/* Sizes of the products that tests of the matrix arrays use. */
#ifndef GAON_TOOLS_DIAG_MATRIX_H
#define GAON_TOOLS_DIAG_MATRIX_H

#include "diag.h"

/* Bytes of @k values in a row. */
uint32_t diag_row_bytes(uint8_t type, uint32_t k);
/* Rows and columns that fill an array, or those that fit the scratchpad; a multiple of 32. */
uint32_t diag_matrix_size(const struct diag *d);

#endif
