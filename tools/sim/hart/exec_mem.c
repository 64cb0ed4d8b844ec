// SPDX-License-Identifier: MIT
/*
 * Loads, stores and atomics.  The short way is a hit in the TLB inside one page: comparing the tag
 * with the page of the access's last byte checks both at once, since the neighbouring page lives in
 * another entry.
 */
#include "exec.h"
#include "guest.h"

#define VA	(h->x[op->rs1] + (uint64_t)(int64_t)op->imm)

#define ENTRY(access)	(&h->tlb[access][sim_tlb_index(va >> SIM_PAGE_SHIFT)])
#define HIT(e, T)	SIM_LIKELY((e)->tag == (va + sizeof(T) - 1) >> SIM_PAGE_SHIFT)
#define HOST(e)		((e)->host + (va & (SIM_PAGE_SIZE - 1)))

/* In a load, op->rs2 is the length in slots and op->rs3 funct3; see decode_one(). */
static int SIM_CC load_slow(SIM_EXEC_ARGS)
{
	unsigned int len = 1u << (op->rs3 & 3);
	uint64_t value = 0;
	enum sim_op_status st;

	st = sim_memory_load(h, VA, len, &value);
	if (st != SIM_OP_OK && st != SIM_OP_DONE)
		SIM_NOT_OK(st, op->rs2);
	if (!(op->rs3 & 4))
		value = (uint64_t)((int64_t)(value << (64 - 8 * len)) >> (64 - 8 * len));
	h->x[op->rd] = value;
	h->x[0] = 0;
	if (st == SIM_OP_DONE)
		SIM_NOT_OK(st, op->rs2);
	SIM_NEXT(op->rs2);
}

static int SIM_CC fload_slow(SIM_EXEC_ARGS)
{
	unsigned int len = 1u << (op->rs3 & 3);
	uint64_t value = 0;
	enum sim_op_status st;

	st = sim_memory_load(h, VA, len, &value);
	if (st != SIM_OP_OK && st != SIM_OP_DONE)
		SIM_NOT_OK(st, op->rs2);
	if (len < 8)
		value |= UINT64_MAX << (8 * len);
	h->f[op->rd] = value;
	if (st == SIM_OP_DONE)
		SIM_NOT_OK(st, op->rs2);
	SIM_NEXT(op->rs2);
}

SIM_OP_BARE(load_x0, (void)LEN; SIM_TAIL load_slow(h, op, pg, acc);)

#define LOAD(name, T, S)							\
SIM_OP_BARE(name,								\
	uint64_t va = VA;							\
	const struct sim_tlb_entry *e = ENTRY(SIM_ACCESS_LOAD);			\
	if (!HIT(e, T))								\
		SIM_TAIL load_slow(h, op, pg, acc);				\
	h->x[op->rd] = (uint64_t)(int64_t)(S)guest_read_##T(HOST(e));		\
	SIM_NEXT(LEN);)

LOAD(lb, uint8_t, int8_t)
LOAD(lh, uint16_t, int16_t)
LOAD(lw, uint32_t, int32_t)
LOAD(ld, uint64_t, int64_t)
LOAD(lbu, uint8_t, uint8_t)
LOAD(lhu, uint16_t, uint16_t)
LOAD(lwu, uint32_t, uint32_t)

#define FLOAD(name, T, BOX)							\
SIM_OP_BARE(name,								\
	uint64_t va = VA;							\
	const struct sim_tlb_entry *e = ENTRY(SIM_ACCESS_LOAD);			\
	if (SIM_UNLIKELY(h->fs_off))						\
		SIM_TAIL sim_x_fault_illegal(h, op, pg, acc);			\
	if (!HIT(e, T))								\
		SIM_TAIL fload_slow(h, op, pg, acc);				\
	h->f[op->rd] = BOX | guest_read_##T(HOST(e));				\
	SIM_NEXT(LEN);)

FLOAD(flh, uint16_t, ~0xffffull)
FLOAD(flw, uint32_t, ~0xffffffffull)
FLOAD(fld, uint64_t, 0ull)

/* In a store, op->rd is the length in slots and op->rs3 funct3. */
static int SIM_CC store_slow(SIM_EXEC_ARGS)
{
	enum sim_op_status st = sim_memory_store(h, VA, 1u << (op->rs3 & 3), h->x[op->rs2]);

	if (st != SIM_OP_OK)
		SIM_NOT_OK(st, op->rd);
	SIM_NEXT(op->rd);
}

