// SPDX-License-Identifier: MIT
/* Queues that want a slot: a list per rank, first come first served inside one. */
#include "sched.h"

static struct {
	uint16_t first, last;
} lists[READY_RANKS];

static uint32_t count;

void ready_init(void)
{
	for (uint32_t i = 0; i < READY_RANKS; i++)
		lists[i].first = lists[i].last = FW_NONE;
}

/* Kernel-owned queues go before user-mode ones whatever their priority. */
uint8_t queue_rank(const struct fw_queue *q)
{
	if (queue_needs_hold(q))
		return READY_CONTROL;
	return (uint8_t)(q->kind * GAON_PRIORITIES + q->priority);
}

void ready_remove(struct fw_queue *q)
{
	if (!q->ready)
		return;
	if (q->previous == FW_NONE)
		lists[q->rank].first = q->next;
	else
		queues[q->previous].next = q->next;
	if (q->next == FW_NONE)
		lists[q->rank].last = q->previous;
	else
		queues[q->next].previous = q->previous;
	q->ready = false;
	count--;
}

void ready_add(struct fw_queue *q)
{
	uint16_t id = queue_id(q);

	ready_remove(q);
	q->rank = queue_rank(q);
	q->next = FW_NONE;
	q->previous = lists[q->rank].last;
	if (q->previous == FW_NONE)
		lists[q->rank].first = id;
	else
		queues[q->previous].next = id;
	lists[q->rank].last = id;
	q->ready = true;
	count++;
}

struct fw_queue *ready_first(void)
{
	for (uint32_t i = READY_RANKS; i--;)
		if (lists[i].first != FW_NONE)
			return &queues[lists[i].first];
	return NULL;
}

uint32_t ready_count(void)
{
	return count;
}

uint32_t ready_want(void)
{
	uint32_t want = 0;

	for (uint32_t i = 0; i < READY_RANKS; i++)
		if (lists[i].first != FW_NONE)
			want |= 1u << (i < READY_CONTROL ? i : READY_CONTROL - 1);
	return want;
}
