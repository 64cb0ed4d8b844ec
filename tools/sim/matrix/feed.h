/* SPDX-License-Identifier: MIT */
/*
 * Copies that go on beside a product, as a card's DMA engine works beside its matrix arrays.
 *
 * A processor that multiplies leaves its memory idle, and one that copies leaves its multipliers
 * idle.  So the matrix unit's kernels copy a line now and then, of what was fetched into the cache
 * some time before.  Whoever asks for a product may have copies to offer; how much of them is done
 * is up to the matrix unit, and what is left is the owner's business.
 */
#ifndef GAON_SIM_FEED_H
#define GAON_SIM_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_FEED_PARTS	8

/*
 * How far a copy of rows has come: all rows before @row are there, and of the @group rows from there
 * on the first @at bytes.
 */
struct sim_feed_mark {
	uint32_t row, group;
	uint64_t at;
};

/**
 * struct sim_feed_part - rows whose host addresses are known
 * @dst, @src: the first row that is not done, at byte @column of the owner's row
 * @bytes: of a row
 * @at: how many of them are done in the first @group rows
 * @rows: that are not done
 * @ends_row: the owner's row ends here
 * @mark: the owner's, kept up to date
 */
struct sim_feed_part {
	uint8_t *dst;
	const uint8_t *src;
	size_t dst_ld, src_ld;
	uint64_t bytes, at, column;
	uint32_t rows, group;
	bool ends_row;
	struct sim_feed_mark *mark;
};

/* The parts of one owner stand in the order of its rows. */
struct sim_feed {
	unsigned int parts, current;
	struct sim_feed_part part[SIM_FEED_PARTS];
};

/* A piece to copy, and where the source of the next one lies from this one's. */
struct sim_feed_block {
	uint8_t *dst;
	const uint8_t *src;
	size_t dst_ld, src_ld;
	ptrdiff_t ahead;
};

/*
 * Take @bytes of each of @rows rows: the caller has to copy them.  False: there is no piece of that
 * shape next.  What stood in its way has been copied then, so that there may be one the next time.
 */
bool sim_feed_take(struct sim_feed *feed, uint32_t rows, uint64_t bytes,
		   struct sim_feed_block *block);

#endif
