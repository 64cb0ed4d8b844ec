/* SPDX-License-Identifier: MIT */
/* Event rings and fault records. Specification: Documentation/hw/events.rst, faults.rst. */
#ifndef GAON_HW_EVENT_H
#define GAON_HW_EVENT_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define GAON_FAULT_NONE			0
#define GAON_FAULT_PAGE			1	/* no valid translation */
#define GAON_FAULT_PERMISSION		2	/* translation forbids the access */
#define GAON_FAULT_ILLEGAL		3	/* illegal instruction; syndrome: its bits */
#define GAON_FAULT_MISALIGNED		4	/* atomic or fetch */
#define GAON_FAULT_WATCHDOG		5	/* launch exceeded its cycle limit */
#define GAON_FAULT_BAD_PACKET		6	/* syndrome: GAON_BADPKT_* */
#define GAON_FAULT_SPM_BOUNDS		7
#define GAON_FAULT_ECC			8	/* uncorrectable error or poison consumed */
#define GAON_FAULT_LINK			9
#define GAON_FAULT_FIRMWARE		10
#define GAON_FAULT_RESET		11	/* work dropped by a reset that another queue caused */
#define GAON_FAULT_BREAK		12	/* ebreak: a failed assertion */
#define GAON_FAULT_ECALL		13
#define GAON_FAULT_BUS			14	/* nothing at the address, or atomics on host memory */
#define GAON_FAULT_BAD_DESCRIPTOR	15	/* gemm, dma or copy descriptor; syndrome: GAON_BADDESC_* */
#define GAON_FAULT_PREEMPT		16	/* did not drain within preempt_ms */
#define GAON_FAULT_TYPES		17

#define GAON_ACCESS_NONE		0
#define GAON_ACCESS_FETCH		1
#define GAON_ACCESS_READ		2
#define GAON_ACCESS_WRITE		3
#define GAON_ACCESS_ATOMIC		4

#define GAON_BADPKT_TYPE		1
#define GAON_BADPKT_FLAGS		2
#define GAON_BADPKT_RESERVED		3
#define GAON_BADPKT_ALIGN		4
#define GAON_BADPKT_RANGE		5	/* count, size or address out of range */
#define GAON_BADPKT_NESTED		6	/* INDIRECT inside INDIRECT, CALL inside any list */
#define GAON_BADPKT_OWNER		7	/* WAIT inside CALL, CALL in a user-mode ring */
#define GAON_BADPKT_GRID		8
#define GAON_BADPKT_SPM			9
#define GAON_BADPKT_FEATURE		10
#define GAON_BADPKT_INDEX		11	/* write index ran ahead of the ring */

#define GAON_BADDESC_TYPE		1
#define GAON_BADDESC_FLAGS		2
#define GAON_BADDESC_RESERVED		3
#define GAON_BADDESC_ALIGN		4
#define GAON_BADDESC_RANGE		5
#define GAON_BADDESC_OVERLAP		6
#define GAON_BADDESC_ENGINE		7

#define GAON_FAULT_CORE_NONE		0xff	/* queue engine, copy engine */

struct gaon_fault_record {
	uint16_t type;		/* GAON_FAULT_* */
	uint8_t access;		/* GAON_ACCESS_* */
	uint8_t core;
	uint32_t context;
	uint32_t queue;
	uint32_t workgroup;	/* linear id */
	uint64_t sequence;	/* read index of the packet in its ring */
	uint64_t pc;
	uint64_t va;
	uint64_t syndrome;
	uint64_t cycle;
	uint32_t tag;		/* the packet's */
	uint32_t list_index;	/* inside INDIRECT or CALL, else 0 */
};				/* 64 bytes */

/*
 * What a core keeps of the last workgroup that was dropped on it, for who looks for the cause: kept when
 * the core or another of its launch faults, and when a stop or a reset drops the launch. CORE_STATE reads it.
 */
struct gaon_core_state {
	uint32_t size;		/* of this; 0: nothing is kept */
	uint16_t type;		/* GAON_FAULT_*: its own fault; NONE: dropped for another reason */
	uint8_t core;
	uint8_t reserved0;
	uint32_t context;
	uint32_t queue;
	uint64_t sequence;	/* read index of the packet in its ring */
	uint64_t cycle;
	uint64_t workgroup;	/* linear id */
	uint64_t pc;
	uint64_t entry;		/* of the launch, as its arguments and grid */
	uint64_t args;
	uint32_t grid[3];
	uint32_t tag;		/* the packet's */
	uint64_t instret;	/* instructions of the workgroup so far */
	uint64_t vtype;
	uint32_t vl;
	uint32_t vstart;
	uint32_t fcsr;
	uint32_t vcsr;
	uint64_t x[32];
	uint64_t f[32];
	uint64_t reserved1[2];
};				/* 640 bytes */

#define GAON_EVENT_PACKET		1	/* a packet with F_EVENT completed */
#define GAON_EVENT_FAULT		2	/* `fault` is filled */
#define GAON_EVENT_STATE		3	/* device state changed; value: GAON_STATE_* */
#define GAON_EVENT_RAS			4	/* value: GAON_RAS_*, the counter that went up */
#define GAON_EVENT_THROTTLE		5	/* value: GAON_THROTTLE_*, now, and the clock in kHz << 32 */
#define GAON_EVENT_STOP			6	/* stopped for its debugger; value: the cores that did */
#define GAON_EVENT_F_LOST		(1u << 0)	/* records before this one were dropped: rescan */

/*
 * Counters of errors: value of a RAS record. With GAON_FEATURE_ERRORS also where: fault.va is the offset of
 * an error of HBM (without it only of HBM_UE), fault.core is the core, fault.syndrome the link.
 */
#define GAON_RAS_HBM_CE			0
#define GAON_RAS_HBM_UE			1
#define GAON_RAS_SPM_CE			2
#define GAON_RAS_SPM_UE			3
#define GAON_RAS_LINK_CE		4
#define GAON_RAS_LINK_UE		5
#define GAON_RAS_COUNTERS		6

struct gaon_event {
	uint16_t type;
	uint16_t flags;
	uint32_t context;
	uint32_t queue;
	uint32_t tag;
	uint64_t sequence;	/* read index of the packet */
	uint64_t value;		/* signal_value of the packet, or as the type says */
	uint64_t start_cycle, end_cycle;	/* with F_PROFILE */
	uint64_t reserved;
	uint64_t valid;		/* index of this record + 1, written last */
	struct gaon_fault_record fault;
};				/* 128 bytes */

#endif