static int SIM_CC fstore_slow(SIM_EXEC_ARGS)
{
	enum sim_op_status st = sim_memory_store(h, VA, 1u << (op->rs3 & 3), h->f[op->rs2]);

	if (st != SIM_OP_OK)
		SIM_NOT_OK(st, op->rd);
	SIM_NEXT(op->rd);
}

#define STORE(name, T)								\
SIM_OP_BARE(name,								\
	uint64_t va = VA;							\
	const struct sim_tlb_entry *e = ENTRY(SIM_ACCESS_STORE);		\
	if (!HIT(e, T))								\
		SIM_TAIL store_slow(h, op, pg, acc);				\
	guest_write_##T(HOST(e), (T)h->x[op->rs2]);				\
	SIM_NEXT(LEN);)

STORE(sb, uint8_t)
STORE(sh, uint16_t)
STORE(sw, uint32_t)
STORE(sd, uint64_t)

#define FSTORE(name, T)								\
SIM_OP_BARE(name,								\
	uint64_t va = VA;							\
	const struct sim_tlb_entry *e = ENTRY(SIM_ACCESS_STORE);		\
	if (SIM_UNLIKELY(h->fs_off))						\
		SIM_TAIL sim_x_fault_illegal(h, op, pg, acc);			\
	if (!HIT(e, T))								\
		SIM_TAIL fstore_slow(h, op, pg, acc);				\
	guest_write_##T(HOST(e), (T)h->f[op->rs2]);				\
	SIM_NEXT(LEN);)

FSTORE(fsh, uint16_t)
FSTORE(fsw, uint32_t)
FSTORE(fsd, uint64_t)

/* --- atomics: always sequentially consistent, which covers every aq and rl ---------------- */

#define ATOMIC_HOST(T, is_load)							\
	uint64_t va = h->x[op->rs1];						\
	T *p = (T *)(void *)sim_memory_atomic(h, va, sizeof(T), is_load);	\
	if (SIM_UNLIKELY(!p))							\
		SIM_TAIL sim_x_fault(h, op, pg, acc);

#define RESULT(S, v)	do { h->x[op->rd] = (uint64_t)(int64_t)(S)(v); h->x[0] = 0; } while (0)

#define AMO(name, T, S, FETCH)							\
SIM_OP(name,									\
	ATOMIC_HOST(T, false)							\
	RESULT(S, FETCH(p, (T)h->x[op->rs2], __ATOMIC_SEQ_CST));)

#define AMO_SIGNED(name, T, S, FETCH)						\
SIM_OP(name,									\
	ATOMIC_HOST(S, false)							\
	RESULT(S, FETCH(p, (S)h->x[op->rs2], __ATOMIC_SEQ_CST));)

#define AMOS(suffix, T, S)							\
	AMO(amoswap_##suffix, T, S, __atomic_exchange_n)			\
	AMO(amoadd_##suffix, T, S, __atomic_fetch_add)				\
	AMO(amoxor_##suffix, T, S, __atomic_fetch_xor)				\
	AMO(amoand_##suffix, T, S, __atomic_fetch_and)				\
	AMO(amoor_##suffix, T, S, __atomic_fetch_or)				\
	AMO_SIGNED(amomin_##suffix, T, S, __atomic_fetch_min)			\
	AMO_SIGNED(amomax_##suffix, T, S, __atomic_fetch_max)			\
	AMO(amominu_##suffix, T, S, __atomic_fetch_min)				\
	AMO(amomaxu_##suffix, T, S, __atomic_fetch_max)

AMOS(w, uint32_t, int32_t)
AMOS(d, uint64_t, int64_t)

/*
 * The reservation is the address, with the access's width in its low bits, and the value: an SC
 * succeeds if both still hold.
 */
#define LR(name, T, S)								\
SIM_OP(name,									\
	ATOMIC_HOST(T, true)							\
	h->lr_value = __atomic_load_n(p, __ATOMIC_SEQ_CST);			\
	h->lr_addr = va | (sizeof(T) == 4);					\
	RESULT(S, h->lr_value);)

#define SC(name, T)								\
SIM_OP(name,									\
	ATOMIC_HOST(T, false)							\
	T expected = (T)h->lr_value;						\
	bool done = h->lr_addr == (va | (sizeof(T) == 4)) &&			\
		    __atomic_compare_exchange_n(p, &expected, (T)h->x[op->rs2], false,	\
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);	\
	h->lr_addr = UINT64_MAX;						\
	RESULT(int64_t, !done);)

LR(lr_w, uint32_t, int32_t)
LR(lr_d, uint64_t, int64_t)
SC(sc_w, uint32_t)
SC(sc_d, uint64_t)
