// SPDX-License-Identifier: MIT
/*
 * The bare machine's address translation: none, Sv39 or Sv48.  A and D are never written: a page
 * without them faults, as Svade has it.
 */
#include "bare.h"

#define PTE_V	0x01u
#define PTE_R	0x02u
#define PTE_W	0x04u
#define PTE_X	0x08u
#define PTE_U	0x10u
#define PTE_A	0x40u
#define PTE_D	0x80u
#define PTE_HIGH	0xffc0000000000000ull	/* N, PBMT and reserved bits: not implemented */

static uint8_t *fault(struct sim_hart *h, enum sim_access access, bool page)
{
	static const uint32_t cause[2][4] = {
		{ SIM_CAUSE_FETCH_ACCESS, SIM_CAUSE_LOAD_ACCESS, SIM_CAUSE_STORE_ACCESS,
		  SIM_CAUSE_STORE_ACCESS },
		{ SIM_CAUSE_FETCH_PAGE, SIM_CAUSE_LOAD_PAGE, SIM_CAUSE_STORE_PAGE,
		  SIM_CAUSE_STORE_PAGE },
	};

	h->fault.cause = cause[page][access];
	h->fault.syndrome = 0;
	return NULL;
}

static bool allowed(const struct bare *b, uint64_t pte, enum sim_access access, unsigned int priv)
{
	bool store = access == SIM_ACCESS_STORE || access == SIM_ACCESS_AMO;

	if (priv == 0 && !(pte & PTE_U))
		return false;
	if (priv == 1 && (pte & PTE_U) &&
	    (access == SIM_ACCESS_FETCH || !(b->mstatus & MSTATUS_SUM)))
		return false;
	if (!(pte & PTE_A) || (store && !(pte & PTE_D)))
		return false;
	if (access == SIM_ACCESS_FETCH)
		return pte & PTE_X;
	if (store)
		return pte & PTE_W;
	return (pte & PTE_R) || ((pte & PTE_X) && (b->mstatus & MSTATUS_MXR));
}

/* Physical page of @va, or false with *@page telling a page fault from an access fault. */
static bool walk(struct bare *b, uint64_t va, enum sim_access access, unsigned int priv,
		 uint64_t *pa, bool *page)
{
	int levels = b->satp >> 60 == 9 ? 4 : 3, bits = 12 + 9 * levels;
	uint64_t table = (b->satp & ((1ull << 44) - 1)) << SIM_PAGE_SHIFT, pte, low;

	*page = true;
	if ((uint64_t)((int64_t)(va << (64 - bits)) >> (64 - bits)) != va)
		return false;
	for (int level = levels - 1; level >= 0; level--) {
		uint64_t index = (va >> (12 + 9 * level)) & 511;
		uint8_t *host = bare_physical(b, table + index * 8, 8);

		if (!host) {
			*page = false;
			return false;
		}
		memcpy(&pte, host, sizeof(pte));
		if (!(pte & PTE_V) || (pte & PTE_HIGH) || (pte & (PTE_R | PTE_W)) == PTE_W)
			return false;
		if (!(pte & (PTE_R | PTE_X))) {
			if (pte & (PTE_U | PTE_A | PTE_D))
				return false;
			table = pte >> 10 << SIM_PAGE_SHIFT;
			continue;
		}
		low = (1ull << (12 + 9 * level)) - 1;
		*pa = pte >> 10 << SIM_PAGE_SHIFT;
		if (*pa & low)		/* a misaligned superpage */
			return false;
		*pa |= va & low;
		return allowed(b, pte, access, priv);
	}
	return false;
}

uint8_t *bare_translate(struct sim_hart *h, uint64_t va, enum sim_access access)
{
	struct bare *b = h->ctx;
	unsigned int priv = h->priv;
	uint64_t pa = va;
	uint8_t *host;
	bool page;

	if (access != SIM_ACCESS_FETCH && (b->mstatus & MSTATUS_MPRV))
		priv = (b->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;
	if (priv < 3 && b->satp >> 60 && !walk(b, va, access, priv, &pa, &page))
		return fault(h, access, page);
	host = bare_physical(b, pa & ~(SIM_PAGE_SIZE - 1), SIM_PAGE_SIZE);
	return host ? host : fault(h, access, false);
}
