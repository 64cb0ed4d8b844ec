// SPDX-License-Identifier: MIT
/*
 * DMA between memory and a core's scratchpad: strided up to four dimensions, and by index.
 */
#include <stdlib.h>
#include <string.h>

#include "engine.h"

#define ENTRIES		64
#define REGION_SHIFT	21
#define BYTES_MAX	(1ull << 26)	/* moved by one descriptor */
#define RUNS_MAX	(1ull << 22)
#define INDEX_BATCH	64

/* Memory of which the host address is known. */
struct region {
	uint64_t va, len;	/* len 0: empty */
	uint8_t *host;		/* NULL: at @pa, by the host's callbacks */
	uint64_t pa;
	bool hbm;
};

struct sim_dma_cache {
	struct region region[2][ENTRIES];	/* [writing] */
	struct region last[2];
};

struct sim_dma_cache *sim_dma_create(void)
{
	return calloc(1, sizeof(struct sim_dma_cache));
}

void sim_dma_destroy(struct sim_dma_cache *cache)
{
	free(cache);
}

void sim_dma_flush(struct sim_dma_cache *cache)
{
	memset(cache, 0, sizeof(*cache));
}

/* --- checks ------------------------------------------------------------------------------------ */

/* First and one past the last byte of the scratchpad that the descriptor names. */
static void spm_extent(const struct gaon_dma_desc *d, __int128 *low, __int128 *high)
{
	*low = d->spm_va;
	*high = (__int128)d->spm_va + d->bytes;
	for (unsigned int i = 0; i < 3; i++) {
		__int128 span = (__int128)(d->count[i] - 1) * d->spm_stride[i];

		if (span < 0)
			*low += span;
		else
			*high += span;
	}
}

static bool in_scratchpad(const struct gaon_dma_desc *d, uint64_t spm_bytes)
{
	__int128 low, high;

	spm_extent(d, &low, &high);
	return low >= (__int128)GAON_VA_SPM && high <= (__int128)(GAON_VA_SPM + spm_bytes);
}

unsigned int sim_dma_check(const struct gaon_dma_desc *d, uint64_t spm_bytes)
{
	bool gather = d->type == GAON_DMA_GATHER;
	uint64_t align = d->flags & GAON_DMA_INDEX64 ? 7 : 3;
	unsigned __int128 runs;

	if (d->type > GAON_DMA_GATHER)
		return GAON_BADDESC_TYPE;
	if (d->reserved0[0] || d->reserved0[1] || d->reserved0[2] || (!gather && d->index_va))
		return GAON_BADDESC_RESERVED;
	if ((d->flags & ~GAON_DMA_FLAGS) || (!gather && (d->flags & GAON_DMA_INDEX64)))
		return GAON_BADDESC_FLAGS;
	if (gather && (d->index_va & align))
		return GAON_BADDESC_ALIGN;
	runs = (unsigned __int128)d->count[0] * d->count[1] * d->count[2];
	if (!d->bytes || !runs || runs > RUNS_MAX || runs * d->bytes > BYTES_MAX)
		return GAON_BADDESC_RANGE;
	return in_scratchpad(d, spm_bytes) ? 0 : GAON_BADDESC_RANGE;
}

/* Rows that follow each other without a gap on both sides are one. */
static void fold(struct gaon_dma_desc *d)
{
	unsigned int dims = d->type == GAON_DMA_GATHER ? 2 : 3;

	while (dims && (d->count[0] == 1 || (d->mem_stride[0] == (int64_t)d->bytes &&
					     d->spm_stride[0] == (int64_t)d->bytes))) {
		d->bytes *= d->count[0];
		for (unsigned int i = 0; i + 1 < dims; i++) {
			d->count[i] = d->count[i + 1];
			d->mem_stride[i] = d->mem_stride[i + 1];
			d->spm_stride[i] = d->spm_stride[i + 1];
		}
		d->count[--dims] = 1;
		d->mem_stride[dims] = d->spm_stride[dims] = 0;
	}
}

uint64_t sim_dma_lines(const struct gaon_dma_desc *desc)
{
	struct gaon_dma_desc d = *desc;

	/* The indexed dimension's count and stride must stay where they are. */
	fold(&d);
	return (uint64_t)d.count[0] * d.count[1] * d.count[2] * ((d.bytes + 63ull) & ~63ull);
}

/* --- memory ----------------------------------------------------------------------------------------- */

