// SPDX-License-Identifier: MIT
#include "copy.h"

#include <string.h>

#include "error.h"
#include "fault.h"
#include "graph.h"

enum copy_type { COPY_WRITE, COPY_READ, COPY_DEVICE };

struct copy_request {
	enum copy_type type;
	uint64_t dst, src;		/* device addresses */
	const void *from;		/* WRITE */
	void *to;			/* READ */
	uint64_t bytes;
};

/* --- sides ----------------------------------------------------------------------------------- */

enum gaon_status copy_side_device(struct rt_stream *s, uint64_t va, uint64_t bytes, bool write,
				  struct copy_side *side)
{
	struct addr_entry entry;

	if (!addrmap_find(&s->dev->map, va, bytes, &entry))
		return gaon_fail(GAON_ERROR_INVALID_ADDRESS,
				 "%llu bytes at %#llx are not inside one allocation of the device",
				 (unsigned long long)bytes, (unsigned long long)va);
	if (write && entry.readonly)
		return gaon_fail(GAON_ERROR_INVALID_ADDRESS,
				 "%#llx was imported with GAON_IMPORT_READONLY",
				 (unsigned long long)va);
	*side = (struct copy_side){ .va = va };
	return GAON_OK;
}

enum gaon_status copy_side_host(struct rt_stream *s, const void *ptr, uint64_t bytes, bool write,
				struct copy_side *side)
{
	enum gaon_status status = GAON_OK;
	struct addr_entry entry;
	void *stage;

	*side = (struct copy_side){ 0 };
	if (!ptr)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the host pointer is NULL");
	if (addrmap_find_host(&s->dev->map, ptr, bytes, &entry) && !(write && entry.readonly)) {
		side->va = entry.va + (uint64_t)((const uint8_t *)ptr - entry.ptr);
		return GAON_OK;
	}
	/*
	 * Staging reads the source now.  That is too early if work under way may still write it: pin
	 * it then.
	 */
	if (!write && bytes <= COPY_STAGED_MOST && !atomic_load(&s->dev->pin_writes)) {
		stage = rt_stream_args(s, bytes, &side->va, &status);
		if (stage)
			memcpy(stage, ptr, bytes);
		return status;
	}
	/* What a copy stands in for is copied now, too. */
	status = rt_pins_settle(s, ptr, bytes);
	if (!status)
		side->pin = rt_pin_make(s->dev, ptr, bytes, write, &status);
	if (side->pin)
		side->va = side->pin->va;
	return status;
}

void copy_side_done(struct rt_stream *s, struct copy_side *side, uint64_t value)
{
	if (side->pin)
		rt_pin_arm(s->dev, side->pin, s->timeline, value);
	side->pin = NULL;
}

void copy_side_drop(struct rt_stream *s, struct copy_side *side)
{
	if (side->pin)
		rt_pin_drop(s->dev, side->pin);
	side->pin = NULL;
}

/* --- queueing -------------------------------------------------------------------------------- */

static bool ranges_overlap(uint64_t a, uint64_t b, uint64_t bytes)
{
	return a < b ? b - a < bytes : a - b < bytes;
}

static enum gaon_status copy_sides(struct rt_stream *s, const struct copy_request *r,
				   struct copy_side *dst, struct copy_side *src)
{
	enum gaon_status status;

	*dst = *src = (struct copy_side){ 0 };
	if (r->type != COPY_DEVICE) {
		status = rt_stream_check_live(s, "a copy of host memory");
		if (status)
			return status;
	}
	/* The device's side first: it needs no undoing. */
	if (r->type == COPY_READ) {
		status = copy_side_device(s, r->src, r->bytes, false, src);
		return status ? status : copy_side_host(s, r->to, r->bytes, true, dst);
	}
	status = copy_side_device(s, r->dst, r->bytes, true, dst);
	if (status)
		return status;
	if (r->type == COPY_WRITE)
		return copy_side_host(s, r->from, r->bytes, false, src);
	if (ranges_overlap(r->dst, r->src, r->bytes))
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "source and destination overlap");
	return copy_side_device(s, r->src, r->bytes, false, src);
}

/* obj.lock held. @value: when it is done. */
static enum gaon_status copy_put(struct rt_stream *s, const struct copy_request *r, uint64_t *value)
{
	struct gaon_packet *packet, local = { .type = GAON_PKT_COPY };
	struct copy_side dst, src;
	enum gaon_status status = copy_sides(s, r, &dst, &src);

