/* SPDX-License-Identifier: MIT */
	.section .rodata
	.balign 16
	.globl gaon_bench_kernels
gaon_bench_kernels:
	.incbin ELF
end:
	.balign 4
	.globl gaon_bench_kernels_size
gaon_bench_kernels_size:
	.long end - gaon_bench_kernels
	.section .note.GNU-stack,"",@progbits
