# SPDX-License-Identifier: MIT
# Modes, traps, delegation, counters and the host interface, as bare-metal programs use them.
# gp is the number of the test that fails; s0 the cause that the next trap must have.
.option norvc
.globl _start
_start:
	la t0, mtrap
	csrw mtvec, t0
	li gp, 2
	csrr t0, mhartid
	bnez t0, fail
	csrr t0, misa
	bgez t0, fail
	li gp, 3
	li t0, -1
	csrw pmpaddr0, t0
	li t0, 0x1f
	csrw pmpcfg0, t0
	csrw medeleg, zero
	csrw mideleg, zero
	csrw satp, zero
	li gp, 4
	csrw minstret, zero
	csrr t0, minstret
	bnez t0, fail
	nop
	nop
	csrr t0, minstret
	li t1, 4
	bne t0, t1, fail
	li gp, 5		# illegal
	li s0, 2
	.word 0
	li gp, 20		# S mode under Sv39: one leaf of 1 GiB maps the program
	la t0, root
	la t1, leaf
	sd t1, 16(t0)
	li t1, (0x80000000 >> 2) | 0xcf
	sd t1, 16(t0)
	srli t0, t0, 12
	li t1, 8 << 60
	or t0, t0, t1
	csrw satp, t0
	sfence.vma
	la t0, strap
	csrw stvec, t0
	li t0, 1 << 13
	csrw medeleg, t0
	li t0, 0x1800
	csrc mstatus, t0
	li t0, 0x0800
	csrs mstatus, t0
	la t0, leaf
	csrw mepc, t0
	mret
leaf:	li gp, 21
	la t0, root
	ld t1, 16(t0)
	beqz t1, fail
	li gp, 22		# no translation: the S handler gets it
	li s1, 0
	li t0, 0x40000000
	ld t1, 0(t0)
	li t2, 0x40000000
	bne s1, t2, fail
	li gp, 23		# back to M
	li s0, 9
	ecall
	li gp, 24
	csrr t0, mscratch	# only M may
	csrw satp, zero
	csrw medeleg, zero
	li gp, 6
	li s0, 8		# ecall from U
	li t0, 0x1800
	csrc mstatus, t0
	la t0, user
	csrw mepc, t0
	mret
user:	ecall
	# here in U mode: csr illegal
	li gp, 7
	li s0, 2
	csrr t0, mscratch
	li gp, 8
	li s0, 3
	ebreak
	li gp, 9
	li s0, 5
	ld t0, 0(zero)
	li gp, 10
	li s0, 6
	la t0, data
	addi t0, t0, 4
	amoadd.d t1, t0, (t0)
	li gp, 11
	li s0, 4
	lr.d t1, (t0)
	li gp, 12
	ld t1, 1(t0)
		# print through the host
	la t0, req
	li t1, 64
	sd t1, 0(t0)
	li t1, 1
	sd t1, 8(t0)
	la t1, msg
	sd t1, 16(t0)
	li t1, 6
	sd t1, 24(t0)
	la t1, tohost
	sd t0, 0(t1)
	la t2, fromhost
1:	ld t3, 0(t2)
	beqz t3, 1b
	ld t3, 0(t0)
	li t4, 6
	bne t3, t4, fail
	li gp, 0
	j done
fail:
	slli gp, gp, 1
	ori gp, gp, 1
	la t1, tohost
	sd gp, 0(t1)
1:	j 1b
done:
	li gp, 1
	la t1, tohost
	sd gp, 0(t1)
1:	j 1b
.align 2
mtrap:
	csrr t5, mcause
	bne t5, s0, fail
	csrr t5, mepc
	addi t5, t5, 4
	csrw mepc, t5
	li t5, 9
	bne s0, t5, 1f
	li t5, 0x1800		# an ecall from S asks for M mode
	csrs mstatus, t5
1:	mret
.align 2
strap:
	csrr t5, scause
	li t6, 13
	bne t5, t6, fail
	csrr s1, stval
	csrr t5, sepc
	addi t5, t5, 4
	csrw sepc, t5
	sret
.section .tohost,"aw"
.align 6
.globl tohost
tohost: .dword 0
.align 6
.globl fromhost
fromhost: .dword 0
.data
.align 12
root:
.fill 512, 8, 0
data: .dword 0,0,0,0
req: .dword 0,0,0,0,0,0,0,0
msg: .ascii "hello\n"
