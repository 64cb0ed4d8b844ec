// SPDX-License-Identifier: MIT
/* Accesses that are not plain memory, instruction fetch and the cache of decoded instructions. */
#include <stdlib.h>

#include "mcu_internal.h"

bool mcu_load_slow(struct sim_mcu *mcu, uint32_t addr, unsigned int len, uint32_t *value)
{
	*value = 0;
	if ((addr & (len - 1)) || !mcu->ops.read)
		return false;
	if (!mcu->ops.read(mcu->ctx, addr, len, value))
		return false;
	if (len < 4)
		*value &= (1u << (8 * len)) - 1;
	return true;
}

bool mcu_store_slow(struct sim_mcu *mcu, uint32_t addr, unsigned int len, uint32_t value)
{
	if ((addr & (len - 1)) || !mcu->ops.write)
		return false;
	if (len < 4)
		value &= (1u << (8 * len)) - 1;
	return mcu->ops.write(mcu->ctx, addr, len, value);
}

struct mcu_page *mcu_find_page(struct sim_mcu *mcu, uint32_t pc)
{
	for (unsigned int i = 0; i < mcu->region_count; i++) {
		struct mcu_region *r = &mcu->regions[i];
		uint32_t index = (pc - r->base) / SIM_MCU_PAGE;

		if (pc - r->base >= r->size)
			continue;
		/* Out of memory only costs speed: NULL makes the caller decode without a cache. */
		if (!r->pages[index])
			r->pages[index] = calloc(1, sizeof(struct mcu_page));
		return r->pages[index];
	}
	return NULL;
}

static bool fetch_half(const struct sim_mcu *mcu, uint32_t addr, uint16_t *half, uint32_t *bad)
{
	const uint8_t *p = mcu_memory(mcu, addr, 2);

	if (!p) {
		*bad = addr;
		return false;
	}
	memcpy(half, p, 2);
	return true;
}

bool mcu_fetch(struct sim_mcu *mcu, uint32_t pc, struct mcu_insn *insn, uint32_t *bad)
{
	uint16_t low, high;

	if (!fetch_half(mcu, pc, &low, bad))
		return false;
	if ((low & 3) != 3) {
		mcu_decode(mcu_expand(low), insn);
		insn->len = 2;
		return true;
	}
	if (!fetch_half(mcu, pc + 2, &high, bad))
		return false;
	mcu_decode((uint32_t)high << 16 | low, insn);
	return true;
}

void mcu_drop_pages(struct sim_mcu *mcu)
{
	for (unsigned int i = 0; i < mcu->region_count; i++) {
		struct mcu_region *r = &mcu->regions[i];

		for (uint32_t p = 0; p < r->size / SIM_MCU_PAGE; p++) {
			free(r->pages[p]);
			r->pages[p] = NULL;
		}
	}
}
