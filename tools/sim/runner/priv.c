// SPDX-License-Identifier: MIT
/*
 * The bare machine's privileged architecture: M, S and U modes, traps, delegation, and the CSRs that
 * bare-metal programs touch.  Fields that mean nothing here are WARL and read zero; there are no
 * physical-memory-protection entries and no external interrupts, software sets the pending bits.
 */
#include "bare.h"

#define MSTATUS_WRITABLE	(MSTATUS_SIE | MSTATUS_MIE | MSTATUS_SPIE | MSTATUS_MPIE | MSTATUS_SPP | \
				 MSTATUS_VS | MSTATUS_MPP | MSTATUS_FS | MSTATUS_MPRV | MSTATUS_SUM | \
				 MSTATUS_MXR | MSTATUS_TVM | MSTATUS_TW | MSTATUS_TSR)
#define SSTATUS_MASK		(MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP | MSTATUS_VS | MSTATUS_FS | \
				 MSTATUS_SUM | MSTATUS_MXR)
#define MISA			(2ull << 62 | 1u << 0 | 1u << 1 | 1u << 2 | 1u << 3 | 1u << 5 | 1u << 8 | \
				 1u << 12 | 1u << 18 | 1u << 20 | 1u << 21)
#define INTERRUPTS_S		0x222ull
#define INTERRUPTS_ALL		0xaaaull
/* Every exception that S may handle: all but an ecall from M. */
#define DELEGABLE		0xb3ffull
#define INTERRUPT		(1ull << 63)

void bare_mode_changed(struct bare *b)
{
	uint64_t on = b->mcounteren;

	if (b->hart->priv == 0)
		on &= b->scounteren;
	b->hart->counters_off = b->hart->priv == 3 ? 0 : ~on & 7;
	if (b->satp >> 60)
		sim_hart_flush_tlb(b->hart);
}

