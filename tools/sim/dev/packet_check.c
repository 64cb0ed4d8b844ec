// SPDX-License-Identifier: MIT
/*
 * What a packet must look like.  Everything here works on the device's own copy.
 */
#include <string.h>

#include "engine.h"

#define USER_FLAGS	(GAON_PKT_F_BARRIER | GAON_PKT_F_EVENT | GAON_PKT_F_PROFILE | \
			 GAON_PKT_F_SIGNAL | GAON_PKT_F_ADD)
#define LIST_COUNT_MAX	(1u << 20)
#define GRID_MAX	(1ull << 31)

bool sim_range_ok(uint64_t va, uint64_t bytes, bool user)
{
	uint64_t last = va + bytes - 1;

	if (!bytes || last < va)
		return false;
	if (va >= GAON_VA_USER_MIN && last < GAON_VA_USER_MAX)
		return true;
	return !user && va >= GAON_VA_KERNEL_MIN;
}

static bool all_zero(const uint64_t *words, unsigned int count)
{
	uint64_t any = 0;

	while (count--)
		any |= *words++;
	return !any;
}

static unsigned int check_value(uint64_t va, bool user)
{
	if (va & 7)
		return GAON_BADPKT_ALIGN;
	return sim_range_ok(va, 8, user) ? 0 : GAON_BADPKT_RANGE;
}

/* Flags, scopes and the completion: what all types share. */
static unsigned int check_common(const struct gaon_packet *pkt, const struct sim_packet_place *place)
{
	bool list = place->depth;
	unsigned int allowed = USER_FLAGS;

	if (list)
		allowed |= GAON_PKT_F_VALUE_BASE;
	if (list && pkt->type == GAON_PKT_LAUNCH)
		allowed |= GAON_PKT_F_ARGS_BASE;
	if (pkt->type == GAON_PKT_COPY || pkt->type == GAON_PKT_FILL)
		allowed |= GAON_PKT_F_DESC;
	if (pkt->flags & ~allowed)
		return GAON_BADPKT_FLAGS;
	if ((pkt->scope & 0xf) > GAON_SCOPE_HOST || (pkt->scope >> 4) > GAON_SCOPE_HOST)
		return GAON_BADPKT_FLAGS;
	if ((pkt->flags & GAON_PKT_F_PROFILE) && !(pkt->flags & GAON_PKT_F_EVENT))
		return GAON_BADPKT_FLAGS;
	if ((pkt->flags & GAON_PKT_F_VALUE_BASE) &&
	    !(pkt->flags & (GAON_PKT_F_SIGNAL | GAON_PKT_F_EVENT)))
		return GAON_BADPKT_FLAGS;
	if (pkt->flags & GAON_PKT_F_SIGNAL)
		return check_value(pkt->signal_va, place->user);
	if ((pkt->flags & GAON_PKT_F_ADD) || pkt->type == GAON_PKT_SIGNAL)
		return GAON_BADPKT_FLAGS;
	if (pkt->signal_va || (pkt->signal_value && !(pkt->flags & GAON_PKT_F_EVENT)))
		return GAON_BADPKT_RESERVED;
	return 0;
}

static unsigned int check_launch(const struct gaon_sim *sim, const struct gaon_pkt_launch *l)
{
	uint64_t total = l->grid[0];

	if (l->launch_flags & ~GAON_LAUNCH_COOPERATIVE)
		return GAON_BADPKT_FLAGS;
	if ((l->entry_va & 1) || (l->stack_bytes & 15))
		return GAON_BADPKT_ALIGN;
	/* Cores reach the user's half only, whoever wrote the packet. */
	if (!sim_range_ok(l->entry_va, 2, true))
		return GAON_BADPKT_RANGE;
	for (unsigned int i = 1; i < 3; i++) {
		if (total > GRID_MAX || l->grid[i] > GRID_MAX)
			return GAON_BADPKT_GRID;
		total *= l->grid[i];
	}
	if (!total || total > GRID_MAX)
		return GAON_BADPKT_GRID;
	if ((l->launch_flags & GAON_LAUNCH_COOPERATIVE) && total > sim->identify.cores)
		return GAON_BADPKT_GRID;
	if ((uint64_t)l->spm_bytes + l->stack_bytes + GAON_PAGE_SIZE > sim->identify.spm_bytes)
		return GAON_BADPKT_SPM;
	return 0;
}

static bool overlap(uint64_t a, uint64_t b, uint64_t bytes)
{
	return a < b ? b - a < bytes : a - b < bytes;
}

static unsigned int check_copy(const struct gaon_pkt_copy *c, bool user)
{
	if (!all_zero(c->reserved, 2))
		return GAON_BADPKT_RESERVED;
	if (!sim_range_ok(c->dst_va, c->bytes, user) || !sim_range_ok(c->src_va, c->bytes, user))
		return GAON_BADPKT_RANGE;
	return overlap(c->dst_va, c->src_va, c->bytes) ? GAON_BADPKT_RANGE : 0;
}

