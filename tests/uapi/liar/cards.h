/* SPDX-License-Identifier: MIT */
/* Cards of the ladder of resets, what the driver says of them, and users of them. */
#ifndef GAON_TESTS_UAPI_LIAR_CARDS_H
#define GAON_TESTS_UAPI_LIAR_CARDS_H

#include "../queue_lib.h"

/* Where users have what, in their memory. */
#define WORD		0x0
#define LIST		0x1000
#define LIST2		0x2000
#define ENDLESS		0x4000
#define ENDLESS_JOBS	64
#define FROM		0x10000		/* data: from here to HBM, and back */
#define BACK		0x20000
#define BYTES		0x8000
#define HBM_VA		0x300000000ull

#define END_MS		60000
#define DRIVER		"/sys/bus/pci/drivers/gaon"
#define TIMEOUT		"/sys/module/gaon/parameters/job_timeout_ms"

struct card {
	char address[32];
	char node[64];
	char debugfs[64];
};

/* What was reset since the driver was bound, and the driver's own copies that were sent again for it. */
struct counts {
	int queues, engines, device, copies;
};

#define CARDS_MAX	6

extern struct card cards[CARDS_MAX];

bool write_file(const char *path, const char *text);
/* Of the PCI device; valid until the next call. */
const char *attribute(const struct card *card, const char *name);
/* Node and directory in debugfs, which change when the driver is bound again. */
bool card_find(struct card *card);
/* As many as there are kinds, in the order of their addresses; ends the program if there are others. */
void cards_find(int argc);
/* Until it is what sysfs says of the card, for END_MS at most. */
bool card_wait_state(const struct card *card, const char *state);
struct counts counts(const struct card *card);
/* How often a rung of resets has helped; @longest_us: the longest time that it took, unless NULL. */
int recovered(const struct card *card, const char *rung, unsigned long long *longest_us);
/* For `make reliability`, before the driver forgets: how often each rung has helped, and how long it took. */
void recovery_figures(const struct card *card);

/* An address space with memory of both kinds and code, and lists. */
void user_open(struct lib *lib, const struct card *card, uint32_t flags);
void list_set(struct lib *lib, uint64_t offset, struct gaon_packet packet);
int run_endless(struct lib_queue *queue, uint32_t out);
/* Submits, and waits for what becomes of it. */
int run_copy(struct lib_queue *queue, uint64_t to, uint64_t from, uint32_t out);
/* What a job's fence says in the end. */
int outcome(struct lib *lib, uint32_t out);

/* innocents.c: who has nothing to do with somebody else's stuck work. */
void test_copies(const struct card *card);
void test_suspension(const struct card *card);

#endif
