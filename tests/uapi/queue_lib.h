/* SPDX-License-Identifier: MIT */
/* What the programs of tests/uapi share that use queues. */
#ifndef GAON_TESTS_UAPI_QUEUE_LIB_H
#define GAON_TESTS_UAPI_QUEUE_LIB_H

#include <hw/gaon_debug.h>
#include <hw/gaon_event.h>
#include <hw/gaon_packet.h>

#include "uapi.h"

/* Where things are in the address spaces of these programs. */
#define LIB_MEM_VA	0x100000000ull
#define LIB_MEM_BYTES	0x100000ull

/*
 * A file with an address space, and memory that is mapped in it: the first half is free for the
 * test, rings and state blocks of user-mode queues are taken from the end.
 */
struct lib {
	int fd;
	bool lr;
	uint32_t vm;
	uint32_t bo;
	uint8_t *mem;
	uint64_t used;			/* from the end */
	volatile uint64_t *doorbells;	/* NULL: not mapped yet */
	uint64_t runs;			/* of lib_run() */
};

/* A queue of it. */
struct lib_queue {
	struct lib *lib;
	uint32_t id;
	uint32_t hw_id;
	uint32_t log2;
	uint64_t write;
	uint64_t ring_va;
	uint64_t state_va;
	struct gaon_packet *ring;
	struct gaon_queue_state *state;
	uint32_t doorbell_offset;
	uint64_t doorbell_mmap;
};

/* End the program if they fail. */
void lib_open(struct lib *lib, uint32_t vm_flags);
void lib_open_on(struct lib *lib, int fd, uint32_t vm_flags);
void lib_close(struct lib *lib);
/* One with a user-mode queue of 16 packets, both for long work. */
void lib_open_user(struct lib *lib, struct lib_queue *queue);

/* A user-mode queue whose ring and state block are in the memory; 0 or a positive errno. */
int lib_user_queue(struct lib *lib, struct lib_queue *queue, uint32_t log2, uint32_t priority,
		   uint64_t limit_cycles);
/* The same, of 16 packets, that can be debugged. */
int lib_debug_queue(struct lib *lib, struct lib_queue *queue);
/* A kernel-owned queue. */
int lib_kernel_queue(struct lib *lib, struct lib_queue *queue, uint32_t log2, uint32_t priority,
		     uint64_t limit_cycles);
int lib_queue_destroy(struct lib_queue *queue);
void lib_doorbell_map(struct lib *lib, struct lib_queue *queue);
/* Publishes a packet, and rings if it is due. */
void lib_push(struct lib_queue *queue, const struct gaon_packet *packet);
void lib_ring(struct lib_queue *queue);
/*
 * One packet of a user-mode queue, with a value behind it in the memory's first word, which nothing else
 * uses then; 0 or the error of the wait. A packet with a value of its own is expected to fault.
 */
int lib_run(struct lib_queue *queue, struct gaon_packet packet);

/* Device address of an offset of the memory. */
static inline uint64_t lib_va(uint64_t offset)
{
	return LIB_MEM_VA + offset;
}

static inline volatile uint64_t *lib_word(struct lib *lib, uint64_t offset)
{
	return (volatile uint64_t *)(lib->mem + offset);
}

/* Packets. */
struct gaon_packet lib_nop(uint64_t signal_va, uint64_t value, uint16_t flags);
struct gaon_packet lib_launch(uint64_t entry_va, uint64_t args_va, uint32_t grid);
struct gaon_packet lib_wait_packet(uint64_t va, uint64_t value);
struct gaon_packet lib_copy(uint64_t to, uint64_t from, uint64_t bytes);
struct gaon_packet lib_fill(uint64_t to, uint64_t bytes, uint64_t pattern);

/* WAIT until the word at an address is at least @value; 0 or a positive errno. */
int lib_wait(struct lib *lib, const volatile void *addr, uint64_t value, int64_t timeout_ms);
int lib_wait_op(struct lib *lib, const volatile void *addr, uint64_t value, uint32_t op,
		int64_t timeout_ns_abs);
int lib_state(struct lib_queue *queue, struct drm_gaon_queue_query *query, uint32_t flags);
int lib_clear(struct lib_queue *queue);
int64_t lib_now(void);

/* DRM_IOCTL_GAON_DEBUG; 0 or a positive errno. */
int lib_debug(struct lib_queue *queue, uint32_t op, uint64_t offset, void *data, uint64_t size);

/* The one workgroup of a launch that stands in the save area: its core, and what that has. */
struct lib_stopped {
	struct gaon_debug_state state;
	uint32_t core;
	struct gaon_save_core regs;
};

/* Suspends the queue; whether there is one. */
bool lib_debug_look(struct lib_queue *queue, struct lib_stopped *out);
int lib_debug_store(struct lib_queue *queue, struct lib_stopped *from);

/*
 * A launch that stops by itself, at an ebreak, of lib_code()'s; and stores @value at @va when it ends.
 * False: it does not in time.
 */
bool lib_debug_stand(struct lib_queue *queue, uint64_t va, uint64_t value, struct lib_stopped *out);
/* What stands there returns. 0 or a positive errno. */
int lib_debug_leave(struct lib_queue *queue);

/* Syncobjs. */
uint32_t lib_syncobj(int fd);
void lib_syncobj_destroy(int fd, uint32_t handle);
int lib_syncobj_wait(int fd, uint32_t handle, uint64_t point, int64_t timeout_ms);
/* Error of the fence of a binary syncobj that is signalled: 0 or negative. */
int lib_syncobj_status(int fd, uint32_t handle);

/* SUBMIT of one list; @wait and @signal are handles or 0, points 0: binary. */
int lib_submit(struct lib_queue *queue, uint64_t list_va, uint32_t count, uint32_t wait,
	       uint64_t wait_point, uint32_t signal, uint64_t signal_point);

/*
 * Code: an endless loop; an ebreak; a return; and so on. Copied to an offset and mapped executable
 * elsewhere.
 */
#define LIB_CODE_VA	0x200000000ull
#define LIB_CODE_SPIN	0x0
#define LIB_CODE_BREAK	0x40
#define LIB_CODE_RET	0x80
#define LIB_CODE_STORE	0xc0	/* stores 1 at the address in a0 */
#define LIB_CODE_UNTIL	0x100	/* until the word at the address in a0 is not 0 */
#define LIB_CODE_COUNT	0x120	/* counts at the address in a0, without end */
/*
 * A gang whose a0 is at least 16 bytes into memory that is all 0: each member counts rounds at a0 + 8 n
 * and looks, between two barriers, whether its neighbour has counted as many. When the word below a0 is
 * not 0 all end, after the same round, and store what they found wrong at a0 + 0x80 + 8 n.
 */
#define LIB_CODE_GANG	0x140
#define LIB_GANG_STOP	(-8)
#define LIB_GANG_WRONG	0x80
void lib_code(struct lib *lib);

#endif
