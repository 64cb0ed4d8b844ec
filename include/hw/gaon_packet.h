/* SPDX-License-Identifier: MIT */
/* Queues and their 64-byte packets. Specification: Documentation/hw/queues.rst. */
#ifndef GAON_HW_PACKET_H
#define GAON_HW_PACKET_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define GAON_RING_LOG2_MIN	4
#define GAON_RING_LOG2_MAX	16

/* Queue state block, 64 bytes, 64-byte aligned, in the queue's address space. */
struct gaon_queue_state {
	uint64_t write;		/* producer: packets published */
	uint64_t reserved0;
	uint64_t read;		/* device: packets consumed (started in order, completed up to here) */
	uint64_t event_idx;	/* device: ring the doorbell when write passes this */
	uint32_t status;	/* device: GAON_QUEUE_* */
	uint32_t fault_type;	/* device: first fault since FAULT_CLEAR, GAON_FAULT_* */
	uint64_t fault_seq;	/* device: read index of the packet that faulted */
	uint64_t inside;	/* device: while SUSPENDED, 1: the packet at read has begun */
	uint64_t reserved1;
};

#define GAON_QUEUE_OK		0
#define GAON_QUEUE_SUSPENDED	1
#define GAON_QUEUE_FAULTED	2
#define GAON_QUEUE_RESET	3	/* work in flight was dropped by a reset */

/* A doorbell is due if the device asked to be woken at an index in [old, new). */
static inline int gaon_doorbell_due(uint64_t old_write, uint64_t new_write, uint64_t event_idx)
{
	return event_idx - old_write < new_write - old_write;
}

#define GAON_PKT_NOP		0x01
#define GAON_PKT_BARRIER	0x02
#define GAON_PKT_WAIT		0x03
#define GAON_PKT_SIGNAL		0x04
#define GAON_PKT_TIMESTAMP	0x05
#define GAON_PKT_LAUNCH		0x06
#define GAON_PKT_COPY		0x07
#define GAON_PKT_FILL		0x08
#define GAON_PKT_INDIRECT	0x09
#define GAON_PKT_CALL		0x0a	/* kernel-owned rings only */
#define GAON_PKT_LINK		0x0b	/* needs GAON_FEATURE_LINKS */
/* 0 is not a packet: a zeroed ring faults. */

#define GAON_PKT_F_BARRIER	(1u << 0)	/* start after all earlier packets of the queue completed */
#define GAON_PKT_F_EVENT	(1u << 1)	/* event record and interrupt on completion */
#define GAON_PKT_F_PROFILE	(1u << 2)	/* start and end cycles to profile_va of the list, or event */
#define GAON_PKT_F_VALUE_BASE	(1u << 3)	/* in INDIRECT lists: value_base is added to signal_value */
#define GAON_PKT_F_ARGS_BASE	(1u << 4)	/* in INDIRECT lists: args_base is added to args_va */
#define GAON_PKT_F_SIGNAL	(1u << 5)	/* store signal_value at signal_va on completion */
#define GAON_PKT_F_ADD		(1u << 6)	/* with SIGNAL: atomic add (HBM only) instead of a store */
#define GAON_PKT_F_DESC		(1u << 7)	/* COPY, FILL: payload names a struct gaon_copy_desc */
#define GAON_PKT_FLAGS		0xffu

#define GAON_SCOPE_NONE		0
#define GAON_SCOPE_DEVICE	1
#define GAON_SCOPE_HOST		2

#define GAON_WAIT_GE		0	/* value >= operand, unsigned */
#define GAON_WAIT_EQ		1
#define GAON_WAIT_MASK		2	/* (value & operand) != 0 */

#define GAON_LAUNCH_COOPERATIVE	(1u << 0)	/* a gang: at most as many workgroups as cores */

struct gaon_pkt_launch {
	uint64_t entry_va;
	uint64_t args_va;
	uint32_t grid[3];	/* each at least 1, product at most 2^31 */
	uint32_t spm_bytes;
	uint32_t stack_bytes;	/* multiple of 16; spm_bytes + stack_bytes + 4096 <= scratchpad */
	uint32_t launch_flags;
};

struct gaon_pkt_copy {		/* 1-D, any alignment; regions may not overlap */
	uint64_t dst_va;
	uint64_t src_va;
	uint64_t bytes;
	uint64_t reserved[2];
};

struct gaon_pkt_fill {
	uint64_t dst_va;
	uint64_t bytes;		/* multiple of pattern_size; dst aligned to it */
	uint64_t pattern;
	uint32_t pattern_size;	/* 1, 2, 4 or 8 */
	uint32_t reserved0;
	uint64_t reserved1;
};

struct gaon_pkt_wait {
	uint64_t va;		/* 8-byte aligned */
	uint64_t operand;
	uint32_t op;
	uint32_t reserved0;
	uint64_t reserved1[2];
};

struct gaon_pkt_timestamp {
	uint64_t va;		/* 8-byte aligned: cycle counter when the packet executes */
	uint64_t reserved[4];
};

struct gaon_pkt_list {		/* INDIRECT, CALL */
	uint64_t list_va;	/* 64-byte aligned array of packets */
	uint32_t count;		/* 1 to 2^20 */
	uint32_t reserved0;
	uint64_t value_base;
	uint64_t args_base;
	uint64_t reserved1;
};

struct gaon_pkt_desc {		/* COPY, FILL with F_DESC */
	uint64_t desc_va;	/* 8-byte aligned struct gaon_copy_desc */
	uint64_t reserved[4];
};

struct gaon_packet {
	uint8_t type;
	uint8_t scope;		/* acquire | release << 4, GAON_SCOPE_* */
	uint16_t flags;
	uint32_t tag;		/* the producer's; echoed in events and fault records */
	union {
		struct gaon_pkt_launch launch;
		struct gaon_pkt_copy copy;
		struct gaon_pkt_fill fill;
		struct gaon_pkt_wait wait;
		struct gaon_pkt_timestamp timestamp;
		struct gaon_pkt_list list;
		struct gaon_pkt_desc desc;
		uint64_t payload[5];	/* NOP, BARRIER, SIGNAL: zero */
	};
	uint64_t signal_va;	/* 8-byte aligned; 0 without F_SIGNAL */
	uint64_t signal_value;
};

/*
 * 2-D to 4-D copy or fill. Dimension 0 is a run of `bytes`; dimensions 1..3 have counts and strides.
 * FILL: src_va is the pattern (pattern_size bytes used), bytes and dst runs multiples of it.
 */
struct gaon_copy_desc {
	uint64_t dst_va;
	uint64_t src_va;
	uint64_t bytes;
	uint32_t count[3];	/* each at least 1 */
	uint32_t pattern_size;	/* FILL: 1, 2, 4, 8; COPY: 0 */
	int64_t dst_stride[3];
	int64_t src_stride[3];
};					/* 88 bytes */

#endif
