/* SPDX-License-Identifier: MIT */
/*
 * Tests of Xgaon: a device, and scripts of instructions that a kernel reads and executes.  Included once in
 * a program.
 */
#ifndef GAON_TESTS_DEVICE_SCRIPT_H
#define GAON_TESTS_DEVICE_SCRIPT_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "../check_run.h"
#include "engine_lib.h"

#define SCRIPT		0x100000
#define DESC		0x200000
#define INDEX		0x280000
#define ARENA		0x400000
#define ARENA_BYTES	0x400000
#define SPM_BYTES	(2u << 20)

enum { END, GEMM, DMA, WAIT, FENCE, BARRIER, POST, SEMWAIT, POLL, COPY, SPIN, STORE, IDLE, ADD, CYCLE };

static struct engine *e;
static struct engine_queue *q;
static uint64_t seed, *cursor;
static enum gaon_sim_effects effects;

static inline void setup(void)
{
	struct gaon_sim_config config = { .threads = 1, .effects = effects };

	e = engine_create(&config);
	q = engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, false, 0);
}

static inline void teardown(void)
{
	engine_destroy(e);
}

static inline void set_normal(void)
{
	effects = GAON_SIM_EFFECTS_NORMAL;
	setup();
}

static inline void set_early(void)
{
	effects = GAON_SIM_EFFECTS_EARLY;
	setup();
}

static inline void set_late(void)
{
	effects = GAON_SIM_EFFECTS_LATE;
	setup();
}

/* --- scripts --------------------------------------------------------------------------------- */

static inline void begin(unsigned int workgroup)
{
	engine_hbm64(e, SCRIPT)[workgroup] = VA_HBM + SCRIPT + 4096 * (workgroup + 1);
	cursor = engine_hbm64(e, SCRIPT + 4096 * (workgroup + 1));
	cursor[0] = END;
}

static inline void op(uint64_t what, uint64_t a, uint64_t b)
{
	*cursor++ = what;
	*cursor++ = a;
	*cursor++ = b;
	*cursor = END;
}

static inline uint16_t run(unsigned int workgroups)
{
	struct gaon_packet pkt = engine_launch(K_SCRIPT, VA_HBM + SCRIPT, workgroups, 1, 1);

	pkt.launch.spm_bytes = SPM_BYTES;
	pkt.launch.launch_flags = workgroups > 1 ? GAON_LAUNCH_COOPERATIVE : 0;
	return engine_do(e, q, &pkt);
}

static inline uint64_t syndrome(void)
{
	return e->sim->slots[0].fault.syndrome;
}

static inline uint64_t desc_va(unsigned int i)
{
	return VA_HBM + DESC + 128 * i;
}

static inline void put_desc(unsigned int i, const void *desc, size_t len)
{
	memcpy(engine_hbm(e, DESC + 128 * i), desc, len);
}

static inline void randomise(uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 8) {
		uint64_t r = engine_random(&seed);

		memcpy(p + i, &r, 8);
	}
}

static inline struct gaon_dma_desc good_dma(void)
{
	return (struct gaon_dma_desc){
		.mem_va = VA_HBM + ARENA, .spm_va = GAON_VA_SPM, .bytes = 64, .count = { 1, 1, 1 },
	};
}

/* A test case of @tests for each time at which a device may perform what was issued. */
static inline Suite *device_suite(const char *name, void (*tests)(TCase *))
{
	static const struct {
		const char *name;
		void (*setup)(void);
	} modes[] = { { "normal", set_normal }, { "early", set_early }, { "late", set_late } };
	Suite *s = suite_create(name);

	seed = engine_seed();
	for (unsigned int i = 0; i < 3; i++) {
		TCase *t = tcase_create(modes[i].name);

		tcase_add_checked_fixture(t, modes[i].setup, teardown);
		tcase_set_timeout(t, 120);
		tests(t);
		suite_add_tcase(s, t);
	}
	return s;
}

#endif
