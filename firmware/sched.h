/* SPDX-License-Identifier: MIT */
/* Contexts, queues and slots: the tables and the calls between context.c, queue.c and sched.c. */
#ifndef GAON_FW_SCHED_H
#define GAON_FW_SCHED_H

#include <hw/gaon_pte.h>

#include "fw.h"

/* Where a queue is. */
enum queue_place {
	QUEUE_FREE,
	QUEUE_OUT,			/* in no slot */
	QUEUE_IN,			/* in a slot that runs, waits or sleeps */
	QUEUE_STOPPING,			/* in a slot; a STOPPED or FAULT event will come */
	QUEUE_HELD,			/* in a slot that is STOPPED or FAULTED */
};

/* Whether it may run at all. */
enum queue_condition {
	QUEUE_GOOD,
	QUEUE_BROKEN,			/* faulted; until FAULT_CLEAR */
	QUEUE_DROPPED,			/* its work was dropped by a reset; until FAULT_CLEAR */
};

struct fw_queue {
	uint64_t ring_va, state_va, save_va;
	uint64_t read;			/* the device's read index while OUT */
	uint64_t busy, copied;		/* cycles in cores, of copy engines, while OUT */
	uint64_t slice, limit;		/* cycles */
	struct fw_ticket op;		/* the command under way */
	uint32_t preemptions;
	uint16_t context;
	uint16_t doorbell;
	uint16_t slot;
	uint16_t sibling;		/* next queue of the context */
	uint16_t next, previous;	/* in its ready list */
	uint8_t place, condition;
	uint8_t kind, priority, ring_log2;
	uint8_t rank;			/* of the ready list that it is in */
	bool ready;
	bool saved;			/* a launch is in the save area */
	bool asleep;			/* it was when it left its slot, and nobody has rung since */
	bool suspended;			/* by its own SUSPEND, or stopped for its debugger */
	bool debug;			/* its workgroups stop instead of faulting */
	bool stopped;			/* they did, until RESUME */
	bool drop;			/* must end DROPPED */
	bool adopt;			/* only its state block knows its read index */
	bool timed_out;			/* the command under way answers TIMEOUT */
	bool late;			/* others were reset because it did not stop; until FAULT_CLEAR */
	bool context_waits;		/* counted in its context's command */
	bool engine_waits;		/* counted in ENGINE_RESET */
};

struct fw_context {
	struct fw_ticket op;
	uint16_t asid;
	uint16_t first;			/* queue */
	uint16_t waiting;		/* queues that the command still waits for */
	bool used;
	bool suspended;
	bool timed_out;
};

struct fw_slot {
	uint64_t loaded;		/* host time of LOAD or RUN */
	uint16_t queue;
	uint8_t ticks;			/* of the stop deadline that passed */
	uint8_t age;			/* contended ticks since LOAD or RUN, at most EVICT_TICKS */
	bool killing;
	bool evict;			/* once stopped it must leave */
};

extern struct fw_context contexts[GAON_CONTEXTS];
extern struct fw_queue queues[GAON_QUEUES];
extern struct fw_slot slots[FW_SLOTS_MAX];

/* context.c */
struct fw_context *context_find(uint32_t id);
/* A queue did what the context's command wants, or is gone. */
void context_queue_done(struct fw_queue *q);
/* The context did not stop in time: all its queues end DROPPED. */
void context_kill(uint16_t id);

/* queue.c */
uint16_t queue_id(const struct fw_queue *q);
bool queue_runnable(const struct fw_queue *q);
/* Something is wanted of the queue that keeps it from just running. */
bool queue_has_goal(const struct fw_queue *q);
/* It must be bound to a slot, without running, to get a new read index and status. */
bool queue_needs_hold(const struct fw_queue *q);
/* Takes the queue as far towards its goals as it goes without waiting. */
void queue_drive(struct fw_queue *q);
void queue_make_ready(struct fw_queue *q);
/* It could not even be bound to a slot: a reset counts as done, a clear has failed. */
void queue_give_up(struct fw_queue *q);

/* slot.c: the hardware's commands; false when it refused */
uint32_t slot_status(uint16_t slot);
bool slot_command(uint16_t slot, uint32_t command);
void slot_load(uint16_t slot, struct fw_queue *q, bool hold);
bool slot_unload(struct fw_queue *q);
/* Has a workgroup stopped it? Then the queue is suspended, for its debugger. */
bool slot_debug_stopped(struct fw_queue *q);
void slot_stop(struct fw_queue *q, bool kill);
bool slot_run(struct fw_queue *q);

/* ready.c: queues that want a slot, by rank; a higher rank goes first */
#define READY_RANKS		9
#define READY_CONTROL		8	/* for a moment only, to be reset or cleared */
void ready_init(void);
void ready_add(struct fw_queue *q);
void ready_remove(struct fw_queue *q);
struct fw_queue *ready_first(void);
uint32_t ready_count(void);
uint32_t ready_want(void);		/* value of SLOT_WANT */
uint8_t queue_rank(const struct fw_queue *q);

/* sched.c */
void sched_init(uint32_t slot_count);
uint32_t sched_slot_count(void);
/* Events and doorbells, a bounded number; true if there are more. */
bool sched_events(void);
bool sched_doorbells(void);
/* Fills slots; call after anything above. */
void sched_run(void);
/* Acts on deadlines that passed; when the next one is. */
void sched_service(void);
uint64_t sched_deadline(void);
/* All slots whose work an engine reset drops; the number of them. */
uint32_t sched_reset_engines(void);
/* reset.c: one of them is DROPPED now. */
void engine_queue_done(struct fw_queue *q);
/* An engine reset that no command asked for. */
void engine_reset_internal(void);

#endif
