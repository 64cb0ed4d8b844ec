// SPDX-License-Identifier: MIT
/* Machine-mode CSRs, trap entry and return. */
#include "mcu_internal.h"

#define CSR_MSTATUS	0x300
#define CSR_MISA	0x301
#define CSR_MIE		0x304
#define CSR_MTVEC	0x305
#define CSR_MSTATUSH	0x310
#define CSR_MCOUNTINHIBIT 0x320
#define CSR_MHPMEVENT3	0x323
#define CSR_MHPMEVENT31	0x33f
#define CSR_MSCRATCH	0x340
#define CSR_MEPC	0x341
#define CSR_MCAUSE	0x342
#define CSR_MTVAL	0x343
#define CSR_MIP		0x344
#define CSR_PMPCFG0	0x3a0
#define CSR_PMPADDR63	0x3ef
#define CSR_MCYCLE	0xb00
#define CSR_MINSTRET	0xb02
#define CSR_MHPMCOUNTER31 0xb1f
#define CSR_MCYCLEH	0xb80
#define CSR_MINSTRETH	0xb82
#define CSR_MHPMCOUNTER31H 0xb9f
#define CSR_MVENDORID	0xf11
#define CSR_MARCHID	0xf12
#define CSR_MIMPID	0xf13
#define CSR_MHARTID	0xf14
#define CSR_MCONFIGPTR	0xf15
/* of sim_mcu_set_bare() */
#define CSR_SATP	0x180
#define CSR_MEDELEG	0x302
#define CSR_MIDELEG	0x303
#define CSR_MCOUNTEREN	0x306
#define CSR_TSELECT	0x7a0
#define CSR_TDATA3	0x7a3
#define CSR_CYCLE	0xc00
#define CSR_INSTRET	0xc02
#define CSR_CYCLEH	0xc80
#define CSR_INSTRETH	0xc82

#define MISA_RV32IMAC	(1u << 30 | 1u << ('I' - 'A') | 1u << ('M' - 'A') | 1u << ('A' - 'A') | \
			 1u << ('C' - 'A'))
#define MIE_MASK	(SIM_MCU_MSIP | SIM_MCU_MTIP | SIM_MCU_MEIP)
#define MTVEC_VECTORED	1u
#define MCAUSE_INTERRUPT 0x80000000u

/* CSRs that exist and read zero whatever is written. */
static bool csr_is_zero(const struct sim_mcu *mcu, uint32_t csr)
{
	if (mcu->bare && (csr == CSR_SATP || csr == CSR_MEDELEG || csr == CSR_MIDELEG ||
			  csr == CSR_MCOUNTEREN || (csr >= CSR_TSELECT && csr <= CSR_TDATA3)))
		return true;
	return csr == CSR_MSTATUSH || csr == CSR_MCOUNTINHIBIT ||
	       (csr >= CSR_MHPMEVENT3 && csr <= CSR_MHPMEVENT31) ||
	       (csr >= CSR_PMPCFG0 && csr <= CSR_PMPADDR63) ||
	       (csr > CSR_MINSTRET && csr <= CSR_MHPMCOUNTER31) ||
	       (csr > CSR_MINSTRETH && csr <= CSR_MHPMCOUNTER31H) ||
	       (csr >= CSR_MVENDORID && csr <= CSR_MCONFIGPTR);
}

bool mcu_csr_read(const struct sim_mcu *mcu, uint32_t csr, uint32_t *value)
{
	uint64_t cycle = mcu->retired + mcu->cycle_offset;
	uint64_t instret = mcu->retired + mcu->instret_offset;

	if (mcu->bare && (csr == CSR_CYCLE || csr == CSR_INSTRET || csr == CSR_CYCLEH ||
			  csr == CSR_INSTRETH))
		csr += CSR_MCYCLE - CSR_CYCLE;
	switch (csr) {
	case CSR_MSTATUS:
		*value = mcu->mstatus;
		return true;
	case CSR_MISA:
		*value = MISA_RV32IMAC;
		return true;
	case CSR_MIE:
		*value = mcu->mie;
		return true;
	case CSR_MTVEC:
		*value = mcu->mtvec;
		return true;
	case CSR_MSCRATCH:
		*value = mcu->mscratch;
		return true;
	case CSR_MEPC:
		*value = mcu->mepc;
		return true;
	case CSR_MCAUSE:
		*value = mcu->mcause;
		return true;
	case CSR_MTVAL:
		*value = mcu->mtval;
		return true;
	case CSR_MIP:
		*value = mcu->mip;
		return true;
	case CSR_MCYCLE:
		*value = (uint32_t)cycle;
		return true;
	case CSR_MCYCLEH:
		*value = (uint32_t)(cycle >> 32);
		return true;
	case CSR_MINSTRET:
		*value = (uint32_t)instret;
		return true;
	case CSR_MINSTRETH:
		*value = (uint32_t)(instret >> 32);
		return true;
	default:
		*value = 0;
		return csr_is_zero(mcu, csr);
	}
}

