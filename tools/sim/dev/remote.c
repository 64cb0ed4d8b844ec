// SPDX-License-Identifier: MIT
/*
 * Cores on host memory without a pointer: every load and store is a call of the host's.  Code is
 * fetched a page at a time, into a copy that lives as long as the translation of the page: until
 * the next invalidation, as decoded code of other host memory does.
 */
#include <stdlib.h>

#include "engine.h"

#define CODE_PAGES	4096u	/* of a core, at most */

struct sim_code_copy {
	struct sim_code_copy *next;
	uint8_t page[GAON_PAGE_SIZE];
};

uint8_t *sim_remote_fetch(struct sim_core *core, uint64_t pa)
{
	struct sim_unit *u = core->unit;
	struct sim_code_copy *copy;

	if (u->code_copies == CODE_PAGES)
		return NULL;
	copy = malloc(sizeof(*copy));
	if (!copy)
		return NULL;
	if (!sim_phys_read(core->sim, pa, copy->page, sizeof(copy->page))) {
		free(copy);
		return NULL;
	}
	copy->next = u->code_copy;
	u->code_copy = copy;
	u->code_copies++;
	return copy->page;
}

void sim_remote_drop(struct sim_core *core)
{
	struct sim_unit *u = core->unit;

	while (u->code_copy) {
		struct sim_code_copy *next = u->code_copy->next;

		free(u->code_copy);
		u->code_copy = next;
	}
	u->code_copies = 0;
}

enum sim_op_status sim_remote_access(struct sim_hart *hart, uint64_t va, unsigned int len, bool write,
				     uint64_t *value)
{
	uint8_t access = write ? GAON_ACCESS_WRITE : GAON_ACCESS_READ;
	struct sim_core *core = hart->ctx;
	struct sim_xlate x;

	/* The translation may have changed since the hart's, to memory with a pointer too. */
	if (!sim_translate(core->sim, core->ctx, va, access, false, &x) && !x.remote)
		goto refuse;
	x.fault_type = GAON_FAULT_BUS;
	if (!write)
		*value = 0;
	if (write ? sim_phys_write(core->sim, x.pa, value, len) :
		    sim_phys_read(core->sim, x.pa, value, len))
		return SIM_OP_OK;
refuse:
	hart->fault.cause = SIM_CAUSE_CUSTOM;
	hart->fault.syndrome = x.fault_type | (uint32_t)access << 16;
	hart->fault.tval = va;
	return SIM_OP_FAULT;
}
