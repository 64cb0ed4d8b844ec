/* SPDX-License-Identifier: MIT */
/*
 * What a debugger finds in the save area of a queue that was created with GAON_QUEUE_F_DEBUG.
 * Specification: Documentation/hw/debug.rst.
 */
#ifndef GAON_HW_DEBUG_H
#define GAON_HW_DEBUG_H

#include "gaon_event.h"

/* Offsets in the save area */
#define GAON_SAVE_DEBUG		7680	/* struct gaon_debug_state */
#define GAON_SAVE_CORES		8192	/* core i is GAON_SAVE_CORES + i * stride */
#define GAON_SAVE_VECTOR	4096	/* from there, in a core's part: vector registers, scratchpad */

/* Why a workgroup stopped */
#define GAON_STOP_NONE		0	/* another workgroup stopped, or the queue was preempted */
#define GAON_STOP_FAULT		1	/* gaon_save_core.fault says at what; BREAK: a breakpoint */
#define GAON_STOP_STEP		2	/* it has executed the instruction that was asked for */

/* A launch that is in the save area; bits of the masks are cores. */
struct gaon_debug_state {
	uint32_t size;		/* of this; 0: no launch is saved */
	uint32_t cores;		/* that have a part in the launch */
	uint64_t active;	/* hold a workgroup that has begun: their parts of the save area are valid */
	uint64_t stopped;	/* for a reason of their own */
	uint64_t step;		/* rw: execute one instruction, then the launch stops again */
	uint64_t hold;		/* rw: do nothing, and begin nothing, until it has stopped again */
	uint64_t pass;		/* rw: the fault that stopped it takes place */
	uint64_t entry;		/* of the launch: where its kernel begins */
	uint64_t args;		/* its arguments */
	uint32_t grid[3];
	uint32_t tag;		/* the packet's */
	uint64_t launch;	/* as CSR LAUNCH_ID */
	uint32_t spm_bytes;	/* the launch's part of the scratchpad, in whole pages */
	uint32_t stack_bytes;	/* the stack, at its end, in whole pages */
	uint64_t reserved[4];
};				/* 128 bytes */

/* A core's part; the registers may be changed, and then the next instruction finds them so. */
struct gaon_save_core {
	uint64_t x[32];
	uint64_t f[32];
	uint64_t pc;
	uint64_t vtype;
	uint32_t vl, vstart;
	uint32_t fcsr, vcsr;
	uint32_t vector;	/* 1: vector registers are in the save area; 0: they are all 0 */
	uint32_t stop;		/* GAON_STOP_* */
	uint64_t instret;	/* instructions of the workgroup so far */
	uint64_t cycles;	/* that it took, in sixteenths */
	uint64_t workgroup;	/* linear id */
	uint64_t reserved[8];
	struct gaon_fault_record fault;	/* with GAON_STOP_FAULT */
};				/* 704 bytes */

#endif
