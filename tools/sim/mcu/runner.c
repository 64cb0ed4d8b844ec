// SPDX-License-Identifier: MIT
/*
 * gaon-sim --mcu: a bare-metal RV32 program on the management core, with memory where the program
 * wants it and the tohost and fromhost words of bare-metal test programs.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../runner/runner.h"
#include "mcu.h"

#define RAM_BASE	0x80000000u
#define RAM_SIZE	(64u << 20)
#define MEMORY_MAX	(1ull << 30)
#define POLL		256u	/* instructions between looks at tohost */
/* A program stores the two halves of tohost one after the other: time for the second. */
#define GRACE		16u
#define SYS_WRITE	64u

struct bare_mcu {
	struct sim_mcu *mcu;
	struct sim_mcu_region region[SIM_ELF_SEGMENTS + 1];
	unsigned int regions;
	uint32_t tohost, fromhost;	/* 0: none */
	uint64_t executed;
	bool finished;
	uint64_t exit_code;
};

static int compare_regions(const void *x, const void *y)
{
	const struct sim_mcu_region *a = x, *b = y;

	return (a->base > b->base) - (a->base < b->base);
}

/* What overlaps or touches becomes one region; data is not allocated yet. */
static void merge_regions(struct bare_mcu *b)
{
	unsigned int kept = 0;

	qsort(b->region, b->regions, sizeof(b->region[0]), compare_regions);
	for (unsigned int i = 1; i < b->regions; i++) {
		struct sim_mcu_region *last = &b->region[kept], *r = &b->region[i];
		uint64_t last_end = (uint64_t)last->base + last->size;
		uint64_t end = (uint64_t)r->base + r->size;

		if (r->base > last_end)
			b->region[++kept] = *r;
		else if (end > last_end)
			last->size = (uint32_t)(end - last->base);
	}
	b->regions = kept + 1;
}

static const char *plan_memory(struct bare_mcu *b, const struct sim_elf *elf)
{
	uint64_t total = RAM_SIZE;

	b->region[0] = (struct sim_mcu_region){ .base = RAM_BASE, .size = RAM_SIZE };
	b->regions = 1;
	for (unsigned int i = 0; i < elf->segments; i++) {
		const struct sim_elf_segment *s = &elf->segment[i];
		uint64_t base = s->address & ~(uint64_t)(SIM_MCU_PAGE - 1);
		uint64_t end = s->address + s->memory_size + SIM_MCU_PAGE - 1;

		/* The last page stays out, so that sizes fit 32 bits. */
		if (s->memory_size > MEMORY_MAX || end >= UINT32_MAX)
			return "a segment outside 32-bit memory";
		end &= ~(uint64_t)(SIM_MCU_PAGE - 1);
		total += end - base;
		b->region[b->regions++] = (struct sim_mcu_region){
			.base = (uint32_t)base, .size = (uint32_t)(end - base),
		};
	}
	merge_regions(b);
	if (total > MEMORY_MAX)
		return "more memory than 1 GiB";
	return b->regions > SIM_MCU_REGIONS ? "segments in too many places" : NULL;
}

static const char *load(struct bare_mcu *b, const struct sim_elf *elf)
{
	const char *wrong = plan_memory(b, elf);

	if (wrong)
		return wrong;
	for (unsigned int i = 0; i < b->regions; i++) {
		b->region[i].data = calloc(1, b->region[i].size);
		if (!b->region[i].data)
			return "out of memory";
	}
	b->mcu = sim_mcu_create(b->region, b->regions, NULL, NULL);
	if (!b->mcu)
		return "out of memory";
	for (unsigned int i = 0; i < elf->segments; i++) {
		const struct sim_elf_segment *s = &elf->segment[i];

		if (s->file_size)
			memcpy(sim_mcu_memory(b->mcu, (uint32_t)s->address, (uint32_t)s->file_size),
			       s->bytes, s->file_size);
	}
	b->tohost = (uint32_t)elf->tohost;
	b->fromhost = (uint32_t)elf->fromhost;
	sim_mcu_set_bare(b->mcu);
	sim_mcu_reset(b->mcu, (uint32_t)elf->entry);
	return NULL;
}

static void unload(struct bare_mcu *b)
{
	sim_mcu_destroy(b->mcu);
	for (unsigned int i = 0; i < b->regions; i++)
		free(b->region[i].data);
}

/* --- host interface --------------------------------------------------------------------------- */

static uint64_t host_write(struct bare_mcu *b, uint64_t fd, uint64_t address, uint64_t len)
{
	const uint8_t *from;
	uint64_t done = 0;

	if ((fd != 1 && fd != 2) || address > UINT32_MAX || len > UINT32_MAX)
		return UINT64_MAX;
	from = sim_mcu_memory(b->mcu, (uint32_t)address, (uint32_t)len);
	while (from && done < len) {
		ssize_t n = write((int)fd, from + done, len - done);

		if (n <= 0)
			break;
		done += (uint64_t)n;
	}
	return done == len ? done : UINT64_MAX;
}

static void store64(struct bare_mcu *b, uint32_t addr, uint64_t value)
{
	uint8_t *p = addr ? sim_mcu_memory(b->mcu, addr, 8) : NULL;

	if (p)
		memcpy(p, &value, 8);
}