	if (status)
		return status;
	local.copy.dst_va = dst.va;
	local.copy.src_va = src.va;
	local.copy.bytes = r->bytes;
	if (s->recording)
		return rt_graph_put(s, &local);
	packet = rt_stream_packet(s, &status);
	if (!packet) {
		copy_side_drop(s, &dst);
		copy_side_drop(s, &src);
		return status;
	}
	*packet = local;
	*value = rt_stream_put(s, packet, RT_OP_COPY);
	copy_side_done(s, &dst, *value);
	copy_side_done(s, &src, *value);
	return GAON_OK;
}

static enum gaon_status copy_async(struct gaon_stream *stream, const struct copy_request *r)
{
	enum gaon_status status = GAON_OK;
	struct rt_stream *s = rt_stream_enter(stream, NULL, &status);
	uint64_t value;

	if (!s)
		return status;
	if (r->bytes)
		status = copy_put(s, r, &value);
	rt_stream_leave(s);
	return status;
}

/* --- blocking -------------------------------------------------------------------------------- */

enum gaon_status copy_sync_stream(struct rt_device *dev, struct rt_stream **out)
{
	struct gaon_stream_config config = { .size = sizeof(config), .name = "blocking copies" };
	enum gaon_status status = GAON_OK;

	if (!dev->sync)
		status = rt_stream_make(dev, &config, &dev->sync);
	else
		status = rt_fault_recover(dev->sync);
	*out = dev->sync;
	return status;
}

enum gaon_status copy_sync_wait(struct rt_stream *s, uint64_t value)
{
	enum gaon_status status = rt_timeline_wait(s->dev, s->timeline, value, GAON_FOREVER);

	/* Nobody has the stream's handle: what befell one copy must not end later ones. */
	if (status == GAON_ERROR_FAULT)
		rt_fault_recover(s);
	return status;
}

/* Small reads come into the ring and are copied out: no page is pinned for them. */
static enum gaon_status read_staged(struct rt_stream *s, const struct copy_request *r)
{
	struct copy_request staged = *r;
	enum gaon_status status;
	struct gaon_packet *packet;
	struct copy_side src;
	uint64_t va, value;
	void *stage;

	status = copy_side_device(s, r->src, r->bytes, false, &src);
	if (status)
		return status;
	if (!r->to)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the host pointer is NULL");
	pthread_mutex_lock(&s->obj.lock);
	stage = rt_stream_args(s, staged.bytes, &va, &status);
	packet = stage ? rt_stream_packet(s, &status) : NULL;
	if (packet) {
		packet->type = GAON_PKT_COPY;
		packet->copy.dst_va = va;
		packet->copy.src_va = src.va;
		packet->copy.bytes = r->bytes;
		value = rt_stream_put(s, packet, RT_OP_COPY);
	}
	pthread_mutex_unlock(&s->obj.lock);
	if (!packet)
		return status;
	status = copy_sync_wait(s, value);
	if (!status)
		memcpy(r->to, stage, r->bytes);
	return status;
}

static enum gaon_status copy_blocking(struct gaon_device *device, const struct copy_request *r)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev = rt_enter_blocking(OBJ_DEVICE, device, &status);
	bool staged = r->type == COPY_READ && r->bytes <= COPY_STAGED_MOST;
	struct rt_stream *s = NULL;
	uint64_t value = 0;

	if (!dev)
		return status;
	/* Held over the wait of a staged read: its block of the ring must not be reused before. */
	pthread_mutex_lock(&dev->sync_lock);
	status = copy_sync_stream(dev, &s);
	if (!status && r->bytes && staged) {
		status = read_staged(s, r);
	} else if (!status && r->bytes) {
		pthread_mutex_lock(&s->obj.lock);
		status = copy_put(s, r, &value);
		pthread_mutex_unlock(&s->obj.lock);
	}
	pthread_mutex_unlock(&dev->sync_lock);
	if (!status && value)
		status = copy_sync_wait(s, value);
	rt_leave(dev);
	return status;
}

/* --- fills ----------------------------------------------------------------------------------- */

struct fill_request {
	uint64_t dst, pattern, bytes;
	uint32_t pattern_size;
};

static enum gaon_status fill_check(const struct fill_request *r)
{
	uint32_t n = r->pattern_size;

	if (n != 1 && n != 2 && n != 4 && n != 8)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "pattern size %u is not 1, 2, 4 or 8", n);
	if (r->bytes % n || r->dst % n)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT,
				 "%llu bytes at %#llx are not whole patterns of %u bytes",
				 (unsigned long long)r->bytes, (unsigned long long)r->dst, n);
	return GAON_OK;
}

