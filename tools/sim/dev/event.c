// SPDX-License-Identifier: MIT
/*
 * Event rings: records written in order, the valid word last; a full ring drops and says so.  The
 * consumer's HEAD arms the vector again.
 */
#include <string.h>

#include "devside.h"
#include "lie.h"

static uint32_t event_vector(struct gaon_sim *sim, unsigned int index)
{
	return (1 + index) ^ sim->regs->events[index].vector_xor;
}

static void event_raise(struct gaon_sim *sim, unsigned int index)
{
	struct sim_event_ring *ring = &sim->regs->events[index];

	ring->armed = false;
	sim_msix_raise(sim, event_vector(sim, index));
}

/* valid is left alone until everything else is there: software looks at it all the time. */
static bool event_write(struct gaon_sim *sim, uint64_t pa, const struct gaon_event *record, uint64_t valid)
{
	const size_t head = offsetof(struct gaon_event, valid), tail = head + sizeof(valid);

	return sim_phys_write(sim, pa, record, head) &&
	       sim_phys_write(sim, pa + tail, (const uint8_t *)record + tail, sizeof(*record) - tail) &&
	       sim_phys_store64(sim, pa + head, valid);
}

static uint64_t event_place(const struct sim_event_ring *ring, uint64_t index)
{
	return ring->addr + (index & ((1ull << ring->log2) - 1)) * sizeof(struct gaon_event);
}

static bool event_store(struct gaon_sim *sim, struct sim_event_ring *ring, struct gaon_event *record)
{
	uint64_t valid = ring->tail + 1;

	switch (sim_lie_event(sim, record, &valid)) {
	case SIM_LIE_DROP:
		return true;
	case SIM_LIE_REPEAT:
		event_write(sim, event_place(ring, ring->tail + 1), record, valid + 1);
		break;
	case SIM_LIE_STORE:
		break;
	}
	return event_write(sim, event_place(ring, ring->tail), record, valid);
}

void sim_event_post_ring(struct gaon_sim *sim, unsigned int index, const struct gaon_event *event)
{
	struct sim_event_ring *ring = &sim->regs->events[index];
	struct gaon_event record = *event;
	uint32_t enables = ring->enables;
	bool written;

	sim_run_notify(sim);
	if (!ring->enabled)
		return;
	if (ring->lost_flag)
		record.flags |= GAON_EVENT_F_LOST;
	record.reserved = 0;
	written = ring->tail - ring->head < 1ull << ring->log2 && event_store(sim, ring, &record);
	/* The host may have made a new ring while it took the record. */
	if (enables != ring->enables)
		return;
	if (!written) {
		ring->lost++;
		ring->lost_flag = true;
		sim->tele.lost_events++;
	} else {
		ring->tail++;
		ring->lost_flag = false;
	}
	if (ring->armed)
		event_raise(sim, index);
}

void sim_event_post(struct gaon_sim *sim, struct sim_context *ctx, const struct gaon_event *event)
{
	sim_event_post_ring(sim, ctx->ring, event);
}

uint64_t sim_event_reg_read(struct gaon_sim *sim, unsigned int index, uint64_t offset, unsigned int len)
{
	struct sim_event_ring *ring = &sim->regs->events[index];

	switch (offset) {
	case GAON_EVENT_ADDR:
		return len == 8 ? ring->addr : (uint32_t)ring->addr;
	case GAON_EVENT_ADDR + 4:
		return ring->addr >> 32;
	case GAON_EVENT_LOG2:
		return ring->log2;
	case GAON_EVENT_ENABLE:
		return ring->enabled;
	case GAON_EVENT_LOST:
		return ring->lost;
	case GAON_EVENT_VECTOR:
		return event_vector(sim, index);
	default:
		return 0;
	}
}

/* A ring that could never be written stays off. */
static void event_enable(struct gaon_sim *sim, struct sim_event_ring *ring, bool enable)
{
	uint64_t bytes = sizeof(struct gaon_event) << (ring->log2 & 31);

	ring->enables++;
	ring->enabled = enable && ring->log2 >= 4 && ring->log2 <= 16 &&
			sim_phys_valid(sim, ring->addr, bytes);
	ring->head = 0;
	ring->tail = 0;
	ring->lost = 0;
	ring->lost_flag = false;
	ring->armed = ring->enabled;
}

static void event_set_head(struct gaon_sim *sim, unsigned int index, uint64_t head)
{
	struct sim_event_ring *ring = &sim->regs->events[index];

	/* An index outside what was produced and not yet consumed is ignored; it arms all the same. */
	if (head - ring->head <= ring->tail - ring->head)
		ring->head = head;
	if (!ring->enabled)
		return;
	ring->armed = true;
	if (ring->head != ring->tail)
		event_raise(sim, index);
}

void sim_event_reg_write(struct gaon_sim *sim, unsigned int index, uint64_t offset, uint64_t value,
			 unsigned int len)
{
	struct sim_event_ring *ring = &sim->regs->events[index];

	switch (offset) {
	case GAON_EVENT_ADDR:
	case GAON_EVENT_ADDR + 4:
		if (ring->enabled)
			break;
		sim_regs_merge64(&ring->addr, offset & 4, value, len);
		ring->addr &= GAON_PA_MASK & ~127ull;
		break;
	case GAON_EVENT_LOG2:
		if (!ring->enabled)
			ring->log2 = value & 31;
		break;
	case GAON_EVENT_VECTOR:
		if (!ring->enabled && value < GAON_MSIX_VECTORS)
			ring->vector_xor = (uint32_t)value ^ (1 + index);
		break;
	case GAON_EVENT_ENABLE:
		event_enable(sim, ring, value & 1);
		break;
	case GAON_EVENT_HEAD:
		if (len == 4)
			ring->head_low = value;
		else
			event_set_head(sim, index, value);
		break;
	case GAON_EVENT_HEAD + 4:
		event_set_head(sim, index, value << 32 | ring->head_low);
		break;
	}
}
