# SPDX-License-Identifier: MIT
# Kernels for the tests of the device model's engines, linked flat at one address.

	.section .text
	.option norvc

	.globl	k_nop
k_nop:
	ret

# a0: u64 out[]: out[linear] = x | y << 16 | z << 32 | core << 48
	.globl	k_ids
k_ids:
	csrr	t0, 0xcc0
	csrr	t1, 0xcc1
	csrr	t2, 0xcc2
	csrr	t3, 0xcc7
	csrr	t4, 0xcc6
	slli	t1, t1, 16
	slli	t2, t2, 32
	slli	t3, t3, 48
	or	t0, t0, t1
	or	t0, t0, t2
	or	t0, t0, t3
	slli	t4, t4, 3
	add	a0, a0, t4
	sd	t0, 0(a0)
	ret

# a0: u64 out[]: registers at entry, then CSRs
	.globl	k_entry
k_entry:
	sd	x1, 8(a0)
	sd	x2, 16(a0)
	sd	x3, 24(a0)
	sd	x5, 40(a0)
	sd	x10, 80(a0)
	sd	x31, 248(a0)
	fsd	f31, 256(a0)
	csrr	t0, 0xcca
	sd	t0, 264(a0)
	csrr	t0, 0xccb
	sd	t0, 272(a0)
	csrr	t0, 0xccc
	sd	t0, 280(a0)
	csrr	t0, 0xccd
	sd	t0, 288(a0)
	csrr	t0, 0xcce
	sd	t0, 832(a0)
	csrr	t0, 0xcc8
	sd	t0, 296(a0)
	li	t1, 0x7f0000000000
	ld	t0, 0(t1)			# what the scratchpad held
	sd	t0, 304(a0)
	li	t0, 0x5ec7e7
	sd	t0, 0(t1)
	vsetvli	t0, x0, e64, m1, ta, ma
	sd	t0, 312(a0)
	addi	t1, a0, 320
	vse64.v	v7, (t1)			# what the vector registers held
	li	t1, 0x5ec7e7
	vmv.v.x	v7, t1
	ret

# a0: {u64 n, f32 *x, f32 *y, f32 a}; y += a * x
	.globl	k_saxpy
k_saxpy:
	ld	a1, 0(a0)
	ld	a2, 8(a0)
	ld	a3, 16(a0)
	flw	fa0, 24(a0)
1:	vsetvli	t0, a1, e32, m8, ta, ma
	vle32.v	v0, (a2)
	vle32.v	v8, (a3)
	vfmacc.vf v8, fa0, v0
	vse32.v	v8, (a3)
	slli	t1, t0, 2
	add	a2, a2, t1
	add	a3, a3, t1
	sub	a1, a1, t0
	bnez	a1, 1b
	ret

	.macro	add_args
	ld	a1, 0(a0)
	ld	a2, 8(a0)
	ld	a3, 16(a0)
	ld	a4, 24(a0)
	csrr	t0, 0xcc6
	slli	t1, a1, 3
	mul	t0, t0, t1
	add	a2, a2, t0
	add	a3, a3, t0
	.endm

# a0: {u64 n, u64 *x, u64 *y, u64 a}; y = x + a, each workgroup n of them: with vectors, and one by one
	.globl	k_vadd
k_vadd:
	add_args
1:	vsetvli	t0, a1, e64, m8, ta, ma
	vle64.v	v8, (a2)
	vadd.vx	v8, v8, a4
	vse64.v	v8, (a3)
	slli	t1, t0, 3
	add	a2, a2, t1
	add	a3, a3, t1
	sub	a1, a1, t0
	bnez	a1, 1b
	ret
	.globl	k_sadd
k_sadd:
	add_args
1:	ld	t0, 0(a2)
	add	t0, t0, a4
	sd	t0, 0(a3)
	addi	a2, a2, 8
	addi	a3, a3, 8
	addi	a1, a1, -1
	bnez	a1, 1b
	ret

	.globl	k_forever
k_forever:
	j	k_forever

# a0: u64 count; that many turns
	.globl	k_spin
k_spin:
1:	addi	a0, a0, -1
	bnez	a0, 1b
	ret

# a0: u64 address
	.globl	k_load
k_load:
	ld	t0, 0(a0)
	ret
	.globl	k_store
k_store:
	sd	x0, 0(a0)
	ret
	.globl	k_amo
k_amo:
	li	t0, 1
	amoadd.d t0, t0, (a0)
	ret
	.globl	k_jump
k_jump:
	jr	a0
	.globl	k_illegal
k_illegal:
	.word	0xffffffff
	.globl	k_custom1
k_custom1:
	.insn	r 0x2b, 0, 0, x0, x0, x0
	.globl	k_ebreak
k_ebreak:
	ebreak
	.globl	k_ecall
k_ecall:
	ecall
	.globl	k_barrier
k_barrier:
	.insn	r 0x0b, 4, 0, x0, x0, x0
	ret
	.globl	k_csrwrite
k_csrwrite:
	csrw	0xcc0, a0
	ret

# a0: u64 *counter; one atomic add per workgroup
	.globl	k_count
k_count:
	li	t0, 1
	amoadd.d x0, t0, (a0)
	ret

# a0: {u64 turns, u64 *counter}; that many turns, then one atomic add
	.globl	k_spincount
k_spincount:
	ld	t0, 0(a0)
	ld	t1, 8(a0)
