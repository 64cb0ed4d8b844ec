// SPDX-License-Identifier: MIT
/*
 * Code pages: the per-hart cache of decoded instructions, keyed by virtual page.
 *
 * A stale page's operations stay in memory and stay valid to run until control next looks a page
 * up, so a callback may flush the cache while the page it was called from is running.
 */
#include <stdlib.h>

#include "exec.h"
#include "jit.h"

/* Handlers by row, 16-bit encodings first. */
static const sim_exec_fn handlers[SIM_INSNS][2] = {
#define SIM_GROUP(major)
#define SIM_INSN(name, text, match, mask, format, flags)	{ sim_x_##name##_2, sim_x_##name##_4 },
#include "insn.def"
#undef SIM_INSN
#undef SIM_GROUP
};

#define PAIR(name)	{ sim_x_##name##_2, sim_x_##name##_4 }
static const sim_exec_fn near_branches[6][2] = {
	PAIR(beq_near), PAIR(bne_near), PAIR(blt_near), PAIR(bge_near), PAIR(bltu_near),
	PAIR(bgeu_near),
};
static const sim_exec_fn jal_near[2] = PAIR(jal_near);
static const sim_exec_fn j_near[2] = PAIR(j_near);
static const sim_exec_fn nop[2] = PAIR(nop);
static const sim_exec_fn load_x0[2] = PAIR(load_x0);
static const sim_exec_fn illegal[2] = PAIR(illegal);

struct sim_decode_cache *sim_code_create(void)
{
	struct sim_decode_cache *code = calloc(1, sizeof(*code));

	if (!code)
		return NULL;
	code->spare = calloc(1, sizeof(*code->spare));
	if (!code->spare) {
		free(code);
		return NULL;
	}
	code->generation = 1;
	code->exit_pc = UINT64_MAX;
	return code;
}

void sim_code_destroy(struct sim_decode_cache *code)
{
	if (!code)
		return;
	for (size_t i = 0; i < SIM_CODE_PAGES; i++)
		free(code->pages[i]);
	free(code->spare);
	free(code->step);
	free(code);
}

static void page_clear(struct sim_code_page *pg, uint32_t lo, uint32_t hi, sim_exec_fn fn)
{
	for (uint32_t i = lo; i < hi; i++)
		pg->ops[i] = (struct sim_op){ .fn = fn };
}

static uint32_t cost(uint32_t configured)
{
	return configured < SIM_COST_MAX ? configured : SIM_COST_MAX;
}

static void page_assign(struct sim_hart *h, struct sim_code_page *pg, uint64_t vpn)
{
	if (!pg->generation)
		page_clear(pg, 0, SIM_PAGE_SLOTS, sim_x_decode);
	else
		page_clear(pg, pg->lo, pg->hi, sim_x_decode);
	page_clear(pg, SIM_PAGE_SLOTS, SIM_PAGE_SLOTS + 3, sim_x_end);
	pg->lo = SIM_PAGE_SLOTS;
	pg->hi = 0;
	pg->vpn = vpn;
	pg->generation = h->code->generation;
	pg->taken = h->costs ? cost(h->costs->branch_taken) : 0;
}

struct sim_code_page *sim_code_page(struct sim_hart *h, uint64_t pc)
{
	uint64_t vpn = pc >> SIM_PAGE_SHIFT;
	struct sim_code_page **at = &h->code->pages[vpn % SIM_CODE_PAGES], *pg = *at;

	if (SIM_UNLIKELY(h->jit && h->jit->full))
		jit_renew(h);
	if (SIM_LIKELY(pg && pg->vpn == vpn && pg->generation == h->code->generation))
		return pg;
	if (!pg) {
		/* Zeroed, so that generation 0 marks a page whose slots are not set up yet. */
		pg = *at = calloc(1, sizeof(*pg));
		if (!pg)
			pg = h->code->spare;
		if (pg == h->code->spare && pg->vpn == vpn &&
		    pg->generation == h->code->generation)
			return pg;
	}
	page_assign(h, pg, vpn);
	return pg;
}

struct sim_code_page *sim_code_step_page(struct sim_hart *h, uint64_t pc)
{
	struct sim_decode_cache *code = h->code;
	struct sim_code_page *pg = code->step;