static const struct region *locate(struct sim_core *core, struct sim_dma_cache *cache, uint64_t va,
				   bool write)
{
	uint8_t access = write ? GAON_ACCESS_WRITE : GAON_ACCESS_READ;
	struct region *r = &cache->last[write];
	struct sim_xlate x;
	uint64_t page = va & ~(GAON_PAGE_SIZE - 1);

	if (va - r->va < r->len)
		return r;
	if (va >= GAON_VA_SPM && va < GAON_VA_SPM_LIMIT) {
		sim_core_fault(core, GAON_FAULT_SPM_BOUNDS, access, va, 0);
		return NULL;
	}
	r = &cache->region[write][va >> REGION_SHIFT & (ENTRIES - 1)];
	if (va - r->va >= r->len) {
		if (!sim_translate(core->sim, core->ctx, page, access, false, &x) && !x.remote) {
			sim_core_fault(core, x.fault_type, access, va, 0);
			return NULL;
		}
		*r = (struct region){
			.va = page, .len = x.run, .host = x.host, .pa = x.pa, .hbm = x.hbm,
		};
		/* A mapping next to the scratchpad's window does not reach into it. */
		if (page < GAON_VA_SPM && r->len > GAON_VA_SPM - page)
			r->len = GAON_VA_SPM - page;
	}
	cache->last[write] = *r;
	return &cache->last[write];
}

bool sim_dma_is_host(struct sim_core *core, struct sim_dma_cache *cache,
		     const struct gaon_dma_desc *desc)
{
	struct gaon_fault_record keep = core->unit->fault;
	const struct region *r;

	r = locate(core, cache, desc->mem_va, desc->flags & GAON_DMA_FROM_SPM);
	core->unit->fault = keep;
	return r && !r->hbm;
}

static bool move_remote(struct sim_core *core, const struct region *r, uint64_t at, uint8_t *spm,
			uint64_t n, bool from_spm)
{
	if (from_spm ? sim_phys_write(core->sim, r->pa + at, spm, n) :
		       sim_phys_read(core->sim, r->pa + at, spm, n))
		return true;
	sim_core_fault(core, GAON_FAULT_BUS, from_spm ? GAON_ACCESS_WRITE : GAON_ACCESS_READ, r->va + at, 0);
	return false;
}

static bool move_run(struct sim_core *core, struct sim_dma_cache *cache, uint64_t va, uint8_t *spm,
		     uint64_t bytes, bool from_spm)
{
	while (bytes) {
		const struct region *r = locate(core, cache, va, from_spm);
		uint64_t at, n;

		if (!r)
			return false;
		at = va - r->va;
		n = bytes < r->len - at ? bytes : r->len - at;
		if (!r->host) {
			if (!move_remote(core, r, at, spm, n, from_spm))
				return false;
		} else if (from_spm) {
			memcpy(r->host + at, spm, n);
		} else {
			memcpy(spm, r->host + at, n);
		}
		va += n;
		spm += n;
		bytes -= n;
	}
	return true;
}

/* Two inner dimensions: at @va in memory, at @spm (an offset) in the scratchpad. */
static bool move_plane(struct sim_core *core, struct sim_dma_cache *cache,
		       const struct gaon_dma_desc *d, uint64_t va, uint64_t spm)
{
	bool from_spm = d->flags & GAON_DMA_FROM_SPM;

	for (uint64_t j = 0; j < d->count[1]; j++) {
		uint64_t row = va + j * (uint64_t)d->mem_stride[1];
		uint64_t to = spm + j * (uint64_t)d->spm_stride[1];

		for (uint32_t i = 0; i < d->count[0]; i++) {
			if (!move_run(core, cache, row, core->spm + to, d->bytes, from_spm))
				return false;
			row += (uint64_t)d->mem_stride[0];
			to += (uint64_t)d->spm_stride[0];
		}
	}
	return true;
}

/* --- operands of the matrix unit that lie in memory -------------------------------------------- */

#define IN_PLACE_MAX	(64ull << 20)	/* bytes that are looked up for a product */

struct gaon_dma_desc sim_dma_operand_rows(const struct sim_gemm *g, uint64_t va)
{
	struct sim_gemm one = { .n = 1, .k = g->k, .type_b = g->type_b, .flags = g->flags };
	uint32_t rows = g->type_b & GAON_TYPE_ROWS16 ? (g->n - 1) / GAON_ROWS_GROUP + 1 : g->n;
	uint64_t bytes = sim_gemm_extent(&one, 'b');

