// SPDX-License-Identifier: MIT
/*
 * Things that are broken without the chip noticing: for tests of software that has to find them.
 * Documentation/sim/index.rst says what each kind does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../hart/decode.h"
#include "engine.h"

#define WIRE_LANES	64		/* bytes that cross the link side by side */

/* --- text ------------------------------------------------------------------------------------ */

static const char *const unit_names[GAON_SIM_UNITS] = {
	[GAON_SIM_UNIT_INTEGER] = "integer", [GAON_SIM_UNIT_MULTIPLY] = "multiply",
	[GAON_SIM_UNIT_FLOAT] = "float", [GAON_SIM_UNIT_VECTOR] = "vector", [GAON_SIM_UNIT_MATRIX] = "matrix",
};

/* A number of @text, up to @most, that ends with @end; what follows it, or NULL. */
static const char *number_of(const char *text, uint64_t most, char end, uint64_t *out)
{
	char *stop;

	if (*text < '0' || *text > '9')
		return NULL;
	*out = strtoull(text, &stop, 0);
	if (*out > most || *stop != end)
		return NULL;
	return end ? stop + 1 : stop;
}

static bool parse_unit(const char *text, struct gaon_sim_flaws *f)
{
	uint64_t core;
	const char *name = number_of(text, 63, ':', &core);

	f->core = (uint32_t)core;
	for (f->unit = 1; name && f->unit < GAON_SIM_UNITS; f->unit++) {
		if (!strcmp(unit_names[f->unit], name))
			return true;
	}
	return false;
}

static bool parse_one(const char *text, struct gaon_sim_flaws *f)
{
	uint64_t core = 0, offset = 0, value = 0;
	const char *at = strchr(text, ':');

	if (!at)
		return false;
	at++;
	if (!strncmp(text, "hbm:", 4)) {
		at = number_of(at, UINT64_MAX, ':', &offset);
		if (!at || !number_of(at, 7, '\0', &value))
			return false;
		f->hbm_offset = offset;
		f->hbm_mask = (uint8_t)(1u << value);
		return true;
	}
	if (!strncmp(text, "spm:", 4)) {
		at = number_of(at, 63, ':', &core);
		at = at ? number_of(at, UINT32_MAX, ':', &offset) : NULL;
		if (!at || !number_of(at, 7, '\0', &value))
			return false;
		f->spm_core = (uint32_t)core;
		f->spm_offset = (uint32_t)offset;
		f->spm_mask = (uint8_t)(1u << value);
		return true;
	}
	if (!strncmp(text, "wire:", 5)) {
		at = number_of(at, WIRE_LANES - 1, ':', &offset);
		if (!at || !number_of(at, 7, '\0', &value))
			return false;
		f->wire_lane = (uint8_t)offset;
		f->wire_mask = (uint8_t)(1u << value);
		return true;
	}
	if (!strncmp(text, "core:", 5))
		return parse_unit(at, f);
	if (!number_of(at, 100, '\0', &value) || !value)
		return false;
	if (!strncmp(text, "link:", 5))
		f->link_percent = (uint32_t)value;
	else if (!strncmp(text, "memory:", 7))
		f->memory_percent = (uint32_t)value;
	else if (!strncmp(text, "clock:", 6))
		f->clock_percent = (uint32_t)value;
	else
		return false;
	return true;
}

bool gaon_sim_flaws_parse(const char *text, struct gaon_sim_flaws *out)
{
	struct gaon_sim_flaws f = { 0 };
	char one[96];

	for (;;) {
		size_t n = strcspn(text, "+");

		if (n >= sizeof(one))
			return false;
		memcpy(one, text, n);
		one[n] = '\0';
		if (!parse_one(one, &f))
			return false;
		if (!text[n])
			break;
		text += n + 1;
	}
	*out = f;
	return true;
}

/* --- memories -------------------------------------------------------------------------------- */

