/* SPDX-License-Identifier: MIT */
/*
 * Machine mode as bare-metal test programs expect it, start-up code included: CSRs that mean nothing
 * here can be written, then code runs behind an mret.
 */
#include "bare.h"

	TOHOST_SECTION
	.section .text.start, "ax"
	.globl	_start
_start:
	li	a0, 1
	csrr	t0, mhartid
	bnez	t0, fail
	li	a0, 2
	csrr	t0, misa
	li	t1, 0x40001105
	bne	t0, t1, fail
	/* satp, pmp, delegation, triggers: what is written is ignored, and nothing traps. */
	la	t0, fail
	csrw	mtvec, t0
	li	t1, -1
	.irp	csr, satp, pmpaddr0, pmpcfg0, medeleg, mideleg, mcounteren, tselect, tdata1, tdata2
	csrw	\csr, t1
	csrr	t0, \csr
	bnez	t0, fail
	.endr
	csrr	t0, instret
	csrr	t1, minstret
	sub	t1, t1, t0
	li	t0, 1
	bne	t1, t0, fail
	csrr	t0, cycleh
	csrr	t0, instreth
	csrr	t0, cycle
	beqz	t0, fail
	csrwi	mie, 0
	la	t0, handler
	csrw	mtvec, t0
	csrwi	mstatus, 0
	la	t0, body
	csrw	mepc, t0
	mret

body:
	li	a0, 3
	li	s0, 0
	ecall
	li	t0, 11
	bne	s1, t0, fail
	li	a0, 4
	la	t1, tohost
	addi	t1, t1, 2
	lr.w	t2, (t1)
	li	t0, 4
	bne	s1, t0, fail
	bne	s2, t1, fail
	li	a0, 5
	.word	0xffffffff
	li	t0, 2
	bne	s1, t0, fail
	li	t0, -1
	bne	s2, t0, fail
	li	a0, 6
	lw	t2, 1(zero)
	li	t0, 5
	bne	s1, t0, fail
	li	a0, 7
	li	t0, 4
	bne	s0, t0, fail
	li	a0, 0
	.balign	4
fail:
	EXIT_A0

	/* Counts in s0, keeps cause and value in s1 and s2, steps over a 4-byte instruction. */
	.balign	4
handler:
	addi	s0, s0, 1
	csrr	s1, mcause
	csrr	s2, mtval
	csrr	t3, mepc
	addi	t3, t3, 4
	csrw	mepc, t3
	mret