static enum gaon_status fill_put(struct rt_stream *s, const struct fill_request *r, uint64_t *value)
{
	struct gaon_packet *packet, local = { .type = GAON_PKT_FILL };
	struct copy_side dst;
	enum gaon_status status = copy_side_device(s, r->dst, r->bytes, true, &dst);

	if (status)
		return status;
	local.fill.dst_va = r->dst;
	local.fill.bytes = r->bytes;
	local.fill.pattern = r->pattern_size == 8 ? r->pattern :
			     r->pattern & ((1ull << 8 * r->pattern_size) - 1);
	local.fill.pattern_size = r->pattern_size;
	if (s->recording)
		return rt_graph_put(s, &local);
	packet = rt_stream_packet(s, &status);
	if (!packet)
		return status;
	*packet = local;
	*value = rt_stream_put(s, packet, RT_OP_FILL);
	return GAON_OK;
}

GAON_API enum gaon_status gaon_mem_fill_async(struct gaon_stream *stream, uint64_t dst,
					      uint64_t pattern, uint32_t pattern_size,
					      uint64_t bytes)
{
	struct fill_request r = { dst, pattern, bytes, pattern_size };
	enum gaon_status status = fill_check(&r);
	struct rt_stream *s;
	uint64_t value;

	if (status)
		return status;
	s = rt_stream_enter(stream, NULL, &status);
	if (!s)
		return status;
	if (bytes)
		status = fill_put(s, &r, &value);
	rt_stream_leave(s);
	return status;
}

GAON_API enum gaon_status gaon_mem_fill(struct gaon_device *device, uint64_t dst, uint64_t pattern,
					uint32_t pattern_size, uint64_t bytes)
{
	struct fill_request r = { dst, pattern, bytes, pattern_size };
	enum gaon_status status = fill_check(&r);
	struct rt_stream *s = NULL;
	struct rt_device *dev;
	uint64_t value = 0;

	if (status)
		return status;
	dev = rt_enter_blocking(OBJ_DEVICE, device, &status);
	if (!dev)
		return status;
	pthread_mutex_lock(&dev->sync_lock);
	status = copy_sync_stream(dev, &s);
	if (!status && bytes) {
		pthread_mutex_lock(&s->obj.lock);
		status = fill_put(s, &r, &value);
		pthread_mutex_unlock(&s->obj.lock);
	}
	pthread_mutex_unlock(&dev->sync_lock);
	if (!status && value)
		status = copy_sync_wait(s, value);
	rt_leave(dev);
	return status;
}

/* --- public ---------------------------------------------------------------------------------- */

GAON_API enum gaon_status gaon_mem_write(struct gaon_device *dev, uint64_t dst, const void *src,
					 uint64_t bytes)
{
	return copy_blocking(dev, &(struct copy_request){ COPY_WRITE, .dst = dst, .from = src,
							  .bytes = bytes });
}

GAON_API enum gaon_status gaon_mem_read(struct gaon_device *dev, void *dst, uint64_t src,
					uint64_t bytes)
{
	return copy_blocking(dev, &(struct copy_request){ COPY_READ, .src = src, .to = dst,
							  .bytes = bytes });
}

GAON_API enum gaon_status gaon_mem_copy(struct gaon_device *dev, uint64_t dst, uint64_t src,
					uint64_t bytes)
{
	return copy_blocking(dev, &(struct copy_request){ COPY_DEVICE, .dst = dst, .src = src,
							  .bytes = bytes });
}

GAON_API enum gaon_status gaon_mem_write_async(struct gaon_stream *stream, uint64_t dst,
					       const void *src, uint64_t bytes)
{
	return copy_async(stream, &(struct copy_request){ COPY_WRITE, .dst = dst, .from = src,
							  .bytes = bytes });
}

GAON_API enum gaon_status gaon_mem_read_async(struct gaon_stream *stream, void *dst, uint64_t src,
					      uint64_t bytes)
{
	return copy_async(stream, &(struct copy_request){ COPY_READ, .src = src, .to = dst,
							  .bytes = bytes });
}

GAON_API enum gaon_status gaon_mem_copy_async(struct gaon_stream *stream, uint64_t dst,
					      uint64_t src, uint64_t bytes)
{
	return copy_async(stream, &(struct copy_request){ COPY_DEVICE, .dst = dst, .src = src,
							  .bytes = bytes });
}
