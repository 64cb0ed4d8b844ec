/* SPDX-License-Identifier: MIT */
/*
 * What the stub (stub.c) talks about: workgroups that are stopped, their registers, memory, breakpoints, and
 * how they go on. target.c has it of the process's device; tests/fuzz has one of its own. The agent's thread
 * calls, with the agent's lock held.
 */
#ifndef GAON_DEBUG_TARGET_H
#define GAON_DEBUG_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hw/gaon_debug.h>

/* Registers by gdb's numbers: as target.xml has them in order. */
enum {
	REG_X0, REG_PC = 32, REG_F0, REG_FFLAGS = 65, REG_FRM, REG_FCSR, REG_VSTART, REG_VXSAT,
	REG_VXRM, REG_VCSR, REG_VL, REG_VTYPE, REG_VLENB, REG_INSTRET, REG_V0, REG_COUNT = REG_V0 + 32,
};

#define REG_BYTES_MAX	8192u		/* of a vector register */

/* How gdb numbers signals. */
enum {
	SIGNAL_NONE = 0, SIGNAL_INT = 2, SIGNAL_ILL = 4, SIGNAL_TRAP = 5, SIGNAL_ABRT = 6,
	SIGNAL_BUS = 10, SIGNAL_SEGV = 11, SIGNAL_SYS = 12, SIGNAL_XCPU = 24,
};

/* A workgroup that has begun. */
struct target_thread {
	uint64_t id;			/* not 0; the same at each stop, never another's */
	uint32_t core;
	uint8_t signal;			/* why it stopped by itself, or NONE */
	bool breakpoint;		/* at one that was asked for */
};

enum target_action { TARGET_STAY, TARGET_GO, TARGET_STEP };

/* Threads of the last stop. */
size_t target_thread_count(void);
const struct target_thread *target_thread(size_t index);
/* "kernel saxpy, workgroup (1,0,0) of (4,1,1), core 1, ..." */
void target_describe(size_t index, char *text, size_t size);

/* Bytes of a register, 0: there is none of that number. */
size_t target_reg_bytes(unsigned int reg);
bool target_reg_read(size_t thread, unsigned int reg, void *value);
bool target_reg_write(size_t thread, unsigned int reg, const void *value);

/* As @thread sees memory; how many bytes from the first on. Breakpoints do not show. */
size_t target_mem_read(size_t thread, uint64_t va, void *data, size_t bytes);
size_t target_mem_write(size_t thread, uint64_t va, const void *data, size_t bytes);

bool target_break_set(uint64_t va, unsigned int bytes);
bool target_break_clear(uint64_t va, unsigned int bytes);

/* Of the thread, when it is let go on; @pass: the fault that stopped it takes place. */
void target_plan(size_t thread, enum target_action action, bool pass);
/* As planned; @others: what has not begun yet, and all other queues, too. False: nothing can. */
bool target_resume(bool others);
/* Forget all breakpoints and debug no more. */
void target_detach(void);
void target_kill(void);

/* Path of an executable without contents: gdb looks at libraries only if it has one. */
const char *target_executable(void);
/* <library-list> as qXfer:libraries wants it; NULL: no memory. The caller frees it. */
char *target_libraries(void);
uint32_t target_vlen(void);

#endif
