/* SPDX-License-Identifier: MIT */
/* First instructions and the trap entry.  The ROM has cleared all SRAM outside the image. */
	.section .text.start, "ax"
	.globl	fw_start
	.type	fw_start, @function
fw_start:
	la	sp, fw_stack_top
	la	t0, fw_trap
	csrw	mtvec, t0
	call	fw_main
	/* fw_main does not return. */
1:	csrw	mie, zero
	wfi
	j	1b
	.size	fw_start, . - fw_start

	/*
	 * Interrupts stay masked (the main loop looks at them after wfi), so every trap is a defect of
	 * the firmware.  The stack may be the reason: go on with another one.
	 */
	.balign	4
	.globl	fw_trap
	.type	fw_trap, @function
fw_trap:
	la	sp, fw_panic_stack_top
	csrr	a0, mcause
	csrr	a1, mepc
	csrr	a2, mtval
	call	fw_panic_trap
	j	1b
	.size	fw_trap, . - fw_trap