/* FS and VS know Off and Dirty only. */
void bare_status_changed(struct bare *b)
{
	if (b->mstatus & MSTATUS_FS)
		b->mstatus |= MSTATUS_FS;
	if (b->mstatus & MSTATUS_VS)
		b->mstatus |= MSTATUS_VS;
	b->hart->fs_off = !(b->mstatus & MSTATUS_FS);
	b->hart->vs_off = !(b->mstatus & MSTATUS_VS);
	if ((b->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT == 2)
		b->mstatus &= ~MSTATUS_MPP;
	bare_mode_changed(b);
}

void bare_reset(struct bare *b)
{
	b->mstatus = MSTATUS_FS | MSTATUS_VS | MSTATUS_MPP;
	b->hart->priv = 3;
	bare_status_changed(b);
}

static uint64_t status(const struct bare *b, uint64_t mask)
{
	uint64_t v = (b->mstatus & mask) | MSTATUS_UXL;

	if (mask == MSTATUS_WRITABLE)
		v |= MSTATUS_SXL;
	return b->mstatus & (MSTATUS_FS | MSTATUS_VS) ? v | MSTATUS_SD : v;
}

static void put(uint64_t *reg, uint64_t mask, bool write, uint64_t set, uint64_t *value)
{
	*value = *reg & mask;
	if (write)
		*reg = (*reg & ~mask) | (set & mask);
}

static void csr_status(struct bare *b, uint64_t mask, bool write, uint64_t set, uint64_t *value)
{
	*value = status(b, mask);
	if (write) {
		b->mstatus = (b->mstatus & ~mask) | (set & mask);
		bare_status_changed(b);
	}
}

static enum sim_op_status csr_satp(struct bare *b, bool write, uint64_t set, uint64_t *value)
{
	uint64_t mode = set >> 60;

	if (b->hart->priv == 1 && (b->mstatus & MSTATUS_TVM))
		return SIM_OP_ILLEGAL;
	*value = b->satp;
	/* An unsupported mode makes the whole write have no effect. */
	if (write && (mode == 0 || mode == 8 || mode == 9)) {
		b->satp = set;
		sim_hart_flush_tlb(b->hart);
	}
	return SIM_OP_OK;
}

/* mcycle and minstret: writable views of the hart's counters. */
static void csr_counter(uint64_t *counter, unsigned int scale, bool write, uint64_t set, uint64_t *value)
{
	*value = *counter / scale;
	/* The instruction itself is not counted when it writes its own counter. */
	if (write)
		*counter = (set - 1) * scale;
}

static enum sim_op_status csr_supervisor(struct bare *b, unsigned int csr, bool write, uint64_t set,
					 uint64_t *value)
{
	switch (csr) {
	case 0x100:
		csr_status(b, SSTATUS_MASK, write, set, value);
		break;
	case 0x104:
		put(&b->mie, b->mideleg, write, set, value);
		break;
	case 0x105:
		put(&b->stvec, ~2ull, write, set, value);
		break;
	case 0x106:
		put(&b->scounteren, 7, write, set, value);
		break;
	case 0x10a:
		put(&b->senvcfg, 0, write, set, value);
		break;
	case 0x140:
		put(&b->sscratch, ~0ull, write, set, value);
		break;
	case 0x141:
		put(&b->sepc, ~1ull, write, set, value);
		break;
	case 0x142:
		put(&b->scause, ~0ull, write, set, value);
		break;
	case 0x143:
		put(&b->stval, ~0ull, write, set, value);
		break;
	case 0x144:
		*value = b->mip & b->mideleg;
		if (write)
			b->mip = (b->mip & ~(b->mideleg & 2)) | (set & b->mideleg & 2);
		break;
	case 0x180:
		return csr_satp(b, write, set, value);
	default:
		return SIM_OP_ILLEGAL;
	}
	return SIM_OP_OK;
}

static enum sim_op_status csr_machine(struct bare *b, unsigned int csr, bool write, uint64_t set,
				      uint64_t *value)
{
	switch (csr) {
	case 0x300:
		csr_status(b, MSTATUS_WRITABLE, write, set, value);
		break;
	case 0x301:
		*value = MISA;
		break;
	case 0x302:
		put(&b->medeleg, DELEGABLE, write, set, value);
		break;
	case 0x303:
		put(&b->mideleg, INTERRUPTS_S, write, set, value);
		break;
	case 0x304:
		put(&b->mie, INTERRUPTS_ALL, write, set, value);
		break;
	case 0x305:
		put(&b->mtvec, ~2ull, write, set, value);
		break;
	case 0x306:
		put(&b->mcounteren, 7, write, set, value);
		break;
	case 0x30a:
		put(&b->menvcfg, 0, write, set, value);
		break;
	case 0x320:
		put(&b->mcountinhibit, 0, write, set, value);
		break;
	case 0x340:
		put(&b->mscratch, ~0ull, write, set, value);
		break;
	case 0x341:
		put(&b->mepc, ~1ull, write, set, value);
		break;
	case 0x342:
		put(&b->mcause, ~0ull, write, set, value);
		break;
	case 0x343:
		put(&b->mtval, ~0ull, write, set, value);
		break;
	case 0x344:
		put(&b->mip, INTERRUPTS_S, write, set, value);
		break;
	case 0xb00:
		csr_counter(&b->hart->cycles16, 16, write, set, value);
		break;
	case 0xb02:
		csr_counter(&b->hart->instret, 1, write, set, value);
		break;
	case 0xf11 ... 0xf15:	/* vendor, architecture, implementation, hart, configuration */
		*value = 0;
		break;
	default:
		/* pmpcfg (even), pmpaddr, hpmcounters and events, debug triggers: none, read zero. */
		if ((csr >= 0x3a0 && csr <= 0x3af && !(csr & 1)) || (csr >= 0x3b0 && csr <= 0x3ef) ||
		    (csr >= 0xb03 && csr <= 0xb1f) || (csr >= 0x323 && csr <= 0x33f) ||
		    (csr >= 0x7a0 && csr <= 0x7a3)) {
			*value = 0;
			break;
		}
		return SIM_OP_ILLEGAL;
	}
	return SIM_OP_OK;
}

enum sim_op_status bare_csr(struct sim_hart *h, unsigned int csr, bool write, uint64_t set,
			    uint64_t *value)
{
	struct bare *b = h->ctx;
	unsigned int level = (csr >> 8) & 3;
	enum sim_op_status st;

	if (level > h->priv)
		return SIM_OP_ILLEGAL;
	if (level == 1)
		st = csr_supervisor(b, csr, write, set, value);
	else if (level == 3)
		st = csr_machine(b, csr, write, set, value);
	else
		return SIM_OP_ILLEGAL;
	if (st == SIM_OP_OK && write)
		bare_interrupt(b, h->pc + 4);
	return st;
}

/* --- traps --------------------------------------------------------------------------------- */

static void enter_supervisor(struct bare *b, uint64_t cause, uint64_t pc, uint64_t tval)
{
	struct sim_hart *h = b->hart;
	uint64_t s = b->mstatus & ~(MSTATUS_SIE | MSTATUS_SPIE | MSTATUS_SPP);

	if (b->mstatus & MSTATUS_SIE)
		s |= MSTATUS_SPIE;
	if (h->priv == 1)
		s |= MSTATUS_SPP;
	b->mstatus = s;
	b->sepc = pc;
	b->scause = cause;
	b->stval = tval;
	h->pc = (b->stvec & ~3ull) +
		((b->stvec & 1) && (cause & INTERRUPT) ? (cause & ~INTERRUPT) * 4 : 0);
	h->priv = 1;
}

static void enter_machine(struct bare *b, uint64_t cause, uint64_t pc, uint64_t tval)
{
	struct sim_hart *h = b->hart;
	uint64_t s = b->mstatus & ~(MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP);

	if (b->mstatus & MSTATUS_MIE)
		s |= MSTATUS_MPIE;
	b->mstatus = s | (uint64_t)h->priv << MSTATUS_MPP_SHIFT;
	b->mepc = pc;
	b->mcause = cause;
	b->mtval = tval;
	h->pc = (b->mtvec & ~3ull) +
		((b->mtvec & 1) && (cause & INTERRUPT) ? (cause & ~INTERRUPT) * 4 : 0);
	h->priv = 3;
}

static void enter(struct bare *b, uint64_t cause, uint64_t pc, uint64_t tval)
{
	uint64_t delegated = cause & INTERRUPT ? b->mideleg : b->medeleg;

	if (b->hart->priv < 3 && (delegated >> (cause & 63)) & 1)
		enter_supervisor(b, cause, pc, tval);
	else
		enter_machine(b, cause, pc, tval);
	b->hart->lr_addr = UINT64_MAX;
	bare_mode_changed(b);
}

bool bare_trap(struct sim_hart *h)
{
	struct bare *b = h->ctx;
	const struct sim_fault f = h->fault;

	/* A handler whose first instruction faults will never do anything else. */
	if (f.pc == b->last_trap_pc && h->instret == b->last_trap_instret) {
		if (++b->same_traps == 16) {
			b->stuck = true;
			return false;
		}
	} else {
		b->same_traps = 0;
	}
	b->last_trap_pc = f.pc;
	b->last_trap_instret = h->instret;
	enter(b, f.cause, f.pc, f.tval);
	return true;
}

void bare_interrupt(struct bare *b, uint64_t next)
{
	static const uint8_t order[] = { 11, 3, 7, 9, 1, 5 };
	uint64_t pending = b->mip & b->mie, machine = pending & ~b->mideleg, taken = 0;
	unsigned int priv = b->hart->priv;

	if (priv < 3 || (b->mstatus & MSTATUS_MIE))
		taken = machine;
	if (!taken && (priv < 1 || (priv == 1 && (b->mstatus & MSTATUS_SIE))))
		taken = pending & b->mideleg;
	for (unsigned int i = 0; taken && i < sizeof(order); i++)
		if ((taken >> order[i]) & 1) {
			enter(b, INTERRUPT | order[i], next, 0);
			return;
		}
}

static void return_from_machine(struct bare *b)
{
	struct sim_hart *h = b->hart;
	unsigned int to = (b->mstatus & MSTATUS_MPP) >> MSTATUS_MPP_SHIFT;

	b->mstatus &= ~MSTATUS_MIE;
	if (b->mstatus & MSTATUS_MPIE)
		b->mstatus |= MSTATUS_MIE;
	b->mstatus |= MSTATUS_MPIE;
	b->mstatus &= ~MSTATUS_MPP;
	if (to < 3)
		b->mstatus &= ~MSTATUS_MPRV;
	h->priv = (uint8_t)to;
	h->pc = b->mepc;
}

static void return_from_supervisor(struct bare *b)
{
	struct sim_hart *h = b->hart;
	unsigned int to = b->mstatus & MSTATUS_SPP ? 1 : 0;

	b->mstatus &= ~(MSTATUS_SIE | MSTATUS_MPRV);
	if (b->mstatus & MSTATUS_SPIE)
		b->mstatus |= MSTATUS_SIE;
	b->mstatus |= MSTATUS_SPIE;
	b->mstatus &= ~MSTATUS_SPP;
	h->priv = (uint8_t)to;
	h->pc = b->sepc;
}

enum sim_op_status bare_system(struct sim_hart *h, uint32_t insn)
{
	struct bare *b = h->ctx;

	switch (insn) {
	case 0x30200073:	/* mret */
		if (h->priv < 3)
			return SIM_OP_ILLEGAL;
		return_from_machine(b);
		break;
	case 0x10200073:	/* sret */
		if (h->priv < 1 || (h->priv == 1 && (b->mstatus & MSTATUS_TSR)))
			return SIM_OP_ILLEGAL;
		return_from_supervisor(b);
		break;
	case 0x10500073:	/* wfi: nothing to wait for, so it never does */
		if (h->priv < 3 && (h->priv == 0 || (b->mstatus & MSTATUS_TW)))
			return SIM_OP_ILLEGAL;
		break;
	default:		/* sfence.vma */
		if (h->priv < 1 || (h->priv == 1 && (b->mstatus & MSTATUS_TVM)))
			return SIM_OP_ILLEGAL;
		sim_hart_flush_tlb(h);
		return SIM_OP_OK;
	}
	bare_mode_changed(b);
	bare_interrupt(b, h->pc);
	return SIM_OP_OK;
}