	return (struct gaon_dma_desc){
		.mem_va = va, .bytes = (uint32_t)bytes, .count = { rows, 1, 1 },
		.mem_stride = { (int64_t)g->ldb }, .spm_stride = { (int64_t)bytes },
	};
}

/* The host's address of @bytes that are contiguous there too, or NULL. */
static const uint8_t *in_place(struct sim_core *core, struct sim_dma_cache *cache, uint64_t va,
			       uint64_t bytes)
{
	struct gaon_fault_record keep = core->unit->fault;
	const uint8_t *first = NULL;

	for (uint64_t at = 0; at < bytes;) {
		const struct region *r = locate(core, cache, va + at, false);
		const uint8_t *host;

		if (!r || !r->host || va + at < va) {
			core->unit->fault = keep;
			return NULL;
		}
		host = r->host + (va + at - r->va);
		if (!at)
			first = host;
		else if (host != first + at)
			return NULL;
		at += r->len - (va + at - r->va);
	}
	return first;
}

bool sim_dma_operand(struct sim_core *core, struct sim_dma_cache *cache, uint64_t va,
		     struct sim_gemm *g, uint8_t **copy)
{
	struct gaon_dma_desc rows = sim_dma_operand_rows(g, va);
	uint64_t extent = sim_gemm_extent(g, 'b');

	g->b = extent <= IN_PLACE_MAX ? in_place(core, cache, va, extent) : NULL;
	if (g->b)
		return true;
	*copy = malloc((uint64_t)rows.count[0] * rows.bytes);
	if (!*copy) {
		sim_core_fault(core, GAON_FAULT_BUS, GAON_ACCESS_READ, va, 0);
		return false;
	}
	for (uint64_t i = 0; i < rows.count[0]; i++)
		if (!move_run(core, cache, va + i * g->ldb, *copy + i * rows.bytes, rows.bytes, false)) {
			free(*copy);
			*copy = NULL;
			return false;
		}
	g->b = *copy;
	g->ldb = rows.bytes;
	return true;
}

static bool read_indices(struct sim_core *core, const struct gaon_dma_desc *d, uint32_t first,
			 uint32_t count, uint64_t index[INDEX_BATCH])
{
	uint32_t narrow[INDEX_BATCH];

	if (d->flags & GAON_DMA_INDEX64)
		return sim_core_read(core, d->index_va + first * 8ull, index, count * 8ull);
	if (!sim_core_read(core, d->index_va + first * 4ull, narrow, count * 4ull))
		return false;
	for (uint32_t i = 0; i < count; i++)
		index[i] = narrow[i];
	return true;
}

static void mark_dirty(struct sim_core *core, const struct gaon_dma_desc *d)
{
	__int128 low, high;

	spm_extent(d, &low, &high);
	sim_core_mark_dirty(core, (uint64_t)low - GAON_VA_SPM, (uint64_t)(high - low));
}

/* --- loads that are put off ------------------------------------------------------------------ */

#define PUT_OFF_MIN	(16u << 10)	/* bytes: below, a product has no time for them */

/* Rows of one pitch, which is what can be copied beside a product. */
static bool is_plain_load(const struct gaon_dma_desc *d)
{
	return d->type == GAON_DMA_STRIDED && !(d->flags & GAON_DMA_FROM_SPM) &&
	       d->count[1] == 1 && d->count[2] == 1 &&
	       (d->count[0] == 1 || (d->mem_stride[0] >= (int64_t)d->bytes &&
				     d->spm_stride[0] >= (int64_t)d->bytes));
}

/*
 * The next part of a load from @mark on: all rows that lie in the region of the first one, or what of
 * that row does.  False: its address faults, or has no pointer; @mark is moved behind the part.
 */
static bool next_part(struct sim_core *core, struct sim_dma_cache *cache,
		      const struct gaon_dma_desc *d, struct sim_feed_mark *mark,
		      struct sim_feed_part *part)
{
	uint64_t left = d->bytes - mark->at;
	uint64_t va = d->mem_va + mark->row * (uint64_t)d->mem_stride[0] + mark->at;
	const struct region *r = locate(core, cache, va, false);
	uint64_t have;

