/* SPDX-License-Identifier: MIT */
	.section .rodata
	.balign 16
	.globl gaon_diag_kernels
gaon_diag_kernels:
	.incbin ELF
end:
	.balign 4
	.globl gaon_diag_kernels_size
gaon_diag_kernels_size:
	.long end - gaon_diag_kernels
	.section .note.GNU-stack,"",@progbits
