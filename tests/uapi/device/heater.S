/* SPDX-License-Identifier: MIT */
/*
 * A kernel that takes much power and little of the model's time: products of a column with a number, on both
 * matrix arrays. Position-independent; at a0 are the addresses of four descriptors' first (the others follow
 * at 128 bytes: C of array 0 and 1 anew, then of 0 and 1 added to) and the number of rounds; the result of
 * workgroup n, a bit pattern of f32 from each array, goes to a0 + 64 + 8 n.
 */
#define GAON_CSR_WG_LINEAR	0xcc6
#define GAON_CSR_SPM_BASE	0xcca
#define ROWS	4096
#define ROW	(1234 * 4)

	.text
	.option norelax
	.globl k_heat
k_heat:
	ld	a1, 0(a0)
	ld	a2, 8(a0)
	csrr	t0, GAON_CSR_SPM_BASE
	li	t1, ROWS
	li	t2, 0x40400000		/* A: 3 in each row */
	mv	t3, t0
1:	vsetvli	t4, t1, e32, m8, ta, ma
	vmv.v.x	v0, t2
	vse32.v	v0, (t3)
	slli	t5, t4, 2
	add	t3, t3, t5
	sub	t1, t1, t4
	bnez	t1, 1b
	li	t2, 0x40000000		/* B: 2, behind A */
	sw	t2, 0(t3)
	fence
	li	t5, 1
	.insn	r 0x0b, 0, 0, x0, a1, x0
	addi	a1, a1, 128
	.insn	r 0x0b, 0, 0, x0, a1, t5
	addi	a3, a1, 128
	addi	a4, a1, 256
2:	.insn	r 0x0b, 0, 0, x0, a3, x0
	.insn	r 0x0b, 0, 0, x0, a4, t5
	addi	a2, a2, -1
	bnez	a2, 2b
	.insn	r 0x0b, 3, 0, x0, x0, x0
	csrr	t1, GAON_CSR_WG_LINEAR
	slli	t1, t1, 3
	add	t1, t1, a0
	li	t2, 0x8000 + ROW
	add	t2, t2, t0
	lw	t3, 0(t2)
	sw	t3, 64(t1)
	li	t2, 0x10000 + ROW
	add	t2, t2, t0
	lw	t3, 0(t2)
	sw	t3, 68(t1)
	ret
