/* SPDX-License-Identifier: MIT */
/* Differential test of the vector unit: what generator, runners and comparison share. */
#ifndef GAON_TESTS_VECTOR_TEST_H
#define GAON_TESTS_VECTOR_TEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MEM_BYTES	16384		/* of the guest's data; unmapped pages on both sides */
#define MEM_BASE	0x10000000ull
#define SLOTS		8192		/* most cases in a batch */

/* guest.S knows these offsets. */
struct vt_header {
	uint64_t trap;			/* out: signal */
	uint64_t flags;			/* bit 0: memory travels along */
	uint64_t vtype, vl, vstart, vcsr, fcsr;
	uint64_t index;			/* of the case: says whether the streams are in step */
	uint64_t spare[8];
	uint64_t x[32];
	uint64_t f[32];
};

/* One instruction and the state around it; @v and @mem follow the header in the streams. */
struct vt_case {
	uint32_t insn;
	struct vt_header in;
	uint8_t *v;			/* 32 * vlenb */
	uint8_t *mem;			/* MEM_BYTES, or NULL */
};

struct vt_batch {
	unsigned int vlen, n;
	struct vt_case *cases;
};

/* A byte stream. */
struct vt_bytes {
	uint8_t *data;
	size_t size, room, at;
};

struct vt_options {
	uint64_t seed;
	bool f16, bf16;			/* generate instructions of these */
	bool illegal;			/* mostly words that break a rule */
};

uint64_t vt_random(uint64_t *state);
void vt_generate(struct vt_batch *b, unsigned int vlen, unsigned int n,
		 const struct vt_options *options);
void vt_batch_free(struct vt_batch *b);
void vt_serialise(const struct vt_batch *b, struct vt_bytes *to);
void vt_append(struct vt_bytes *b, const void *data, size_t n);

/*
 * Run the guest on @input; false with a message on stderr if it did not end well.  @compiled: NULL to
 * interpret, else execute compiled code where that can be had, and count how often it was.
 */
bool vt_run_hart(const char *elf, unsigned int vlen, struct vt_bytes *input,
		 struct vt_bytes *output, uint64_t *compiled);
bool vt_run_qemu(const char *qemu, const char *elf, unsigned int vlen, const char *cpu,
		 const struct vt_bytes *input, struct vt_bytes *output);

/*
 * Why this case's results may differ from @version's (major * 100 + minor); NULL: they may not.
 * The headers are the starts of records of @size bytes.
 */
const char *vt_excused(const struct vt_batch *b, const struct vt_case *c,
		       const struct vt_header *ours, const struct vt_header *theirs, size_t size,
		       int version);

#endif