void sim_flaw_launch_end(struct gaon_sim *sim)
{
	const struct gaon_sim_flaws *f = &sim->config.flaws;

	if (f->hbm_mask && f->hbm_offset < sim->config.hbm_bytes)
		__atomic_fetch_and(&sim->hbm[f->hbm_offset], (uint8_t)~f->hbm_mask, __ATOMIC_RELAXED);
}

void sim_flaw_fence(struct sim_core *core)
{
	const struct gaon_sim_flaws *f = &core->sim->config.flaws;

	if (f->spm_mask && f->spm_core == core->index && f->spm_offset < core->sim->identify.spm_bytes)
		core->spm[f->spm_offset] &= (uint8_t)~f->spm_mask;
}

void sim_flaw_crossed(const struct gaon_sim *sim, uint8_t *to, uint64_t va, uint64_t bytes)
{
	const struct gaon_sim_flaws *f = &sim->config.flaws;

	for (uint64_t at = (f->wire_lane - va) % WIRE_LANES; at < bytes; at += WIRE_LANES)
		to[at] &= (uint8_t)~f->wire_mask;
}

/* --- cores ----------------------------------------------------------------------------------- */

/* The instruction at pc as one of 32 bits; 0 if it cannot be read, which executing it will say. */
static uint32_t word_at_pc(struct sim_hart *h)
{
	uint16_t half[2] = { 0 };
	uint8_t *p = sim_hart_host(h, h->pc, SIM_ACCESS_FETCH);

	if (!p)
		return 0;
	memcpy(&half[0], p, 2);
	if ((half[0] & 3) != 3)
		return sim_decode_compressed(half[0]);
	p = sim_hart_host(h, h->pc + 2, SIM_ACCESS_FETCH);
	if (!p)
		return 0;
	memcpy(&half[1], p, 2);
	return half[0] | (uint32_t)half[1] << 16;
}

/* Whether the broken unit does @word, with the operands that it has now. */
static bool is_hit(const struct sim_hart *h, unsigned int unit, uint32_t word)
{
	uint32_t opcode = word & 0x7f, funct3 = word >> 12 & 7, funct7 = word >> 25;

	switch (unit) {
	case GAON_SIM_UNIT_INTEGER:	/* add and sub: a carry high up, where no address reaches */
		return opcode == 0x33 && !funct3 && !(funct7 & ~0x20u) &&
		       h->x[word >> 15 & 31] & h->x[word >> 20 & 31] & 1ull << 62;
	case GAON_SIM_UNIT_MULTIPLY:	/* mulh, mulhsu, mulhu */
		return opcode == 0x33 && funct7 == 1 && funct3 && funct3 < 4;
	case GAON_SIM_UNIT_FLOAT:	/* fadd to fdiv, and the fused ones */
		return (opcode == 0x53 && funct7 >> 2 < 4) || (opcode & 0x73) == 0x43;
	default:			/* vadd.vv and vsub.vv */
		return opcode == 0x57 && !funct3 && !(word >> 26 & ~2u);
	}
}

static void spoil(struct sim_hart *h, unsigned int unit, uint32_t word)
{
	uint32_t rd = word >> 7 & 31;

	if (unit == GAON_SIM_UNIT_FLOAT)
		h->f[rd] ^= 1;
	else if (unit == GAON_SIM_UNIT_VECTOR)
		h->v[(size_t)rd * h->vlenb] ^= 1;
	else if (rd)
		h->x[rd] ^= 1;
}

enum sim_exit sim_flaw_run(struct sim_core *core, uint64_t budget)
{
	struct sim_hart *h = core->hart;
	unsigned int unit = core->sim->config.flaws.unit;
	enum sim_exit exit = SIM_EXIT_BUDGET;

	while (budget-- && exit == SIM_EXIT_BUDGET) {
		uint32_t word = word_at_pc(h);
		bool hit = is_hit(h, unit, word);

		if (__atomic_load_n(&h->stop, __ATOMIC_RELAXED))
			return SIM_EXIT_STOP;
		exit = sim_hart_step(h);
		if (hit && exit == SIM_EXIT_BUDGET)
			spoil(h, unit, word);
	}
	return exit;
}
