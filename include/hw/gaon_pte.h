/* SPDX-License-Identifier: MIT */
/* Sv48 page-table entries as GA1 walks them. Specification: Documentation/hw/mmu.rst. */
#ifndef GAON_HW_PTE_H
#define GAON_HW_PTE_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define GAON_PTE_V		(1ull << 0)
#define GAON_PTE_R		(1ull << 1)
#define GAON_PTE_W		(1ull << 2)
#define GAON_PTE_X		(1ull << 3)
#define GAON_PTE_U		(1ull << 4)	/* lower half: set; upper half: clear */
#define GAON_PTE_G		(1ull << 5)	/* must be 0 */
#define GAON_PTE_A		(1ull << 6)	/* preset in leaves, never written by the device */
#define GAON_PTE_D		(1ull << 7)	/* preset in writable leaves */
#define GAON_PTE_RSW		(3ull << 8)	/* must be 0 */
#define GAON_PTE_PPN_SHIFT	10
#define GAON_PTE_PPN_MASK	0x003ffffffffffc00ull
#define GAON_PTE_RESERVED	0xffc0000000000000ull	/* N, PBMT and reserved: must be 0 */

#define GAON_PT_LEVELS		4
#define GAON_PT_ENTRIES		512
#define GAON_PT_SIZE		4096
#define GAON_PAGE_SHIFT		12
#define GAON_PAGE_SIZE		4096ull
#define GAON_HUGE_SIZE		(2ull << 20)
#define GAON_GIANT_SIZE		(1ull << 30)

#define GAON_VA_USER_MIN	0x10000ull		/* 64 KiB */
#define GAON_VA_USER_MAX	0x0000800000000000ull	/* 2^47, exclusive */
#define GAON_VA_KERNEL_MIN	0xffff800000000000ull
#define GAON_ASIDS		65536

/**
 * gaon_va_range_valid() - whether a range lies in the half of the address space that it must
 * @va: its start
 * @bytes: its length; 0 is as good as 1
 * @kernel: nonzero for the kernel's half, 0 for the user's
 *
 * Return: nonzero if it does.
 */
static inline int gaon_va_range_valid(uint64_t va, uint64_t bytes, int kernel)
{
	if (kernel)
		return va >= GAON_VA_KERNEL_MIN && bytes <= 0 - va;
	return va >= GAON_VA_USER_MIN && va < GAON_VA_USER_MAX && bytes <= GAON_VA_USER_MAX - va;
}

static inline unsigned int gaon_pt_index(uint64_t va, unsigned int level)
{
	return (va >> (GAON_PAGE_SHIFT + 9 * level)) & (GAON_PT_ENTRIES - 1);
}

static inline uint64_t gaon_pte_table(uint64_t pa)
{
	return GAON_PTE_V | ((pa >> GAON_PAGE_SHIFT) << GAON_PTE_PPN_SHIFT);
}

/* @prot is any of GAON_PTE_R, W, X, U; W without R is reserved. */
static inline uint64_t gaon_pte_leaf(uint64_t pa, uint64_t prot)
{
	return gaon_pte_table(pa) | prot | GAON_PTE_A | (prot & GAON_PTE_W ? GAON_PTE_D : 0);
}

static inline uint64_t gaon_pte_pa(uint64_t pte)
{
	return ((pte & GAON_PTE_PPN_MASK) >> GAON_PTE_PPN_SHIFT) << GAON_PAGE_SHIFT;
}

#endif
