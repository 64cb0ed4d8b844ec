// SPDX-License-Identifier: MIT
/*
 * Copies between opened devices.  Their address spaces are apart, so the data goes through host memory,
 * a block at a time.
 *
 * Asynchronous ones are work of the stream's callback thread, for which the stream waits as for a callback.
 * Behind that wait stands an INDIRECT whose list is one packet of the stream's own, a NOP: a copy that
 * failed makes it a packet that is none, so that the stream faults there like for any other work that
 * failed. Lists are read when their turn comes (Documentation/hw/queues.rst).
 */
#include <stdlib.h>
#include <string.h>

#include "callback.h"
#include "error.h"
#include "peer.h"

#define PEER_BLOCK	(4ull << 20)

struct peer_copy {
	struct gaon_device *dst_dev, *src_dev;
	uint64_t dst, src, bytes;
};

static enum gaon_status peer_run(const struct peer_copy *p)
{
	uint64_t done, step = p->bytes < PEER_BLOCK ? p->bytes : PEER_BLOCK;
	enum gaon_status status = GAON_OK;
	void *block = aligned_alloc(4096, ((step ? step : 1) + 4095) & ~4095ull);

	if (!block)
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no host memory for a copy between devices");
	for (done = 0; done < p->bytes && !status && !rt_callback_stopped(); done += step) {
		if (step > p->bytes - done)
			step = p->bytes - done;
		status = gaon_mem_read(p->src_dev, block, p->src + done, step);
		if (!status)
			status = gaon_mem_write(p->dst_dev, p->dst + done, block, step);
	}
	free(block);
	return status;
}

GAON_API enum gaon_status gaon_mem_copy_peer(struct gaon_device *dst_dev, uint64_t dst,
					     struct gaon_device *src_dev, uint64_t src,
					     uint64_t bytes)
{
	if (dst_dev == src_dev)
		return gaon_mem_copy(dst_dev, dst, src, bytes);
	return peer_run(&(struct peer_copy){ .dst_dev = dst_dev, .src_dev = src_dev, .dst = dst,
					     .src = src, .bytes = bytes });
}

struct peer_work {
	struct rt_work work;
	struct rt_stream *stream;	/* whose callback thread ends before it does */
};

/* On the callback thread. */
static void peer_callback(void *arg)
{
	const struct peer_work *p = arg;
	struct rt_stream *s = p->stream;

	if (!p->work.run(p->work.arg))
		return;
	pthread_mutex_lock(&s->dev->fault_lock);
	strncpy(s->peer_error, gaon_last_error()->text, sizeof(s->peer_error) - 1);
	pthread_mutex_unlock(&s->dev->fault_lock);
	s->peer_list->type = 0;
}

static void peer_release(void *arg)
{
	struct peer_work *p = arg;

	p->work.release(p->work.arg);
	free(p);
}

void rt_peer_clear(struct rt_stream *s)
{
	s->peer_error[0] = '\0';
	if (s->peer_list)
		s->peer_list->type = GAON_PKT_NOP;
}

static enum gaon_status peer_list_make(struct rt_stream *s)
{
	struct gaon_ws_bo_info info;

	if (s->peer_bo)
		return GAON_OK;
	if (s->dev->ops->bo_create(s->dev->ctx, sizeof(*s->peer_list), GAON_WS_HOST,
				   GAON_WS_BO_CPU | GAON_WS_BO_OWN, NULL, &s->peer_bo))
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for work of the host");
	s->dev->ops->bo_info(s->peer_bo, &info);
	s->peer_list = info.cpu;
	s->peer_va = info.va;
	memset(s->peer_list, 0, sizeof(*s->peer_list));
	s->peer_list->type = GAON_PKT_NOP;
	return GAON_OK;
}

enum gaon_status rt_peer_work(struct rt_stream *s, enum rt_op_type type, const struct rt_work *work)
{
	enum gaon_status status = peer_list_make(s);
	struct peer_work *p = status ? NULL : malloc(sizeof(*p));
	struct gaon_packet *packet;

	if (!p) {
		work->release(work->arg);
		return status ? status : gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for work of the host");
	}
	*p = (struct peer_work){ .work = *work, .stream = s };
	status = rt_callback_own(s, peer_callback, peer_release, p);
	if (status)
		return status;
	packet = rt_stream_slot(s);
	packet->type = GAON_PKT_INDIRECT;
	packet->list.list_va = s->peer_va;
	packet->list.count = 1;
	rt_stream_put(s, packet, type);
	return GAON_OK;
}

static enum gaon_status peer_copy_run(void *arg)
{
	return peer_run(arg);
}

static enum gaon_status peer_put(struct rt_stream *s, const struct peer_copy *request)
{
	struct peer_copy *p = malloc(sizeof(*p));

	if (!p)
		return gaon_fail(GAON_ERROR_OUT_OF_MEMORY, "no memory for a copy between devices");
	*p = *request;
	return rt_peer_work(s, RT_OP_PEER, &(struct rt_work){ peer_copy_run, free, p });
}

/* What can be known now is said now. */
static enum gaon_status peer_check(struct rt_stream *s, struct gaon_device *device, uint64_t va,
				   uint64_t bytes, bool write, bool *of_stream)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev = rt_enter(OBJ_DEVICE, device, &status);
	struct addr_entry entry;

	if (!dev)
		return status;
	if (!addrmap_find(&dev->map, va, bytes, &entry))
		status = gaon_fail(GAON_ERROR_INVALID_ADDRESS,
				   "%llu bytes at %#llx are not inside one allocation of the %s",
				   (unsigned long long)bytes, (unsigned long long)va,
				   write ? "destination" : "source");
	else if (write && entry.readonly)
		status = gaon_fail(GAON_ERROR_INVALID_ADDRESS, "%#llx may only be read",
				   (unsigned long long)va);
	*of_stream |= dev == s->dev;
	rt_leave(dev);
	return status;
}

GAON_API enum gaon_status gaon_mem_copy_peer_async(struct gaon_stream *stream,
						   struct gaon_device *dst_dev, uint64_t dst,
						   struct gaon_device *src_dev, uint64_t src,
						   uint64_t bytes)
{
	struct peer_copy p = { .dst_dev = dst_dev, .src_dev = src_dev, .dst = dst, .src = src,
			       .bytes = bytes };
	enum gaon_status status = GAON_OK;
	bool of_stream = false;
	struct rt_stream *s = rt_stream_enter(stream, "a copy between devices", &status);

	if (!s)
		return status;
	if (bytes) {
		status = peer_check(s, dst_dev, dst, bytes, true, &of_stream);
		if (!status)
			status = peer_check(s, src_dev, src, bytes, false, &of_stream);
		if (!status && !of_stream)
			status = gaon_fail(GAON_ERROR_INVALID_ARGUMENT,
					   "the stream belongs to neither of the two devices");
		if (!status && dst_dev != src_dev)
			status = peer_put(s, &p);
	}
	rt_stream_leave(s);
	if (!status && dst_dev == src_dev)
		status = gaon_mem_copy_async(stream, dst, src, bytes);
	return status;
}