static bool pattern_size_ok(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

static unsigned int check_fill(const struct gaon_pkt_fill *f, bool user)
{
	if (f->reserved0 || f->reserved1)
		return GAON_BADPKT_RESERVED;
	if (!pattern_size_ok(f->pattern_size) || !sim_range_ok(f->dst_va, f->bytes, user))
		return GAON_BADPKT_RANGE;
	if ((f->dst_va | f->bytes) & (f->pattern_size - 1))
		return GAON_BADPKT_ALIGN;
	return 0;
}

static unsigned int check_wait(const struct gaon_pkt_wait *w, const struct sim_packet_place *place)
{
	if (w->reserved0 || !all_zero(w->reserved1, 2))
		return GAON_BADPKT_RESERVED;
	/* A job on a kernel-owned queue must not hang on a memory value: a dma_fence waits for it. */
	if (place->kind == GAON_QUEUE_KIND_KERNEL)
		return GAON_BADPKT_OWNER;
	if (w->op > GAON_WAIT_MASK)
		return GAON_BADPKT_RANGE;
	return check_value(w->va, place->user);
}

static unsigned int check_list(const struct gaon_packet *pkt, const struct sim_packet_place *place)
{
	const struct gaon_pkt_list *l = &pkt->list;
	bool call = pkt->type == GAON_PKT_CALL;

	if (l->reserved0 || l->reserved1)
		return GAON_BADPKT_RESERVED;
	if (call && place->kind != GAON_QUEUE_KIND_KERNEL)
		return GAON_BADPKT_OWNER;
	if (place->indirect || (call && place->depth))
		return GAON_BADPKT_NESTED;
	if (l->list_va & 63)
		return GAON_BADPKT_ALIGN;
	if (!l->count || l->count > LIST_COUNT_MAX)
		return GAON_BADPKT_RANGE;
	/* CALL runs a user's list. */
	return sim_range_ok(l->list_va, l->count * 64ull, call || place->user) ? 0 : GAON_BADPKT_RANGE;
}

static unsigned int check_desc(const struct gaon_pkt_desc *d, bool user)
{
	if (!all_zero(d->reserved, 4))
		return GAON_BADPKT_RESERVED;
	if (d->desc_va & 7)
		return GAON_BADPKT_ALIGN;
	return sim_range_ok(d->desc_va, sizeof(struct gaon_copy_desc), user) ? 0 : GAON_BADPKT_RANGE;
}

static unsigned int check_timestamp(const struct gaon_pkt_timestamp *t, bool user)
{
	return all_zero(t->reserved, 4) ? check_value(t->va, user) : GAON_BADPKT_RESERVED;
}

static unsigned int check_payload(const struct gaon_sim *sim, const struct gaon_packet *pkt,
				  const struct sim_packet_place *place)
{
	switch (pkt->type) {
	case GAON_PKT_NOP:
	case GAON_PKT_BARRIER:
	case GAON_PKT_SIGNAL:
		return all_zero(pkt->payload, 5) ? 0 : GAON_BADPKT_RESERVED;
	case GAON_PKT_WAIT:
		return check_wait(&pkt->wait, place);
	case GAON_PKT_TIMESTAMP:
		return check_timestamp(&pkt->timestamp, place->user);
	case GAON_PKT_LAUNCH:
		return check_launch(sim, &pkt->launch);
	case GAON_PKT_COPY:
		return pkt->flags & GAON_PKT_F_DESC ? check_desc(&pkt->desc, place->user) :
						      check_copy(&pkt->copy, place->user);
	case GAON_PKT_FILL:
		return pkt->flags & GAON_PKT_F_DESC ? check_desc(&pkt->desc, place->user) :
						      check_fill(&pkt->fill, place->user);
	default:
		return check_list(pkt, place);
	}
}

unsigned int sim_packet_check(const struct gaon_sim *sim, const struct gaon_packet *pkt,
			      const struct sim_packet_place *place)
{
	unsigned int bad;

	if (pkt->type == GAON_PKT_LINK)
		return GAON_BADPKT_FEATURE;
	if (pkt->type < GAON_PKT_NOP || pkt->type > GAON_PKT_CALL)
		return GAON_BADPKT_TYPE;
	bad = check_common(pkt, place);
	return bad ? bad : check_payload(sim, pkt, place);
}

/* Lowest and highest byte that the runs touch; false if that leaves the address space's half. */
static bool desc_range_ok(uint64_t va, uint64_t bytes, const uint32_t count[3],
			  const int64_t stride[3], bool user)
{
	__int128 low = va, high = (__int128)va + bytes;

	for (unsigned int i = 0; i < 3; i++) {
		__int128 span = (__int128)(count[i] - 1) * stride[i];

		if (span < 0)
			low += span;
		else
			high += span;
	}
	if (low < 0 || high > (__int128)UINT64_MAX || high - low > (__int128)UINT64_MAX)
		return false;
	return sim_range_ok((uint64_t)low, (uint64_t)(high - low), user);
}

unsigned int sim_copy_desc_check(const struct gaon_copy_desc *d, bool fill, bool user)
{
	if (!d->bytes || !d->count[0] || !d->count[1] || !d->count[2])
		return GAON_BADDESC_RANGE;
	/* A total beyond this is not a copy that any memory holds; it also bounds the time. */
	if ((unsigned __int128)d->bytes * d->count[0] * d->count[1] * d->count[2] > GAON_VA_USER_MAX)
		return GAON_BADDESC_RANGE;
	if (fill) {
		uint64_t mask = d->pattern_size - 1ull;

		if (!pattern_size_ok(d->pattern_size))
			return GAON_BADDESC_TYPE;
		if (!all_zero((const uint64_t *)d->src_stride, 3))
			return GAON_BADDESC_RESERVED;
		if ((d->dst_va | d->bytes | (uint64_t)d->dst_stride[0] |
		     (uint64_t)d->dst_stride[1] | (uint64_t)d->dst_stride[2]) & mask)
			return GAON_BADDESC_ALIGN;
		if (!sim_range_ok(d->src_va, d->pattern_size, user))
			return GAON_BADDESC_RANGE;
	} else {
		if (d->pattern_size)
			return GAON_BADDESC_RESERVED;
		if (!desc_range_ok(d->src_va, d->bytes, d->count, d->src_stride, user))
			return GAON_BADDESC_RANGE;
	}
	return desc_range_ok(d->dst_va, d->bytes, d->count, d->dst_stride, user) ? 0 :
	       GAON_BADDESC_RANGE;
}
