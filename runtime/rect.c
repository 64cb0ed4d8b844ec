// SPDX-License-Identifier: MIT
/* Pitched copies. */
#include <string.h>

#include "copy.h"
#include "error.h"
#include "graph.h"

/* Both sides with all defaults filled in. */
static enum gaon_status rect_normalise(const struct gaon_rect *in, struct gaon_rect *r,
				       uint64_t span[2])
{
	struct gaon_rect_end *end[2] = { &r->dst, &r->src };
	enum gaon_status status = gaon_struct_read(r, sizeof(*r), in, sizeof(*r), "gaon_rect");
	int i;

	if (status)
		return status;
	r->height = r->height ? r->height : 1;
	r->depth = r->depth ? r->depth : 1;
	if (r->width > 1ull << 46)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "rows of %llu bytes",
				 (unsigned long long)r->width);
	for (i = 0; i < 2; i++) {
		struct gaon_rect_end *e = end[i];
		unsigned __int128 bytes;

		e->row_pitch = e->row_pitch ? e->row_pitch : r->width;
		if (!e->slice_pitch) {
			bytes = (unsigned __int128)e->row_pitch * r->height;
			e->slice_pitch = bytes > 1ull << 46 ? 1ull << 46 : (uint64_t)bytes;
		}
		bytes = (unsigned __int128)e->row_pitch * (r->height - 1) + r->width;
		if (e->row_pitch < r->width || (r->depth > 1 && e->slice_pitch < bytes))
			return gaon_fail(GAON_ERROR_INVALID_ARGUMENT,
					 "the %s's pitches are smaller than what they span",
					 i ? "source" : "destination");
		bytes += (unsigned __int128)e->slice_pitch * (r->depth - 1);
		if (bytes > 1ull << 46)
			return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the %s is too large",
					 i ? "source" : "destination");
		span[i] = (uint64_t)bytes;
	}
	return GAON_OK;
}

static enum gaon_status rect_side(struct rt_stream *s, const struct gaon_rect_end *end,
				  uint64_t span, bool write, struct copy_side *side)
{
	enum gaon_status status;

	if (!end->ptr)
		return copy_side_device(s, end->va, span, write, side);
	status = rt_stream_check_live(s, "a copy of host memory");
	return status ? status : copy_side_host(s, end->ptr, span, write, side);
}

/* obj.lock held. */
static enum gaon_status rect_put(struct rt_stream *s, const struct gaon_rect *r,
				 const uint64_t span[2], uint64_t *value)
{
	struct gaon_packet *packet, local = { .type = GAON_PKT_COPY, .flags = GAON_PKT_F_DESC };
	struct copy_side dst = { 0 }, src = { 0 };
	struct gaon_copy_desc *desc = NULL;
	enum gaon_status status;

	status = rect_side(s, &r->dst, span[0], true, &dst);
	if (!status)
		status = rect_side(s, &r->src, span[1], false, &src);
	if (!status)
		desc = s->recording ?
		       rt_graph_args(s, sizeof(*desc), &local.desc.desc_va, &status) :
		       rt_stream_args(s, sizeof(*desc), &local.desc.desc_va, &status);
	if (desc) {
		*desc = (struct gaon_copy_desc){
			.dst_va = dst.va,
			.src_va = src.va,
			.bytes = r->width,
			.count = { r->height, r->depth, 1 },
			.dst_stride = { (int64_t)r->dst.row_pitch, (int64_t)r->dst.slice_pitch },
			.src_stride = { (int64_t)r->src.row_pitch, (int64_t)r->src.slice_pitch },
		};
		if (s->recording)
			return rt_graph_put(s, &local);
		packet = rt_stream_packet(s, &status);
		if (packet) {
			*packet = local;
			*value = rt_stream_put(s, packet, RT_OP_COPY);
			copy_side_done(s, &dst, *value);
			copy_side_done(s, &src, *value);
		}
	}
	copy_side_drop(s, &dst);
	copy_side_drop(s, &src);
	return status;
}

GAON_API enum gaon_status gaon_mem_copy_rect_async(struct gaon_stream *stream,
						   const struct gaon_rect *rect)
{
	enum gaon_status status;
	struct rt_stream *s;
	struct gaon_rect r;
	uint64_t span[2], value;

	status = rect_normalise(rect, &r, span);
	if (status)
		return status;
	s = rt_stream_enter(stream, NULL, &status);
	if (!s)
		return status;
	if (r.width)
		status = rect_put(s, &r, span, &value);
	rt_stream_leave(s);
	return status;
}

GAON_API enum gaon_status gaon_mem_copy_rect(struct gaon_device *device,
					     const struct gaon_rect *rect)
{
	enum gaon_status status;
	struct rt_stream *s = NULL;
	struct rt_device *dev;
	struct gaon_rect r;
	uint64_t span[2], value = 0;

	status = rect_normalise(rect, &r, span);
	if (status)
		return status;
	dev = rt_enter_blocking(OBJ_DEVICE, device, &status);
	if (!dev)
		return status;
	pthread_mutex_lock(&dev->sync_lock);
	status = copy_sync_stream(dev, &s);
	if (!status && r.width) {
		pthread_mutex_lock(&s->obj.lock);
		status = rect_put(s, &r, span, &value);
		pthread_mutex_unlock(&s->obj.lock);
	}
	pthread_mutex_unlock(&dev->sync_lock);
	if (!status && value)
		status = copy_sync_wait(s, value);
	rt_leave(dev);
	return status;
}
