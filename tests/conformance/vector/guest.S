# SPDX-License-Identifier: MIT
# Runs one vector instruction after another from the state that stdin gives, and writes the state
# after each to stdout.  Same file for the emulator and for our hart.  Layout: vector_test.h.
	.equ	HDR, 640
	.equ	MEM_BYTES, 16384
	.equ	SYS_READ, 63
	.equ	SYS_WRITE, 64
	.equ	SYS_EXIT, 93
	.equ	SYS_SIGACTION, 134
	.option arch, +v
	.option norelax

	.text
	.globl _start
_start:
	la	a1, action
	la	t0, handler
	sd	t0, 0(a1)
	li	a0, 4			# SIGILL
	li	a2, 0
	li	a3, 8
	li	a7, SYS_SIGACTION
	ecall
	la	a1, action
	li	a0, 11			# SIGSEGV
	li	a2, 0
	li	a3, 8
	li	a7, SYS_SIGACTION
	ecall
	csrr	s1, vlenb
	slli	s2, s1, 5		# bytes of all registers
	# the number of cases, then a slot of code for each
	la	a1, hdr
	li	a2, 8
	call	get
	la	t0, hdr
	ld	s0, 0(t0)
	la	a1, slots
	slli	a2, s0, 3
	call	get
	fence.i
	la	s3, slots
loop:
	beqz	s0, finish
	la	a1, hdr
	li	a2, HDR
	call	get
	la	a1, regs
	mv	a2, s2
	call	get
	la	s4, hdr
	ld	t0, 8(s4)
	andi	t0, t0, 1
	beqz	t0, 1f
	la	a1, mem
	li	a2, MEM_BYTES
	call	get
1:	la	s4, hdr
	# vector registers
	la	t0, regs
	slli	t1, s1, 3
	csrw	vstart, zero
	vl8re8.v v0, (t0)
	add	t0, t0, t1
	vl8re8.v v8, (t0)
	add	t0, t0, t1
	vl8re8.v v16, (t0)
	add	t0, t0, t1
	vl8re8.v v24, (t0)
	# f registers
	addi	t0, s4, 384
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	fld	f\n, \n*8(t0)
	.endr
	ld	t0, 16(s4)		# vtype
	ld	t1, 24(s4)		# avl
	vsetvl	t2, t1, t0
	ld	t0, 40(s4)
	csrw	vcsr, t0
	ld	t0, 48(s4)
	csrw	fcsr, t0
	.irp n, 10,11,12,13,14,15,16,17
	ld	x\n, 128+\n*8(s4)
	.endr
	li	s11, 0
	ld	t0, 32(s4)
	csrw	vstart, t0
	jalr	t6, 0(s3)
	csrr	t0, vstart
	csrr	t1, vl
	csrr	t2, vtype
	csrr	t3, vcsr
	csrr	t4, fcsr
	csrw	vstart, zero
	sd	s11, 0(s4)
	sd	t2, 16(s4)
	sd	t1, 24(s4)
	sd	t0, 32(s4)
	sd	t3, 40(s4)
	sd	t4, 48(s4)
	.irp n, 10,11,12,13,14,15,16,17
	sd	x\n, 128+\n*8(s4)
	.endr
	addi	t0, s4, 384
	.irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
	fsd	f\n, \n*8(t0)
	.endr
	la	t0, regs
	slli	t1, s1, 3
	vs8r.v	v0, (t0)
	add	t0, t0, t1
	vs8r.v	v8, (t0)
	add	t0, t0, t1
	vs8r.v	v16, (t0)
	add	t0, t0, t1
	vs8r.v	v24, (t0)
	la	a1, hdr
	li	a2, HDR
	call	put
	la	a1, regs
	mv	a2, s2
	call	put
	ld	t0, 8(s4)
	andi	t0, t0, 1
	beqz	t0, 2f
	la	a1, mem
	li	a2, MEM_BYTES
	call	put
2:	addi	s3, s3, 8
	addi	s0, s0, -1
	j	loop
finish:
	li	a0, 0
	li	a7, SYS_EXIT
	ecall

# a1: buffer, a2: bytes; all of them or the end
get:	li	t0, SYS_READ
	li	t1, 0
	j	again
put:	li	t0, SYS_WRITE
	li	t1, 1
again:	beqz	a2, 4f
	mv	a0, t1
	mv	a7, t0
	ecall
	blez	a0, 3f
	add	a1, a1, a0
	sub	a2, a2, a0
	j	again
3:	li	a0, 1
	li	a7, SYS_EXIT
	ecall
4:	ret

# A trap: x27 gets the signal, and the instruction is skipped.
handler:
	sd	a0, 176+27*8(a2)
	ld	t0, 176(a2)
	addi	t0, t0, 4
	sd	t0, 176(a2)
	ret

	.data
	.balign 8
action:	.quad	0, 0x40000004, 0, 0

	.bss
	.balign 64
hdr:	.space	HDR
	.balign 64
regs:	.space	32*8192

	.section .slots, "awx", @nobits
	.balign 4096
slots:	.space	65536

	.section .mem, "aw", @nobits
	.balign 4096
mem:	.space	MEM_BYTES
