/* SPDX-License-Identifier: MIT */
/* Objects in host memory whose every word is known, and what the driver says of taking them away. */
#ifndef GAON_TESTS_UAPI_SHRINK_OBJECT_H
#define GAON_TESTS_UAPI_SHRINK_OBJECT_H

#include "../queue_lib.h"

#define MIB		(1024 * 1024ull)
#define PAGE		4096u
#define PATIENCE_MS	240000

/** struct object - one of them */
struct object {
	int fd;
	uint32_t handle;
	uint64_t bytes;
	uint64_t key;			/* what it holds follows from that */
	volatile uint64_t *cpu;
};

/** struct shrink - counters of the driver, in KiB and in objects: debugfs' file */
struct shrink {
	uint64_t objects, resident, out, in, parked, back, failed;
};

/* What page after page of an object holds: some are zero, none of the others are alike. */
uint64_t object_word(uint64_t key, uint64_t i);

/* With the words of a new key; ends the program if it fails. @vm: 0, or the only one that may map it. */
void object_create(struct object *object, int fd, uint64_t bytes, uint32_t flags, uint32_t vm);
void object_fill(struct object *object);
/* How many words are others, as the processor sees it. */
uint64_t object_bad(const struct object *object);
/* The same of memory that should hold what @bytes at @offset do. */
uint64_t object_bad_at(const struct object *object, const volatile uint64_t *words, uint64_t offset,
		       uint64_t bytes);
void object_close(struct object *object);

struct shrink shrink_read(void);
/* Writes one of the driver's files there: 0 or a positive errno. */
int shrink_debugfs(const char *name, const char *text);
/* As if the machine were short of so much memory: 0 or a positive errno. */
int shrink_reclaim(uint64_t bytes);
/* Takes away all that can be, again and again until nothing more goes. */
void shrink_all(void);
/* KiB of a file's that are in host memory: fdinfo's word. */
uint64_t shrink_resident(int fd);
/* How often contexts were suspended: debugfs' word. */
unsigned int shrink_suspended(void);

#endif
