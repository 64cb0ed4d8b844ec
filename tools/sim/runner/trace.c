// SPDX-License-Identifier: MIT
/*
 * Tracing: one line per instruction with its address, word, name and what it changed.
 */
#include <inttypes.h>

#include "bare.h"
#include "hart/decode.h"

/* The instruction at @pc, or false if there is none to be read. */
static bool peek(struct sim_hart *h, uint64_t pc, uint32_t *word)
{
	struct sim_fault saved = h->fault;
	uint8_t *host = pc & 1 ? NULL : sim_hart_host(h, pc, SIM_ACCESS_FETCH);
	uint16_t half;

	if (host) {
		memcpy(&half, host, sizeof(half));
		*word = half;
		if ((half & 3) == 3) {
			host = sim_hart_host(h, pc + 2, SIM_ACCESS_FETCH);
			if (host) {
				memcpy(&half, host, sizeof(half));
				*word |= (uint32_t)half << 16;
			}
		}
	}
	h->fault = saved;
	return host;
}

static const char *name_of(uint32_t word)
{
	bool wide = (word & 3) == 3;
	enum sim_insn insn = sim_decode(wide ? word : sim_decode_compressed((uint16_t)word));

	if (insn != SIM_INSN_ILLEGAL)
		return sim_insn_rows[insn].name;
	if (!wide || !sim_vector_decode(word))
		return "illegal";
	switch (word & 0x7f) {
	case 0x07:
		return "vload";
	case 0x27:
		return "vstore";
	case 0x57:
		return (word >> 12 & 7) == 7 ? "vset" : "vector";
	default:
		return "illegal";
	}
}

static void print_changes(FILE *out, const struct sim_hart *h, const struct sim_hart *old)
{
	for (unsigned int i = 1; i < 32; i++)
		if (h->x[i] != old->x[i])
			fprintf(out, " x%u=%016" PRIx64, i, h->x[i]);
	for (unsigned int i = 0; i < 32; i++)
		if (h->f[i] != old->f[i])
			fprintf(out, " f%u=%016" PRIx64, i, h->f[i]);
	if (h->fflags != old->fflags)
		fprintf(out, " fflags=%02x", h->fflags);
	if (h->vl != old->vl || h->vtype != old->vtype)
		fprintf(out, " vl=%u vtype=%016" PRIx64, h->vl, h->vtype);
	if (h->priv != old->priv)
		fprintf(out, " mode=%c", "US?M"[h->priv & 3]);
}

static bool vector_changed(const struct sim_hart *h, const uint8_t *old, unsigned int reg)
{
	return memcmp(h->v + (size_t)reg * h->vlenb, old + (size_t)reg * h->vlenb, h->vlenb);
}

enum sim_exit bare_trace_step(struct bare *b, FILE *out)
{
	struct sim_hart *h = b->hart, *old = &b->old;
	uint32_t word = 0;
	bool known = peek(h, h->pc, &word);
	enum sim_exit why;

	memcpy(old, h, sizeof(*old));
	memcpy(b->old_v, h->v, 32ull * h->vlenb);
	why = sim_hart_step(h);
	if (!known)
		fprintf(out, "%016" PRIx64 " -------- (no memory)", old->pc);
	else
		fprintf(out, (word & 3) == 3 ? "%016" PRIx64 " %08x %s" : "%016" PRIx64 "     %04x %s",
			old->pc, word, name_of(word));
	print_changes(out, h, old);
	for (unsigned int i = 0; i < 32; i++)
		if (vector_changed(h, b->old_v, i))
			fprintf(out, " v%u", i);
	if (h->instret == old->instret)
		fprintf(out, " trap cause=%u tval=%" PRIx64, h->fault.cause, h->fault.tval);
	fputc('\n', out);
	return why;
}
