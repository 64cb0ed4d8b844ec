// SPDX-License-Identifier: MIT
/* Copies that go on beside a product: how they are handed out. */
#include "feed.h"

#include <string.h>

/* The next @bytes of @rows rows are taken care of. */
static void feed_advance(struct sim_feed *feed, struct sim_feed_part *p, uint32_t rows, uint64_t bytes)
{
	struct sim_feed_mark *mark = p->mark;

	p->group = rows;
	p->at += bytes;
	mark->group = rows;
	mark->at = p->column + p->at;
	if (p->at < p->bytes)
		return;
	p->src += rows * p->src_ld;
	p->dst += rows * p->dst_ld;
	p->rows -= rows;
	p->at = 0;
	if (p->ends_row) {
		mark->row += rows;
		mark->group = 0;
		mark->at = 0;
	}
	if (!p->rows)
		feed->current++;
}

/* All that is left of the first @rows rows, at once. */
static void feed_copy_rows(struct sim_feed *feed, struct sim_feed_part *p, uint32_t rows)
{
	uint64_t left = p->bytes - p->at;

	for (uint32_t r = 0; r < rows; r++)
		memcpy(p->dst + r * p->dst_ld + p->at, p->src + r * p->src_ld + p->at, left);
	feed_advance(feed, p, rows, left);
}

/* Where the next piece comes from, if it has the same shape. */
static ptrdiff_t feed_ahead(const struct sim_feed *feed, uint32_t rows, uint64_t bytes)
{
	const struct sim_feed_part *p = &feed->part[feed->current];

	if (p->at + bytes < p->bytes)
		return (ptrdiff_t)bytes;
	if (p->rows > rows)
		return (ptrdiff_t)(rows * p->src_ld) - (ptrdiff_t)p->at;
	if (feed->current + 1 < feed->parts)
		return (ptrdiff_t)((uintptr_t)p[1].src - (uintptr_t)(p->src + p->at));
	return 0;
}

bool sim_feed_take(struct sim_feed *feed, uint32_t rows, uint64_t bytes,
		   struct sim_feed_block *block)
{
	struct sim_feed_part *p = &feed->part[feed->current];

	if (feed->current >= feed->parts)
		return false;
	if (p->at && p->group != rows) {
		feed_copy_rows(feed, p, p->group);
		return false;
	}
	if (p->rows < rows || p->bytes - p->at < bytes) {
		feed_copy_rows(feed, p, p->rows < rows ? p->rows : rows);
		return false;
	}
	*block = (struct sim_feed_block) {
		.dst = p->dst + p->at, .src = p->src + p->at, .dst_ld = p->dst_ld,
		.src_ld = p->src_ld, .ahead = feed_ahead(feed, rows, bytes),
	};
	feed_advance(feed, p, rows, bytes);
	return true;
}
