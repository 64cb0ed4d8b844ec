/* SPDX-License-Identifier: MIT */
/*
 * Kernels: three leave a secret wherever a core can keep it, and end in different ways; another looks for
 * what is there when it starts. Position-independent; a0 is the address of the results.
 */
/* As include/hw/gaon_xgaon.h has them. */
#define GAON_CSR_WG_LINEAR	0xcc6
#define GAON_CSR_SPM_BASE	0xcca
#define GAON_CSR_SPM_SIZE	0xccb

#define SECRET	0x5ec2e75ec2e75ec2

	.text
	.option norelax
/* Result of workgroup n at a0 + 8 n: what its scratchpad reads afterwards, all words ORed. */
	.macro	leave
	csrr	t0, GAON_CSR_SPM_BASE
	csrr	t1, GAON_CSR_SPM_SIZE
	add	t1, t1, t0
	li	t2, SECRET
	mv	t3, t0
1:	sd	t2, 0(t3)
	addi	t3, t3, 8
	bltu	t3, t1, 1b
	mv	t3, t0
	li	t4, 0
2:	ld	t5, 0(t3)
	or	t4, t4, t5
	addi	t3, t3, 8
	bltu	t3, t1, 2b
	lr.d	t5, (t0)
	vsetvli	t0, zero, e64, m8, ta, ma
	vmv.v.x	v0, t2
	vmv.v.x	v8, t2
	vmv.v.x	v16, t2
	vmv.v.x	v24, t2
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	fmv.d.x	f\n, t2
	.endr
	csrwi	fcsr, 31
	csrwi	vxrm, 3
	csrr	t5, GAON_CSR_WG_LINEAR
	slli	t5, t5, 3
	add	t5, t5, a0
	sd	t4, 0(t5)
	.irp	n, 3,4,5,6,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	mv	x\n, t2
	.endr
	.endm

	.globl k_leave
/* Ends. */
k_leave:
	leave
	ret

	.org	0x200
	.globl k_hold
/* Goes on, without another word. */
k_hold:
	leave
3:	j	3b

	.org	0x400
	.globl k_break
/* Faults. */
k_break:
	leave
	ebreak

	.org	0x800
	.globl k_look
/*
 * Results of workgroup n at a0 + 0x8000 n: general registers ORed, floating-point registers, words of
 * the scratchpad, other state (fcsr, vcsr, vstart, vl, a reservation), then 1; from 0x800 on the vector
 * registers.
 */
k_look:
	.irp	n, 3,4,6,7,8,9,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	or	x5, x5, x\n
	.endr
	csrr	x6, GAON_CSR_WG_LINEAR
	slli	x6, x6, 15
	add	a0, a0, x6
	sd	x5, 0(a0)
	li	x7, 0
	.irp	n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	fmv.x.d	x6, f\n
	or	x7, x7, x6
	.endr
	sd	x7, 8(a0)
	csrr	x6, GAON_CSR_SPM_BASE
	csrr	x7, GAON_CSR_SPM_SIZE
	add	x7, x7, x6
	li	x8, 0
1:	ld	x9, 0(x6)
	or	x8, x8, x9
	addi	x6, x6, 8
	bltu	x6, x7, 1b
	sd	x8, 16(a0)
	csrr	x6, fcsr
	.irp	csr, vcsr, vstart, vl
	csrr	x7, \csr
	or	x6, x6, x7
	.endr
	csrr	x7, GAON_CSR_SPM_BASE
	sc.d	x8, x0, (x7)	/* without a reservation of its own: fails */
	seqz	x8, x8
	or	x6, x6, x8
	sd	x6, 24(a0)
	csrr	x7, vlenb
	slli	x7, x7, 3
	li	x6, 0x800
	add	x6, x6, a0
	vs8r.v	v0, (x6)
	add	x6, x6, x7
	vs8r.v	v8, (x6)
	add	x6, x6, x7
	vs8r.v	v16, (x6)
	add	x6, x6, x7
	vs8r.v	v24, (x6)
	li	x6, 1
	sd	x6, 32(a0)
	ret
