/* SPDX-License-Identifier: MIT */
/* The way bare-metal RISC-V test programs talk to their host. */

#define TOHOST_SECTION \
	.section .tohost, "aw", @progbits; \
	.balign	64; \
	.globl	tohost; \
tohost:	.quad	0; \
	.balign	64; \
	.globl	fromhost; \
fromhost: .quad	0; \
	.text

/* Ends with exit status a0: 0 is a pass. */
#define EXIT_A0 \
	slli	a0, a0, 1; \
	ori	a0, a0, 1; \
	la	t0, tohost; \
	sw	a0, 0(t0); \
	sw	zero, 4(t0); \
1:	j	1b
