/* SPDX-License-Identifier: MIT */
/*
 * Soak and chaos: everything that can happen to the driver happens at once, in an order that follows from
 * a seed, and what clients compute meanwhile is right.
 *
 * main.c has the options, main loop and end; plan.c draws what comes next; crew.c starts and ends
 * processes; chaos.c does things to the card. client.c opens what a well-behaved client has, good.c is
 * such a client by bare ioctls, library.c one by libgaon, bad.c those that mean no good, pressure.c those
 * that take what others need. klog.c reads the kernel's log, report.c says what happened.
 */
#ifndef GAON_TESTS_UAPI_SOAK_H
#define GAON_TESTS_UAPI_SOAK_H

#include <regex.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "../fuzz/fuzz.h"
#include "../queue_lib.h"

/* --- what happens ----------------------------------------------------------------------------------- */

/* Clients whose work must be right. */
enum soak_good {
	SOAK_GOOD_USER,		/* bare ioctls, user-mode queue */
	SOAK_GOOD_KERNEL,	/* bare ioctls, kernel-owned queue */
	SOAK_GOOD_LIBRARY_USER,
	SOAK_GOOD_LIBRARY_KERNEL,
	SOAK_GOODS
};

enum soak_bad {
	SOAK_BAD_FAULT,		/* page faults, illegal instructions, limits; is told of each */
	SOAK_BAD_ENDLESS,	/* loops without end in both kinds of queues */
	SOAK_BAD_RING,		/* garbage in rings and lists */
	SOAK_BAD_CALLS,		/* garbage in ioctls: tests/uapi/fuzz */
	SOAK_BAD_CLOSE,		/* closes in odd orders, keeps what outlives a file */
	SOAK_BAD_FORK,		/* children that keep files and mappings */
	SOAK_BAD_OWN,		/* takes its own memory away under DMA */
	SOAK_BADS
};

enum soak_pressure {
	SOAK_PRESSURE_HBM,	/* more objects than HBM holds, all of them used */
	SOAK_PRESSURE_CGROUP,	/* a memory cgroup that is full */
	SOAK_PRESSURE_HOST,	/* nearly all memory of the host */
	SOAK_PRESSURE_CPU,
	SOAK_PRESSURE_READERS,	/* everything that can be read of the card */
	SOAK_PRESSURES
};

enum soak_chaos {
	SOAK_CHAOS_ENGINES,	/* debugfs */
	SOAK_CHAOS_DEVICE,	/* debugfs */
	SOAK_CHAOS_FLR,		/* sysfs */
	SOAK_CHAOS_REBIND,
	SOAK_CHAOS_RESCAN,	/* the function is removed and found again */
	SOAK_CHAOS_BOTH,	/* a reset while the driver is unbound */
	SOAK_CHAOS_RESTART,	/* of the firmware, by debugfs */
	SOAK_CHAOSES
};

enum soak_action {
	SOAK_ACTION_GOOD,	/* in an empty place a client is started; else the one there is ended */
	SOAK_ACTION_BAD,
	SOAK_ACTION_PRESSURE,
	SOAK_ACTION_CHAOS,
	SOAK_ACTIONS
};

struct soak_event {
	enum soak_action action;
	unsigned int kind;	/* of the enumeration above that belongs to the action */
	unsigned int place;	/* of the crew */
	unsigned int pause_ms;	/* before it */
	bool kill;		/* ended by SIGKILL, not asked to end */
	uint64_t seed;		/* of the client */
};

/* The event number @step of a seed: always the same. */
struct soak_event soak_plan(uint64_t seed, uint64_t step);
const char *soak_kind_name(enum soak_action action, unsigned int kind);
unsigned int soak_kinds(enum soak_action action);

/* --- what all processes share ------------------------------------------------------------------------ */

#define SOAK_PLACES	5	/* of each action that starts processes */
#define SOAK_WRONGS	8
#define SOAK_WRONG_TEXT	256

struct soak_place {
	_Atomic bool stop;		/* end when the round is over */
	_Atomic int64_t beat;		/* when it last got somewhere, lib_now() */
};

struct soak_shared {
	/*
	 * Events that may cost others their work: how many have begun, and how many are over. A client that
	 * is told of a loss, but opened after the end of all that had begun, complains.
	 */
	_Atomic uint64_t begun, over;
	_Atomic uint64_t rounds[SOAK_GOODS];
	_Atomic uint64_t jobs;		/* whose results were looked at, and right */
	_Atomic uint64_t bytes;
	_Atomic uint64_t opened;	/* address spaces with a queue, and devices of libgaon */
	_Atomic uint64_t lost;		/* clients that were told that all is lost, and opened anew */
	_Atomic uint64_t dropped;	/* clients that were told that work is lost, and went on */
	_Atomic uint64_t own;		/* of these, for resets that the firmware did by itself */
	_Atomic uint64_t refused;	/* calls without room */
	_Atomic uint64_t faults[GAON_FAULT_TYPES];	/* bad clients were told of */
	_Atomic uint64_t bad_rounds[SOAK_BADS], pressure_rounds[SOAK_PRESSURES];
	_Atomic unsigned int wrongs;
	char wrong[SOAK_WRONGS][SOAK_WRONG_TEXT];
	struct soak_place place[SOAK_ACTIONS][SOAK_PLACES];
	struct fuzz_shared fuzz;
};

