/* SPDX-License-Identifier: MIT */
/*
 * Workgroup n computes word i of its part, i counted over all parts: to[i] = ((from[i] ^ key) + i) * (key | 1).
 * In the middle it waits, unless gate is 0, until the word there is not 0: so it is at work when something
 * happens. a0: struct soak_mix_args, whose words are those of one part. Position-independent.
 */
#define GAON_CSR_WG_LINEAR	0xcc6	/* as include/hw/gaon_xgaon.h has it */

	.text
	.option norelax
	.globl k_mix
k_mix:
	csrr	t0, GAON_CSR_WG_LINEAR
	ld	t1, 0(a0)
	ld	t2, 8(a0)
	ld	t3, 16(a0)
	ld	t4, 24(a0)
	ori	a2, t4, 1
	mul	t5, t0, t3
	slli	t6, t5, 3
	add	t1, t1, t6
	add	t2, t2, t6
	srli	a3, t3, 1
	ld	a4, 32(a0)
1:	beqz	t3, 4f
	bne	t3, a3, 3f
	beqz	a4, 3f
2:	fence
	ld	a5, 0(a4)
	beqz	a5, 2b
3:	ld	a1, 0(t1)
	xor	a1, a1, t4
	add	a1, a1, t5
	mul	a1, a1, a2
	sd	a1, 0(t2)
	addi	t1, t1, 8
	addi	t2, t2, 8
	addi	t5, t5, 1
	addi	t3, t3, -1
	j	1b
4:	ret

	.org	0xf00
/* A loop without end. */
k_endless:
	j	k_endless
