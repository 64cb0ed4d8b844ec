/* SPDX-License-Identifier: MIT */
/* 100 million instructions of a loop with loads, stores, a multiplication and a branch. */
#include "bare.h"

	TOHOST_SECTION
	.section .text.start, "ax"
	.globl	_start
_start:
	la	s0, fromhost
	li	s1, 12500000
	li	a1, 3
1:	lw	a0, 8(s0)
	addi	a0, a0, 7
	mul	a2, a0, a1
	xor	a3, a2, s1
	sw	a3, 8(s0)
	addi	s1, s1, -1
	slli	a4, a3, 3
	bnez	s1, 1b
	li	a0, 0
	EXIT_A0