/* What a process knows of itself. */
struct soak_self {
	struct soak_shared *shared;
	struct soak_place *place;
	struct fuzz_rng rng;
	uint64_t seed;
	unsigned int kind;
	uint64_t round;
	uint64_t over;		/* of the shared ones, when it last had nothing to lose */
	uint64_t resets;	/* of the engines, by whomever, then */
};

/* Something is not as it must be: kept for the report, and the run ends. */
void soak_wrong(const struct soak_self *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
void soak_beat(struct soak_self *self);
bool soak_stopped(const struct soak_self *self);
/* What comes is new: what happened before costs nothing any more. */
void soak_begin(struct soak_self *self);
/* A loss of all that nothing explains is a complaint. */
void soak_told(struct soak_self *self, const char *of_what);
/* Work was dropped: false if nothing explains that. The firmware resets the engines also by itself. */
bool soak_dropped(struct soak_self *self);
/* Times are for a fast machine; $GAON_SLOW makes them longer. */
int64_t soak_ms(int64_t ms);

#define SOAK_LATE_MS		20000		/* what there is to see is printed */
#define SOAK_PATIENCE_MS	120000
/* The card's file, however often it came and went; -1 and errno. */
int soak_open_node(void);

/* --- clients ---------------------------------------------------------------------------------------- */

/* Each runs until it is told to stop; its exit status is 0. */
void soak_good(struct soak_self *self);
void soak_library(struct soak_self *self);
void soak_bad(struct soak_self *self);
void soak_pressure(struct soak_self *self);

#define SOAK_AREAS	5
#define SOAK_AREA_BYTES	0x40000u
#define SOAK_AREA_VA(i)	(0x300000000ull + (i) * 0x10000000ull)

/* Memory that a client's data goes through. */
struct soak_area {
	const char *name;
	uint8_t *cpu;		/* NULL: the CPU does not reach it */
	/* What was put there last, and must be there still. 0 bytes: nobody knows what is there. */
	uint64_t at, bytes, sum;
};

struct soak_client {
	struct soak_self *self;
	bool lr;
	struct lib lib;
	struct lib_queue queue;
	uint32_t done;		/* a syncobj */
	uint64_t value;
	struct soak_area areas[SOAK_AREAS];
	uint8_t *own;
	int buf;		/* a dma-buf */
	uint8_t *buf_cpu;
};

enum soak_verdict {
	SOAK_FINE,
	SOAK_RETRY,		/* no room, or not now */
	SOAK_DROPPED,		/* the queue's work is lost, and it goes on */
	SOAK_LOST,		/* close, and open again */
	SOAK_WRONG		/* has been told */
};

/* 0 or a positive errno. Whatever is there has to be closed then, too. */
int soak_client_open(struct soak_client *client, struct soak_self *self, bool lr);
void soak_client_close(struct soak_client *client);
/* What an error means. A queue that was stopped for others' sake goes on when it returns. */
enum soak_verdict soak_client_judge(struct soak_client *client, int err, const char *doing);
/* What was read, @seen, is not what it must be: whether the client is told, now, of a loss. */
enum soak_verdict soak_client_doubt(struct soak_client *client, const char *what, const void *seen,
				    uint64_t bytes);

/* Where things are in a client's memory. */
#define SOAK_WORD	0x1000
#define SOAK_LIST	0x2000
#define SOAK_ARGS	0x3000
#define SOAK_GATE	0x1040
#define SOAK_FROM	0x10000
#define SOAK_TO		0x40000
#define SOAK_MOST	0x20000u	/* bytes of a round */
#define SOAK_CODE_VA	0x280000000ull

/* The kernel of device/mix.S, and the same by the CPU. */
struct soak_mix_args {
	uint64_t from, to, words, key, gate;
};
void soak_mix(uint64_t *data, uint64_t words, uint64_t key);

/* --- the supervisor's side ---------------------------------------------------------------------------- */

/* Starts a client in a place, as nobody unless it has to be root. */
void soak_crew_start(struct soak_shared *shared, const struct soak_event *event);
/* Ends who is there; true if somebody was. */
bool soak_crew_end(struct soak_shared *shared, const struct soak_event *event);
void soak_crew_end_all(struct soak_shared *shared);
/* Looks who has ended by itself, or has stood still for too long. */
void soak_crew_look(struct soak_shared *shared);

struct soak_chaos_count {
	uint64_t done;
	int64_t longest_ns;	/* until the card could be used again */
	int64_t total_ns;
};
extern struct soak_chaos_count soak_chaos_counts[SOAK_CHAOSES];
/* Where the card is, and its file for everybody. */
void soak_chaos_init(void);
void soak_chaos(struct soak_shared *shared, enum soak_chaos kind, uint64_t seed);
/* How many times the driver was bound. */
uint64_t soak_chaos_binds(void);

/* From now on. */
void soak_log_open(void);
void soak_log_read(void);
/* Checks that there is no line that nothing explains. */
void soak_log_check(const struct soak_shared *shared);

struct soak_run {
	uint64_t seed;
	int64_t seconds;
	uint64_t steps;
	uint64_t started[SOAK_ACTIONS][16], ended, killed;
};
extern struct soak_run soak_run;
/* What led to complaints. */
void soak_report_late(pid_t pid, const struct soak_event *event);
void soak_report_wrong(const struct soak_shared *shared);
void soak_report(const struct soak_shared *shared, bool json);

#endif