	/* Memory without a pointer is loaded when the wait comes. */
	if (!r || !r->host)
		return false;
	have = r->len - (va - r->va);
	*part = (struct sim_feed_part){
		.src = r->host + (va - r->va),
		.dst = core->spm + (d->spm_va - GAON_VA_SPM) +
		       mark->row * (uint64_t)d->spm_stride[0] + mark->at,
		.src_ld = (size_t)d->mem_stride[0], .dst_ld = (size_t)d->spm_stride[0],
		.bytes = have < left ? have : left, .column = mark->at, .rows = 1,
		.ends_row = have >= left,
	};
	if (!part->ends_row) {
		mark->at += have;
		return true;
	}
	if (!mark->at && part->src_ld) {
		uint64_t rows = (have - left) / part->src_ld + 1;

		part->rows = (uint32_t)(rows < d->count[0] - mark->row ? rows :
								       d->count[0] - mark->row);
	}
	mark->row += part->rows;
	mark->at = 0;
	return true;
}

bool sim_dma_may_put_off(struct sim_core *core, struct sim_dma_cache *cache,
			 const struct gaon_dma_desc *desc)
{
	struct gaon_fault_record keep = core->unit->fault;
	struct sim_feed_mark mark = { 0 };
	struct gaon_dma_desc d = *desc;
	struct sim_feed_part part;

	fold(&d);
	if (!is_plain_load(&d) || (uint64_t)d.count[0] * d.bytes < PUT_OFF_MIN)
		return false;
	while (mark.row < d.count[0])
		if (!next_part(core, cache, &d, &mark, &part)) {
			core->unit->fault = keep;
			return false;
		}
	mark_dirty(core, &d);
	return true;
}

void sim_dma_offer(struct sim_core *core, struct sim_dma_cache *cache,
		   const struct gaon_dma_desc *desc, struct sim_feed_mark *done,
		   struct sim_feed *feed)
{
	struct gaon_fault_record keep = core->unit->fault;
	struct sim_feed_mark mark = { .row = done->row, .at = done->at };
	struct gaon_dma_desc d = *desc;

	fold(&d);
	/*
	 * Of a group that is half done the first row goes on where it stopped and the others begin
	 * anew: nothing may have changed the source, so their bytes are the same.
	 */
	while (mark.row < d.count[0] && feed->parts < SIM_FEED_PARTS) {
		struct sim_feed_part *part = &feed->part[feed->parts];

		if (!next_part(core, cache, &d, &mark, part))
			break;
		part->mark = done;
		feed->parts++;
	}
	core->unit->fault = keep;
}

/* What is left of the rows that are half done; @d becomes the rest. */
static bool finish_group(struct sim_core *core, struct sim_dma_cache *cache,
			 struct gaon_dma_desc *d, const struct sim_feed_mark *done)
{
	uint64_t va = d->mem_va + done->row * (uint64_t)d->mem_stride[0];
	uint64_t spm = d->spm_va - GAON_VA_SPM + done->row * (uint64_t)d->spm_stride[0];
	uint32_t rows = done->row + done->group;

	for (uint32_t i = 0; i < done->group; i++) {
		if (!move_run(core, cache, va + done->at, core->spm + spm + done->at,
			      d->bytes - done->at, false))
			return false;
		va += (uint64_t)d->mem_stride[0];
		spm += (uint64_t)d->spm_stride[0];
	}
	d->mem_va += rows * (uint64_t)d->mem_stride[0];
	d->spm_va += rows * (uint64_t)d->spm_stride[0];
	d->count[0] -= rows;
	return true;
}

bool sim_dma_run(struct sim_core *core, struct sim_dma_cache *cache,
		 const struct gaon_dma_desc *desc, const struct sim_feed_mark *done)
{
	struct gaon_dma_desc d = *desc;
	bool gather = d.type == GAON_DMA_GATHER;
	uint64_t index[INDEX_BATCH], spm;

	fold(&d);
	if (!(d.flags & GAON_DMA_FROM_SPM))
		mark_dirty(core, &d);
	if ((done->row || done->group) && !finish_group(core, cache, &d, done))
		return false;
	spm = d.spm_va - GAON_VA_SPM;
	for (uint32_t k = 0; k < d.count[2]; k++) {
		uint32_t left = d.count[2] - k;
		uint64_t at = k;

		if (gather && k % INDEX_BATCH == 0 &&
		    !read_indices(core, &d, k, left < INDEX_BATCH ? left : INDEX_BATCH, index))
			return false;
		if (gather)
			at = index[k % INDEX_BATCH];
		if (!move_plane(core, cache, &d, d.mem_va + at * (uint64_t)d.mem_stride[2],
				spm + k * (uint64_t)d.spm_stride[2]))
			return false;
	}
	return true;
}
