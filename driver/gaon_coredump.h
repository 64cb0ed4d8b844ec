/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_COREDUMP_H_
#define _GAON_COREDUMP_H_

#include <linux/types.h>

#include <hw/gaon_dump.h>

struct gaon_device;
struct gaon_file;
struct gaon_queue;
struct gaon_vm;

/** struct gaon_dump_packets - a note of packets */
struct gaon_dump_packets {
	/** @ring: what they are; count 0: there is none. */
	struct gaon_dump_ring ring;
	/** @packet: they. */
	struct gaon_packet packet[GAON_DUMP_PACKETS];
};

/** struct gaon_dump_out - where notes are written */
struct gaon_dump_out {
	/** @data: the file. */
	void *data;
	/** @size: room. */
	size_t size;
	/** @used: of it. Notes that do not fit are left out. */
	size_t used;
};

/** struct gaon_dump_address - an address that is looked up */
struct gaon_dump_address {
	/** @va: the address. */
	u64 va;
	/** @why: GAON_DUMP_ADDR_*. */
	u32 why;
};

/* gaon_coredump.c */
int gaon_coredump_init(struct gaon_device *gdev);
void gaon_coredump_stop(struct gaon_device *gdev);
void gaon_coredump_settle(struct gaon_file *gfile);
void gaon_coredump_fault(struct gaon_queue *queue, const struct gaon_fault_record *fault, u32 kind);
void gaon_coredump_reset(struct gaon_device *gdev, u32 kind, const char *why);
void gaon_dump_window(struct gaon_dump_ring *ring, u64 fault, u64 end, u64 size);
void gaon_dump_note(struct gaon_dump_out *out, const char *owner, u32 type, const void *head,
		    size_t head_bytes, const void *tail, size_t tail_bytes);

/* gaon_coredump_space.c: in the address space of the culprit; sleep and allocate */
void gaon_dump_user_ring(struct gaon_vm *vm, struct gaon_queue *queue,
			 struct gaon_dump_packets *out);
void gaon_dump_list(struct gaon_vm *vm, const struct gaon_dump_packets *ring,
		    const struct gaon_fault_record *fault, struct gaon_dump_packets *out);
void gaon_dump_address(struct gaon_dump_out *out, struct gaon_vm *vm,
		       const struct gaon_dump_address *address);

#endif
