// SPDX-License-Identifier: MIT
/* Breakpoints: ebreak instructions in the memory of kernels, which nobody but the hardware sees. */
#include <string.h>

#include "agent.h"

#define BREAKS_MAX	4096

static struct target_break breaks[BREAKS_MAX];
static size_t count;

static struct target_break *find(uint64_t va)
{
	for (size_t i = 0; i < count; i++)
		if (breaks[i].va == va)
			return &breaks[i];
	return NULL;
}

const struct target_break *breaks_at(uint64_t va)
{
	return find(va);
}

static const uint8_t *code_of(const struct target_break *b)
{
	static const uint8_t whole[4] = { 0x73, 0x00, 0x10, 0x00 }, half[2] = { 0x02, 0x90 };

	return b->bytes == 2 ? half : whole;
}

bool breaks_set(struct gaon_winsys *ws, struct gaon_ws_context *ctx, uint64_t va, unsigned int bytes,
		bool entry)
{
	const struct gaon_ws_debug_ops *ops = ws->ops->debug;
	struct target_break *b = find(va);

	if (!b) {
		if (count == BREAKS_MAX || va & 1)
			return false;
		b = &breaks[count];
		*b = (struct target_break){ .va = va };
		if (!bytes) {
			if (ops->memory(ctx, va, b->saved, 2, false) != 2)
				return false;
			bytes = (b->saved[0] & 3) == 3 ? 4 : 2;
		}
		b->bytes = (uint8_t)bytes;
		if (ops->memory(ctx, va, b->saved, bytes, false) != bytes ||
		    ops->memory(ctx, va, (void *)(uintptr_t)code_of(b), bytes, true) != bytes)
			return false;
		count++;
	}
	*(entry ? &b->entry : &b->user) = true;
	return true;
}

static void drop(struct target_break *b)
{
	*b = breaks[--count];
}

bool breaks_clear(struct gaon_winsys *ws, struct gaon_ws_context *ctx, uint64_t va, bool entry)
{
	struct target_break *b = find(va);
	bool good = true;

	if (!b || !*(entry ? &b->entry : &b->user))
		return false;
	*(entry ? &b->entry : &b->user) = false;
	if (b->user || b->entry)
		return true;
	good = ws->ops->debug->memory(ctx, va, b->saved, b->bytes, true) == b->bytes;
	drop(b);
	return good;
}

void breaks_clear_all(struct gaon_winsys *ws, struct gaon_ws_context *ctx, bool user, bool entry)
{
	for (size_t i = count; i--;) {
		uint64_t va = breaks[i].va;

		if (user && breaks[i].user)
			breaks_clear(ws, ctx, va, false);
		if (entry && i < count && breaks[i].va == va && breaks[i].entry)
			breaks_clear(ws, ctx, va, true);
	}
}

void breaks_forget(uint64_t va, uint64_t bytes)
{
	for (size_t i = count; i--;)
		if (breaks[i].va >= va && breaks[i].va - va < bytes)
			drop(&breaks[i]);
}

/* The part of a breakpoint that lies in [va, va + bytes): from its byte @*from on, @n of them. */
static size_t overlap(const struct target_break *b, uint64_t va, size_t bytes, size_t *from)
{
	uint64_t start = b->va > va ? b->va : va, end = b->va + b->bytes;

	if (end > va + bytes)
		end = va + bytes;
	*from = (size_t)(start - b->va);
	return start < end ? (size_t)(end - start) : 0;
}

void breaks_hide(uint64_t va, uint8_t *data, size_t bytes)
{
	for (size_t i = 0; i < count; i++) {
		size_t from, n = overlap(&breaks[i], va, bytes, &from);

		if (n)
			memcpy(data + (breaks[i].va + from - va), breaks[i].saved + from, n);
	}
}

void breaks_write(uint64_t va, uint8_t *data, size_t bytes)
{
	for (size_t i = 0; i < count; i++) {
		size_t from, n = overlap(&breaks[i], va, bytes, &from);
		uint8_t *at = data + (breaks[i].va + from - va);

		if (!n)
			continue;
		memcpy(breaks[i].saved + from, at, n);
		memcpy(at, code_of(&breaks[i]) + from, n);
	}
}
