/* SPDX-License-Identifier: MIT */
/*
 * A coredump of a card, as the driver writes it for devcoredump and `gaon coredump` reads it.
 * Specification: Documentation/admin/coredump.rst.
 *
 * The file is an ELF core of RISC-V (ET_CORE) with one segment, of notes. Those of the owner "GAON"
 * are described here; their types are GAON_DUMP_*, which are nobody else's: many readers ignore
 * owners. For each core that kept a state there are notes of the owner "CORE" besides, from which
 * debuggers show the registers.
 *
 * A note may be longer than its structure here, never shorter: fields are added at the end. A reader
 * ignores types that it does not know. What changes otherwise is another GAON_DUMP_VERSION.
 */
#ifndef GAON_HW_DUMP_H
#define GAON_HW_DUMP_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#include "gaon_event.h"
#include "gaon_packet.h"
#include "gaon_pte.h"

#define GAON_DUMP_VERSION	1

#define GAON_DUMP_INCIDENT	0x47410001	/* struct gaon_dump_incident; the first note */
#define GAON_DUMP_FAULT		0x47410002	/* struct gaon_fault_record */
#define GAON_DUMP_QUEUE		0x47410003	/* struct gaon_dump_queue; one note per queue */
#define GAON_DUMP_RING		0x47410004	/* struct gaon_dump_ring, then its packets */
#define GAON_DUMP_REGISTERS	0x47410005	/* struct gaon_dump_register, as many as fit the note */
#define GAON_DUMP_WALK		0x47410006	/* struct gaon_dump_walk */
#define GAON_DUMP_MAPPING	0x47410007	/* struct gaon_dump_mapping */
#define GAON_DUMP_CORE		0x47410008	/* struct gaon_core_state, of a core that kept one */
#define GAON_DUMP_LOG		0x47410009	/* the firmware's log: text */
#define GAON_DUMP_IDENTIFY	0x4741000a	/* struct gaon_identify */
#define GAON_DUMP_TELEMETRY	0x4741000b	/* struct gaon_telemetry */

/* What happened: kind of an incident. */
#define GAON_DUMP_KIND_FAULT	1	/* the device reported a fault of a queue */
#define GAON_DUMP_KIND_TIMEOUT	2	/* a job took longer than the driver lets it */
#define GAON_DUMP_KIND_ENGINES	3	/* all engines were reset */
#define GAON_DUMP_KIND_DEVICE	4	/* the whole device was reset */
#define GAON_DUMP_KIND_FIRMWARE	5	/* the firmware was lost, and is started anew */

struct gaon_dump_incident {
	uint32_t version;	/* GAON_DUMP_VERSION */
	uint32_t kind;		/* GAON_DUMP_KIND_* */
	uint64_t time_ns;	/* since 1970 */
	uint64_t delay_ns;	/* from then until memory and tables were looked at */
	uint32_t context;	/* whose; 0: of no single one */
	uint32_t queue;		/* with a context: the device's number of the queue */
	uint32_t pid;		/* who opened it; 0: not known */
	uint32_t missed;	/* incidents before this one, of which there is no dump */
	uint32_t resets[3];	/* of queues, engines and device, before */
	uint32_t fw_version;	/* as FW_VERSION reads */
	char process[16];	/* name of @pid */
	char device[32];	/* its address */
	char driver[32];	/* version of the driver */
	char kernel[64];	/* release of the kernel */
	char why[128];		/* of a reset: its cause, in words */
};

#define GAON_DUMP_QUEUE_KERNEL	(1u << 0)	/* kernel-owned */
#define GAON_DUMP_QUEUE_CULPRIT	(1u << 1)	/* of the incident */
#define GAON_DUMP_QUEUE_FAULTED	(1u << 2)
#define GAON_DUMP_QUEUE_RESET	(1u << 3)	/* its work was dropped */
#define GAON_DUMP_QUEUE_GUILTY	(1u << 4)	/* by its own fault */
#define GAON_DUMP_QUEUE_DEAD	(1u << 5)	/* a reset took it away */
#define GAON_DUMP_QUEUES_MAX	64		/* notes of queues in a file; the culprit's is among them */

struct gaon_dump_queue {
	uint32_t id;		/* the device's number */
	uint32_t context;
	uint32_t flags;		/* GAON_DUMP_QUEUE_* */
	uint32_t priority;	/* GAON_PRIORITY_* */
	uint32_t pid;
	uint32_t fault_type;	/* first fault, GAON_FAULT_* */
	char process[16];
	uint64_t ring_va;
	uint32_t ring_log2;
	uint32_t reserved;
	uint64_t submitted;	/* of a kernel-owned queue: jobs */
	uint64_t completed;
	uint64_t lost;
};

#define GAON_DUMP_RING_QUEUE	0	/* the queue's ring */
#define GAON_DUMP_RING_LIST	1	/* the list that a CALL or INDIRECT of it names */
#define GAON_DUMP_PACKETS	24	/* in a note, at most */

struct gaon_dump_ring {
	uint32_t what;		/* GAON_DUMP_RING_* */
	uint32_t count;		/* packets behind this structure */
	uint64_t va;		/* of the first of them */
	uint64_t first;		/* its index: in the ring as the queue counts, in the list from 0 */
	uint64_t fault;		/* index of the packet at which it stopped; all ones: not known */
	uint64_t write;		/* of a ring: the producer's index; all ones: not known */
	uint64_t reserved;
};

struct gaon_dump_register {
	uint32_t offset;	/* GAON_REG_*, in BAR0 */
	uint32_t value;
};

/* Why an address is in a dump. */
#define GAON_DUMP_ADDR_FAULT	0	/* the access failed there */
#define GAON_DUMP_ADDR_PC	1	/* the instruction */
#define GAON_DUMP_ADDR_ENTRY	2	/* the launch's kernel */
#define GAON_DUMP_ADDR_ARGS	3	/* its arguments */
#define GAON_DUMP_ADDR_KINDS	4

/* From the root down, by the tables in host memory. */
struct gaon_dump_walk {
	uint64_t va;
	uint32_t why;			/* GAON_DUMP_ADDR_* */
	uint32_t levels;		/* entries that were read; the last is a leaf, or not valid */
	uint64_t table[GAON_PT_LEVELS];	/* physical address of the table; from level 3 down */
	uint64_t entry[GAON_PT_LEVELS];
};

#define GAON_DUMP_PLACE_NONE	0	/* no memory */
#define GAON_DUMP_PLACE_HBM	1
#define GAON_DUMP_PLACE_HOST	2
#define GAON_DUMP_PLACE_USER	3	/* the process' own memory */

/* At an address, or the nearest below and above it. */
struct gaon_dump_mapping {
	uint64_t address;	/* for which it is here */
	uint32_t why;		/* GAON_DUMP_ADDR_* */
	uint32_t place;		/* GAON_DUMP_PLACE_* */
	uint64_t va;
	uint64_t bytes;
	uint64_t offset;	/* in the object */
	uint64_t prot;		/* GAON_PTE_R, W, X */
	char name[32];		/* that its owner gave the object; not trusted */
};

#endif