/* The instruction after the write sees the value written: this one's own retirement is left out. */
static void write_counter(const struct sim_mcu *mcu, uint64_t *offset, uint32_t value, bool high)
{
	uint64_t count = mcu->retired + *offset;

	count = high ? (uint64_t)value << 32 | (uint32_t)count :
		       (count & 0xffffffff00000000ull) | value;
	*offset = count - (mcu->retired + 1);
}

bool mcu_csr_write(struct sim_mcu *mcu, uint32_t csr, uint32_t value)
{
	switch (csr) {
	case CSR_MSTATUS:
		mcu->mstatus = (value & (SIM_MCU_MSTATUS_MIE | SIM_MCU_MSTATUS_MPIE)) |
			       SIM_MCU_MSTATUS_MPP;
		mcu->attention = true;
		return true;
	case CSR_MIE:
		mcu->mie = value & MIE_MASK;
		mcu->attention = true;
		return true;
	case CSR_MTVEC:
		mcu->mtvec = value & ~2u;
		return true;
	case CSR_MSCRATCH:
		mcu->mscratch = value;
		return true;
	case CSR_MEPC:
		mcu->mepc = value & ~1u;
		return true;
	case CSR_MCAUSE:
		mcu->mcause = value & (MCAUSE_INTERRUPT | 0x1f);
		return true;
	case CSR_MTVAL:
		mcu->mtval = value;
		return true;
	case CSR_MISA:
	case CSR_MIP:	/* the lines are the device's */
		return true;
	case CSR_MCYCLE:
	case CSR_MCYCLEH:
		write_counter(mcu, &mcu->cycle_offset, value, csr == CSR_MCYCLEH);
		return true;
	case CSR_MINSTRET:
	case CSR_MINSTRETH:
		write_counter(mcu, &mcu->instret_offset, value, csr == CSR_MINSTRETH);
		return true;
	default:
		return csr < CSR_MVENDORID && csr_is_zero(mcu, csr);
	}
}

static void enter_trap(struct sim_mcu *mcu, uint32_t cause, uint32_t tval)
{
	uint32_t vector = (mcu->mtvec & MTVEC_VECTORED) && (cause & MCAUSE_INTERRUPT) ?
			  4 * (cause & 0x1f) : 0;

	mcu->mepc = mcu->pc;
	mcu->mcause = cause;
	mcu->mtval = tval;
	mcu->mstatus = SIM_MCU_MSTATUS_MPP |
		       ((mcu->mstatus & SIM_MCU_MSTATUS_MIE) ? SIM_MCU_MSTATUS_MPIE : 0);
	mcu->pc = (mcu->mtvec & ~3u) + vector;
}

/*
 * A handler that traps before it retired anything would trap for ever; without a handler there is
 * nowhere to go.  Both stop the core with the cause left in the CSRs for whoever looks.
 */
void mcu_exception(struct sim_mcu *mcu, uint32_t cause, uint32_t tval)
{
	bool again = mcu->trapped_at == mcu->retired;

	if (again || !(mcu->mtvec & ~3u)) {
		if (!again) {
			mcu->mepc = mcu->pc;
			mcu->mcause = cause;
			mcu->mtval = tval;
		}
		mcu->locked_up = true;
		mcu->attention = true;
		return;
	}
	mcu->trapped_at = mcu->retired;
	enter_trap(mcu, cause, tval);
}

void mcu_take_interrupt(struct sim_mcu *mcu)
{
	uint32_t ready = mcu->mip & mcu->mie;
	uint32_t number;

	if (!ready || !(mcu->mstatus & SIM_MCU_MSTATUS_MIE))
		return;
	if (ready & SIM_MCU_MEIP)
		number = 11;
	else if (ready & SIM_MCU_MSIP)
		number = 3;
	else
		number = 7;
	if (!(mcu->mtvec & ~3u)) {
		mcu->mepc = mcu->pc;
		mcu->mcause = MCAUSE_INTERRUPT | number;
		mcu->mtval = 0;
		mcu->locked_up = true;
		return;
	}
	enter_trap(mcu, MCAUSE_INTERRUPT | number, 0);
}

void mcu_return(struct sim_mcu *mcu)
{
	mcu->pc = mcu->mepc;
	mcu->mstatus = SIM_MCU_MSTATUS_MPP | SIM_MCU_MSTATUS_MPIE |
		       ((mcu->mstatus & SIM_MCU_MSTATUS_MPIE) ? SIM_MCU_MSTATUS_MIE : 0);
	mcu->attention = true;
}