1:	addi	t0, t0, -1
	bnez	t0, 1b
	li	t0, 1
	amoadd.d x0, t0, (t1)
	ret

# a0: {u64 turns, u64 *out}; out[linear] = hash that hangs on every kind of register
	.globl	k_hash
k_hash:
	ld	a1, 0(a0)
	ld	a2, 8(a0)
	csrr	t4, 0xcc6
	slli	t4, t4, 3
	add	a2, a2, t4
	addi	sp, sp, -64
	sd	t4, 0(sp)
	li	t5, 0x7f0000000000
	sd	t4, 64(t5)
	vsetvli	t0, x0, e64, m2, ta, ma
	vid.v	v2
	vadd.vx	v2, v2, t4
	fcvt.d.l fa0, t4
	li	t1, 0x9e3779b97f4a7c15
1:	add	t4, t4, t1
	xor	t4, t4, a1
	slli	t2, t4, 13
	xor	t4, t4, t2
	srli	t2, t4, 7
	xor	t4, t4, t2
	vadd.vx	v2, v2, t4
	vsrl.vi	v4, v2, 3
	vxor.vv	v2, v2, v4
	fcvt.d.l fa1, a1
	fadd.d	fa0, fa0, fa1
	ld	t2, 0(sp)
	add	t2, t2, t4
	sd	t2, 0(sp)
	ld	t3, 64(t5)
	xor	t3, t3, t2
	sd	t3, 64(t5)
	addi	a1, a1, -1
	bnez	a1, 1b
	vmv.s.x	v8, x0
	vredxor.vs v8, v2, v8
	vmv.x.s	t0, v8
	ld	t2, 0(sp)
	ld	t3, 64(t5)
	fmv.x.d	t6, fa0
	xor	t0, t0, t2
	xor	t0, t0, t3
	xor	t0, t0, t6
	add	t0, t0, t4
	sd	t0, 0(a2)
	addi	sp, sp, 64
	ret

# a0: table of scripts, one per workgroup: {u64 op, u64 a, u64 b}...
# ops: 0 end, 1 gemm a array b, 2 dma a channel b, 3 wait a left b, 4 fence, 5 barrier, 6 post a sem b,
# 7 semwait count a sem b, 8 *b = poll a, 9 *b = *a, 10 spin a turns, 11 *a = b, 12 poll a until 0,
# 13 *a += b, 14 *a = cycle CSR, 15 atomic add b to *a, 16 look at *a until it is at least b
	.globl	k_script
k_script:
	csrr	t0, 0xcc6
	slli	t0, t0, 3
	add	a0, a0, t0
	ld	s0, 0(a0)
next:	ld	t0, 0(s0)
	ld	a1, 8(s0)
	ld	a2, 16(s0)
	addi	s0, s0, 24
	la	t1, table
	slli	t0, t0, 3
	add	t1, t1, t0
	jr	t1
table:	j	op_end
	nop
	.insn	r 0x0b, 0, 0, x0, a1, a2
	j	next
	.insn	r 0x0b, 1, 0, x0, a1, a2
	j	next
	.insn	r 0x0b, 2, 0, x0, a1, a2
	j	next
	.insn	r 0x0b, 3, 0, x0, x0, x0
	j	next
	.insn	r 0x0b, 4, 0, x0, x0, x0
	j	next
	.insn	r 0x0b, 5, 0, x0, a1, a2
	j	next
	.insn	r 0x0b, 5, 1, x0, a1, a2
	j	next
	j	op_poll
	nop
	j	op_copy
	nop
	j	op_spin
	nop
	sd	a2, 0(a1)
	j	next
	j	op_idle
	nop
	j	op_add
	nop
	j	op_cycle
	nop
	amoadd.d x0, a2, (a1)
	j	next
	j	op_until
	nop
op_poll:
	.insn	r 0x0b, 6, 0, t0, a1, x0
	sd	t0, 0(a2)
	j	next
op_copy:
	ld	t0, 0(a1)
	sd	t0, 0(a2)
	j	next
op_spin:
	addi	a1, a1, -1
	bnez	a1, op_spin
	j	next
op_idle:
	.insn	r 0x0b, 6, 0, t0, a1, x0
	bnez	t0, op_idle
	j	next
op_add:
	ld	t0, 0(a1)
	add	t0, t0, a2
	sd	t0, 0(a1)
	j	next
op_cycle:
	csrr	t0, 0xcc9
	sd	t0, 0(a1)
	j	next
op_until:
	ld	t0, 0(a1)
	bltu	t0, a2, op_until
	j	next
op_end:
	ret

# a0: u64 out[]: out[linear] = t2, 5 if nobody changes it in between; one instruction to a label
	.globl	k_stops
k_stops:
	csrr	t0, 0xcc6
	slli	t1, t0, 3
	add	a1, a0, t1
	li	t2, 5
	.globl	k_stops_at
k_stops_at:
	ebreak
	.globl	k_stops_on
k_stops_on:
	sd	t2, 0(a1)
	ret

# a0: u64 *p: out[0] = p[0] of an address that the first word names, which may not be there
	.globl	k_follows
k_follows:
	ld	a1, 0(a0)
	.globl	k_follows_at
k_follows_at:
	ld	a2, 0(a1)
	sd	a2, 8(a0)
	ret

# The vector registers as a debugger left them
	.globl	k_vector_stop
k_vector_stop:
	vsetvli	t0, x0, e64, m1, ta, ma
	vid.v	v3
	ebreak
	vse64.v	v3, (a0)
	ret