/* {number, arguments...} in 64-bit words; the result replaces the number. */
static void host_call(struct bare_mcu *b, uint64_t at)
{
	const uint8_t *block = at <= UINT32_MAX ? sim_mcu_memory(b->mcu, (uint32_t)at, 32) : NULL;
	uint64_t arg[4], result = UINT64_MAX;

	if (!block)
		return;
	memcpy(arg, block, sizeof(arg));
	if (arg[0] == SYS_WRITE)
		result = host_write(b, arg[1], arg[2], arg[3]);
	store64(b, (uint32_t)at, result);
}

static uint64_t tohost(const struct bare_mcu *b)
{
	const uint8_t *p = b->tohost ? sim_mcu_memory(b->mcu, b->tohost, 8) : NULL;
	uint64_t value = 0;

	if (p)
		memcpy(&value, p, 8);
	return value;
}

/* Device 1, command 1 is the console's putchar; device 0: exit or a call. */
static void serve(struct bare_mcu *b, uint64_t value)
{
	uint8_t c = (uint8_t)value;

	store64(b, b->tohost, 0);
	if (value >> 48 == 0x0101) {
		if (write(1, &c, 1) != 1)
			perror("gaon-sim: stdout");
	} else if (value & 1) {
		b->finished = true;
		b->exit_code = value >> 1;
		return;
	} else {
		host_call(b, value);
	}
	store64(b, b->fromhost, 1);
}

/* --- running ------------------------------------------------------------------------------------ */

static enum sim_mcu_exit step_traced(struct bare_mcu *b)
{
	struct sim_mcu_state before, after;
	enum sim_mcu_exit why;
	uint16_t half[2] = { 0, 0 };
	const uint8_t *code;

	sim_mcu_get_state(b->mcu, &before);
	for (unsigned int i = 0; i < 2; i++) {
		code = sim_mcu_memory(b->mcu, before.pc + 2 * i, 2);
		if (code)
			memcpy(&half[i], code, 2);
	}
	why = sim_mcu_run(b->mcu, 1);
	sim_mcu_get_state(b->mcu, &after);
	if ((half[0] & 3) == 3)
		fprintf(stderr, "%08" PRIx32 " %04x%04x", before.pc, half[1], half[0]);
	else
		fprintf(stderr, "%08" PRIx32 " %04x    ", before.pc, half[0]);
	for (unsigned int i = 1; i < 32; i++)
		if (before.x[i] != after.x[i])
			fprintf(stderr, " x%u=%08" PRIx32, i, after.x[i]);
	if (after.minstret == before.minstret)
		fprintf(stderr, " trap %" PRIx32 " value %" PRIx32, after.mcause, after.mtval);
	fputc('\n', stderr);
	return why;
}

static enum sim_mcu_exit advance(struct bare_mcu *b, uint64_t count, bool trace)
{
	enum sim_mcu_exit why = SIM_MCU_BUDGET;

	b->executed += count;
	if (!trace)
		return sim_mcu_run(b->mcu, count);
	while (count-- && why == SIM_MCU_BUDGET)
		why = step_traced(b);
	return why;
}

/* Until exit, the limit, or a state that nothing leads out of. */
static enum sim_mcu_exit run(struct bare_mcu *b, const struct sim_runner_options *options)
{
	enum sim_mcu_exit why = SIM_MCU_BUDGET;

	while (!b->finished && why == SIM_MCU_BUDGET && b->executed < options->max_instructions) {
		uint64_t left = options->max_instructions - b->executed;

		why = advance(b, left < POLL ? left : POLL, options->trace);
		if (!tohost(b))
			continue;
		if (why == SIM_MCU_BUDGET)
			why = advance(b, GRACE, options->trace);
		serve(b, tohost(b));
	}
	return why;
}

static int outcome(struct bare_mcu *b, enum sim_mcu_exit why)
{
	struct sim_mcu_state s;

	if (b->finished)
		return b->exit_code < 255 ? (int)b->exit_code : 255;
	sim_mcu_get_state(b->mcu, &s);
	if (why == SIM_MCU_BUDGET) {
		fprintf(stderr, "gaon-sim: stopped after %" PRIu64 " instructions at %#" PRIx32 "\n",
			b->executed, s.pc);
		return SIM_RUNNER_LIMIT;
	}
	if (why == SIM_MCU_WFI)
		fprintf(stderr, "gaon-sim: wfi at %#" PRIx32 ", and no interrupt will come\n", s.pc);
	else
		fprintf(stderr, "gaon-sim: no progress: cause %" PRIu32 " at %#" PRIx32
			", tval %#" PRIx32 ", mtvec %#" PRIx32 "\n", s.mcause, s.mepc, s.mtval,
			s.mtvec);
	return SIM_RUNNER_STUCK;
}

int sim_runner_mcu(const char *path, const struct sim_runner_options *options)
{
	struct bare_mcu b = { .regions = 0 };
	int status = SIM_RUNNER_ERROR;
	struct sim_elf elf;
	const char *wrong;

	if (sim_elf_open(&elf, path))
		return SIM_RUNNER_ERROR;
	wrong = elf.bits == 32 ? load(&b, &elf) : "a 64-bit program wants a core, not --mcu";
	if (wrong)
		fprintf(stderr, "gaon-sim: %s: %s\n", path, wrong);
	else
		status = outcome(&b, run(&b, options));
	unload(&b);
	sim_elf_close(&elf);
	return status;
}