	if (!pg) {
		pg = code->step = calloc(1, sizeof(*pg));
		if (!pg)
			return NULL;
		page_clear(pg, 0, SIM_PAGE_SLOTS + 3, sim_x_end);
	} else {
		page_clear(pg, pg->lo, pg->hi, sim_x_end);
	}
	pg->lo = pg->hi = (uint32_t)(pc & (SIM_PAGE_SIZE - 1)) / 2;
	pg->hi++;
	pg->vpn = pc >> SIM_PAGE_SHIFT;
	pg->generation = 0;
	pg->taken = h->costs ? cost(h->costs->branch_taken) : 0;
	pg->ops[pg->lo].fn = sim_x_decode;
	return pg;
}

void sim_code_forget(struct sim_hart *h, uint64_t va)
{
	uint64_t vpn = va >> SIM_PAGE_SHIFT;
	struct sim_code_page *pg = h->code->pages[vpn % SIM_CODE_PAGES];

	/* Any generation but the current one makes it stale; 0 is kept for new pages. */
	if (pg && pg->vpn == vpn && pg->generation)
		pg->generation = UINT64_MAX;
	pg = h->code->spare;
	if (pg->vpn == vpn && pg->generation)
		pg->generation = UINT64_MAX;
}

/* Number of a vector handler in the hart's table, or -1 if the table is full. */
static int vector_number(struct sim_decode_cache *code, sim_vector_fn fn)
{
	unsigned int i;

	for (i = 0; i < code->vectors; i++)
		if (code->vector[i] == fn)
			return (int)i;
	if (i == SIM_VECTOR_FNS)
		return -1;
	code->vector[code->vectors++] = fn;
	return (int)i;
}

static uint32_t static_cost(const struct sim_hart_costs *c, unsigned int flags)
{
	if (!c)
		return 0;
	return cost(c->scalar) + (flags & SIM_INSN_L ? cost(c->load_use) : 0) +
	       (flags & SIM_INSN_D ? cost(c->divide) : 0) +
	       (flags & SIM_INSN_A ? cost(c->atomic) : 0);
}

/* An instruction that is in no row: a vector one, or illegal. Returns whether it ends the line. */
static bool decode_other(struct sim_hart *h, struct sim_op *op, uint32_t word, uint32_t raw, int wide)
{
	uint32_t major = word & 0x7f;
	sim_vector_fn fn = NULL;
	int number;

	op->info = SIM_INFO_ONE;
	if (wide && (major == 0x57 || major == 0x07 || major == 0x27))
		fn = sim_vector_decode(word);
	if (!fn) {
		op->imm = (int32_t)raw;
		op->fn = illegal[wide];
		return true;
	}
	op->imm = (int32_t)word;
	number = vector_number(h->code, fn);
	op->fn = number < 0 ? sim_x_vector_any_4 : sim_x_vector_4;
	op->rd = (uint8_t)number;
	op->rs1 = (uint8_t)(number >> 8);
	return false;
}

/* Use the short form of a direct jump if the target lies in the page. */
static void decode_near(struct sim_op *op, enum sim_insn insn, uint32_t slot, int wide)
{
	int32_t target = (int32_t)slot * 2 + op->imm;

	if (target < 0 || target >= (int32_t)SIM_PAGE_SIZE)
		return;
	if (insn == SIM_INSN_jal)
		op->fn = op->rd ? jal_near[wide] : j_near[wide];
	else
		op->fn = near_branches[insn - SIM_INSN_beq][wide];
	op->imm = op->imm / 2 * (int32_t)sizeof(*op);
}

/*
 * Decode one instruction into @op, with its own cost in info.  @raw is what memory holds.
 * Returns whether the straight line ends with it.
 */
static bool decode_one(struct sim_hart *h, struct sim_op *op, uint32_t raw, uint32_t slot)
{
	int wide = (raw & 3) == 3;
	uint32_t word = wide ? raw : sim_decode_compressed((uint16_t)raw);
	enum sim_insn insn = sim_decode(word);
	const struct sim_insn_row *row;

	if (insn == SIM_INSN_ILLEGAL)
		return decode_other(h, op, word, raw, wide);
	row = &sim_insn_rows[insn];
	op->fn = handlers[insn][wide];
	op->info = SIM_INFO_ONE | static_cost(h->costs, row->flags);
	op->rd = (word >> 7) & 31;
	op->rs1 = (word >> 15) & 31;
	op->rs2 = (word >> 20) & 31;
	op->rs3 = (word >> 27) & 31;
	op->imm = sim_decode_imm(word, row->format);
	if (row->flags & SIM_INSN_W)
		op->imm = (int32_t)word;
	if (row->flags & SIM_INSN_M)
		op->imm = (word >> 12) & 7;
	/* The slow paths of loads and stores are shared: width and length go where they find them. */
	if (row->format == SIM_FMT_S || (row->flags & SIM_INSN_L)) {
		op->rs3 = (word >> 12) & 7;
		if (row->format == SIM_FMT_S)
			op->rd = (uint8_t)(wide + 1);
		else
			op->rs2 = (uint8_t)(wide + 1);
	}
	if (!op->rd && (row->flags & SIM_INSN_N))
		op->fn = nop[wide];
	if (!op->rd && (row->flags & SIM_INSN_L) && !(row->flags & SIM_INSN_F))
		op->fn = load_x0[wide];
	if (insn == SIM_INSN_jal || (row->flags & SIM_INSN_B))
		decode_near(op, insn, slot, wide);
	return row->flags & SIM_INSN_E;
}

