// SPDX-License-Identifier: MIT
/*
 * The slow side of memory: TLB fills, accesses that cross a page, device registers, atomics.
 */
#include "exec.h"
#include "guest.h"

uint8_t *sim_hart_page(struct sim_hart *h, uint64_t va, enum sim_access access)
{
	uint64_t page = va >> SIM_PAGE_SHIFT;
	struct sim_tlb_entry *e;
	uint8_t *host;

	sim_hart_settle_fp(h);
	host = h->ops->translate(h, va & ~(SIM_PAGE_SIZE - 1), access);
	if (!host) {
		h->fault.tval = va;
		return NULL;
	}
	if (access == SIM_ACCESS_AMO) {
		e = &h->code->amo[page % SIM_AMO_ENTRIES];
		e->tag = page;
		e->host = host;
		access = SIM_ACCESS_STORE;
	}
	e = &h->tlb[access][sim_tlb_index(page)];
	e->tag = page;
	e->host = host;
	return host;
}

/* translate() said no: a device register if there are any here, else the fault that it filled in. */
static enum sim_op_status no_page(struct sim_hart *h, uint64_t va, unsigned int len, bool write,
				  uint64_t *value)
{
	if (h->fault.cause != SIM_CAUSE_CUSTOM || h->fault.syndrome != SIM_MMIO)
		return SIM_OP_FAULT;
	if (h->ops->mmio && !(va & (len - 1)))
		return h->ops->mmio(h, va, len, write, value);
	if (!h->ops->mmio_is_memory)
		h->fault.cause = write ? SIM_CAUSE_STORE_ACCESS : SIM_CAUSE_LOAD_ACCESS;
	return SIM_OP_FAULT;
}

/* Both halves of an access that may cross a page; the second pointer is NULL if it does not. */
static enum sim_op_status locate(struct sim_hart *h, uint64_t va, unsigned int len, bool write,
				 uint8_t *host[2], uint64_t *value)
{
	enum sim_access access = write ? SIM_ACCESS_STORE : SIM_ACCESS_LOAD;
	unsigned int first = (unsigned int)(SIM_PAGE_SIZE - (va & (SIM_PAGE_SIZE - 1)));

	host[1] = NULL;
	host[0] = sim_hart_host(h, va, access);
	if (!host[0])
		return no_page(h, va, len, write, value);
	if (first >= len)
		return SIM_OP_OK;
	host[1] = sim_hart_host(h, va + first, access);
	if (host[1])
		return SIM_OP_OK;
	/* A device register is never the second half of anything. */
	if (!h->ops->mmio_is_memory && h->fault.cause == SIM_CAUSE_CUSTOM && h->fault.syndrome == SIM_MMIO)
		h->fault.cause = write ? SIM_CAUSE_STORE_ACCESS : SIM_CAUSE_LOAD_ACCESS;
	return SIM_OP_FAULT;
}

/* Any alignment, any mixture of memory with and without a host address. */
static enum sim_op_status load_bytes(struct sim_hart *h, uint64_t va, unsigned int len, uint64_t *value)
{
	enum sim_op_status st = SIM_OP_OK;
	uint64_t whole = 0, byte;

	for (unsigned int i = 0; i < len && st == SIM_OP_OK; i++) {
		st = sim_memory_load(h, va + i, 1, &byte);
		whole |= st == SIM_OP_OK ? byte << 8 * i : 0;
	}
	*value = whole;
	return st;
}

static enum sim_op_status store_bytes(struct sim_hart *h, uint64_t va, unsigned int len, uint64_t value)
{
	enum sim_op_status st = SIM_OP_OK;

	for (unsigned int i = 0; i < len && st == SIM_OP_OK; i++)
		st = sim_memory_store(h, va + i, 1, value >> 8 * i & 0xff);
	return st;
}

enum sim_op_status sim_memory_load(struct sim_hart *h, uint64_t va, unsigned int len, uint64_t *value)
{
	unsigned int first = (unsigned int)(SIM_PAGE_SIZE - (va & (SIM_PAGE_SIZE - 1)));
	uint8_t *host[2], bytes[8] = { 0 };
	enum sim_op_status st = locate(h, va, len, false, host, value);

	if (st == SIM_OP_FAULT && len > 1 && sim_memory_is_remote(h))
		return load_bytes(h, va, len, value);
	if (st != SIM_OP_OK || !host[0])
		return st;
	if (host[1]) {
		guest_copy_in(bytes, host[0], first);
		guest_copy_in(bytes + first, host[1], len - first);
	} else {
		switch (len) {
		case 1:
			*value = guest_read_uint8_t(host[0]);
			return SIM_OP_OK;
		case 2:
			*value = guest_read_uint16_t(host[0]);
			return SIM_OP_OK;
		case 4:
			*value = guest_read_uint32_t(host[0]);
			return SIM_OP_OK;
		default:
			*value = guest_read_uint64_t(host[0]);
			return SIM_OP_OK;
		}
	}
	memcpy(value, bytes, sizeof(bytes));
	return SIM_OP_OK;
}

enum sim_op_status sim_memory_store(struct sim_hart *h, uint64_t va, unsigned int len, uint64_t value)
{
	unsigned int first = (unsigned int)(SIM_PAGE_SIZE - (va & (SIM_PAGE_SIZE - 1)));
	uint8_t *host[2];
	enum sim_op_status st = locate(h, va, len, true, host, &value);

	if (st == SIM_OP_FAULT && len > 1 && sim_memory_is_remote(h))
		return store_bytes(h, va, len, value);
	if (st != SIM_OP_OK || !host[0])
		return st;
	if (host[1]) {
		guest_copy_out(host[0], &value, first);
		guest_copy_out(host[1], (uint8_t *)&value + first, len - first);
		return SIM_OP_OK;
	}
	switch (len) {
	case 1:
		guest_write_uint8_t(host[0], (uint8_t)value);
		break;
	case 2:
		guest_write_uint16_t(host[0], (uint16_t)value);
		break;
	case 4:
		guest_write_uint32_t(host[0], (uint32_t)value);
		break;
	default:
		guest_write_uint64_t(host[0], value);
		break;
	}
	return SIM_OP_OK;
}

uint8_t *sim_memory_atomic(struct sim_hart *h, uint64_t va, unsigned int len, bool is_load)
{
	uint64_t page = va >> SIM_PAGE_SHIFT;
	struct sim_tlb_entry *e = &h->code->amo[page % SIM_AMO_ENTRIES];
	uint8_t *host = e->host;

	if (va & (len - 1)) {
		h->fault.cause = is_load ? SIM_CAUSE_LOAD_MISALIGNED : SIM_CAUSE_STORE_MISALIGNED;
		h->fault.tval = va;
		return NULL;
	}
	if (e->tag != page) {
		host = sim_hart_page(h, va, SIM_ACCESS_AMO);
		if (!host) {
			if (h->fault.cause == SIM_CAUSE_CUSTOM && h->fault.syndrome == SIM_MMIO)
				h->fault.cause = SIM_CAUSE_STORE_ACCESS;
			if (is_load && h->fault.cause == SIM_CAUSE_STORE_ACCESS)
				h->fault.cause = SIM_CAUSE_LOAD_ACCESS;
			if (is_load && h->fault.cause == SIM_CAUSE_STORE_PAGE)
				h->fault.cause = SIM_CAUSE_LOAD_PAGE;
			return NULL;
		}
	}
	return host + (va & (SIM_PAGE_SIZE - 1));
}