/* A halfword of code: other harts may be writing it, so it is read once. */
static inline uint32_t fetch_half(const uint8_t *host)
{
	return __atomic_load_n((const uint16_t *)(const void *)host, __ATOMIC_RELAXED);
}

/* 0 on success, else -1 with hart->fault filled. */
static int fetch(struct sim_hart *h, struct sim_code_page *pg, uint32_t slot, uint32_t *raw)
{
	uint64_t va = (pg->vpn << SIM_PAGE_SHIFT) + slot * 2ull;
	uint8_t *host = sim_hart_host(h, va, SIM_ACCESS_FETCH);

	if (!host)
		return -1;
	*raw = fetch_half(host);
	if ((*raw & 3) != 3)
		return 0;
	if (slot == SIM_PAGE_SLOTS - 1) {
		host = sim_hart_host(h, va + 2, SIM_ACCESS_FETCH);
		if (!host)
			return -1;
		*raw |= fetch_half(host) << 16;
	} else {
		*raw |= fetch_half(host + 2) << 16;
	}
	return 0;
}

static void mark(struct sim_code_page *pg, uint32_t slot, sim_exec_fn fn)
{
	pg->ops[slot] = (struct sim_op){ .fn = fn };
}

/*
 * Join pairs along a line of @count slots, each operation in one pair only.  A slot's distance to the
 * next tells its instruction's length.
 */
static void fuse(struct sim_code_page *pg, const uint16_t *line, uint32_t count, uint32_t end)
{
	for (uint32_t i = 0; i + 1 < count; i++) {
		uint32_t after = i + 2 < count ? line[i + 2] : end;
		int first = line[i + 1] - line[i] - 1, second = (int)(after - line[i + 1]) - 1;
		struct sim_op *op = &pg->ops[line[i]];
		sim_exec_fn fn;

		/* Marks have no length. */
		if (second < 0 || second > 1)
			continue;
		fn = sim_exec_pair(op->fn, pg->ops[line[i + 1]].fn, first, second);
		if (fn) {
			op->fn = fn;
			i++;
		}
	}
}

bool sim_code_decode(struct sim_hart *h, struct sim_code_page *pg, uint32_t first)
{
	uint16_t line[SIM_PAGE_SLOTS];
	uint32_t word[SIM_PAGE_SLOTS];	/* 0 where there is no instruction */
	uint32_t slot = first, count = 0;
	bool ended = false;
	int64_t rest;

	/* Up to the end of the line, or to where it runs into what is decoded (or an end mark). */
	while (!ended && pg->ops[slot].fn == sim_x_decode) {
		uint32_t raw;

		if ((pg->vpn << SIM_PAGE_SHIFT) + slot * 2ull == h->exit_pc) {
			mark(pg, slot, sim_x_exit);
		} else if (fetch(h, pg, slot, &raw)) {
			if (slot == first)
				return false;
			mark(pg, slot, sim_x_retry);
		} else {
			ended = decode_one(h, &pg->ops[slot], raw, slot);
			word[count] = (raw & 3) == 3 ? raw : sim_decode_compressed((uint16_t)raw);
			line[count++] = (uint16_t)slot;
			slot += (raw & 3) == 3 ? 2 : 1;
			continue;
		}
		word[count] = 0;
		line[count++] = (uint16_t)slot;
		ended = true;
	}
	if (h->jit && pg != h->code->step)
		jit_form(h, pg, line, word, count);
	fuse(pg, line, count, slot);
	rest = ended ? 0 : pg->ops[slot].info;
	pg->lo = first < pg->lo ? first : pg->lo;
	if (count && line[count - 1] + 1u > pg->hi)
		pg->hi = line[count - 1] + 1u;
	while (count--) {
		rest += pg->ops[line[count]].info;
		pg->ops[line[count]].info = rest;
	}
	return true;
}
