// SPDX-License-Identifier: MIT
#include <string.h>

#include "error.h"
#include "graph.h"
#include "module.h"
#include "stream.h"

/* The usual case, the very size that this library knows, needs no copy. */
static enum gaon_status launch_read(const struct gaon_launch *in, struct gaon_launch *copy,
				    const struct gaon_launch **out)
{
	if (in && in->size == sizeof(*in)) {
		*out = in;
		return GAON_OK;
	}
	*out = copy;
	return gaon_struct_read(copy, sizeof(*copy), in, offsetof(struct gaon_launch, spm_bytes),
				"gaon_launch");
}

static enum gaon_status launch_check(const struct rt_stream *s, const struct rt_kernel *k,
				     const struct gaon_launch *l, struct gaon_pkt_launch *out)
{
	uint64_t groups, spm = l->spm_bytes ? l->spm_bytes : k->info.spm_bytes;
	int i;

	if (k->dev != s->dev)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT,
				 "kernel %s and the stream belong to different devices", k->info.name);
	if (l->args_size != k->info.args_size || (!l->args && l->args_size))
		return gaon_fail_hint(GAON_ERROR_ARGUMENTS_SIZE,
				      "host and device must agree on the argument structure",
				      "kernel %s takes %u bytes of arguments, %zu were given",
				      k->info.name, k->info.args_size, l->args ? l->args_size : 0);
	if (l->flags & ~(GAON_LAUNCH_CHECK_POINTERS | GAON_LAUNCH_REPLACEABLE))
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "unknown launch flags %#x", l->flags);
	for (i = 0, groups = 1; i < 3; i++) {
		out->grid[i] = l->grid[i] ? l->grid[i] : 1;
		if (groups <= 1ull << 31)
			groups *= out->grid[i];
	}
	if (groups > 1ull << 31)
		return gaon_fail(GAON_ERROR_LIMIT, "grid of %u x %u x %u workgroups, 2^31 is the most",
				 out->grid[0], out->grid[1], out->grid[2]);
	if (k->info.flags & GAON_KERNEL_COOPERATIVE && groups > s->dev->identify->cores)
		return gaon_fail(GAON_ERROR_LIMIT,
				 "kernel %s is cooperative: %llu workgroups, but the device has %u cores",
				 k->info.name, (unsigned long long)groups, s->dev->identify->cores);
	if (spm + k->info.stack_bytes > k->spm_room)
		return gaon_fail(GAON_ERROR_LIMIT,
				 "kernel %s: %llu bytes of scratchpad and %u of stack, each core has %llu",
				 k->info.name, (unsigned long long)spm, k->info.stack_bytes,
				 (unsigned long long)k->spm_room);
	if (spm < k->info.spm_bytes)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT,
				 "kernel %s itself uses %u bytes of scratchpad, %llu were given",
				 k->info.name, k->info.spm_bytes, (unsigned long long)spm);
	out->entry_va = k->entry_va;
	out->spm_bytes = (uint32_t)spm;
	out->stack_bytes = k->info.stack_bytes;
	out->launch_flags = k->info.flags & GAON_KERNEL_COOPERATIVE ? GAON_LAUNCH_COOPERATIVE : 0;
	return l->flags & GAON_LAUNCH_CHECK_POINTERS ? rt_kernel_check_pointers(k->dev, &k->info, l->args) :
						       GAON_OK;
}

/* obj.lock held. */
static enum gaon_status launch_put(struct rt_stream *s, struct rt_kernel *k,
				   const struct gaon_launch *l, const struct gaon_pkt_launch *launch)
{
	enum gaon_status status = GAON_OK;
	struct gaon_packet *packet;
	uint64_t va = 0;

	if (l->flags & GAON_LAUNCH_REPLACEABLE)
		return gaon_fail(GAON_ERROR_STATE,
				 "only a launch that is recorded in a graph can be replaceable");
	if (l->args_size) {
		void *args = rt_stream_args(s, l->args_size, &va, &status);

		if (!args)
			return status;
		memcpy(args, l->args, l->args_size);
	}
	packet = rt_stream_packet(s, &status);
	if (!packet)
		return status;
	packet->type = GAON_PKT_LAUNCH;
	packet->tag = k->tag;
	packet->launch = *launch;
	packet->launch.args_va = va;
	rt_stream_put(s, packet, RT_OP_LAUNCH);
	return GAON_OK;
}

static enum gaon_status launch_record(struct rt_stream *s, struct rt_kernel *k,
				      const struct gaon_launch *l,
				      const struct gaon_pkt_launch *launch)
{
	struct gaon_packet packet = { .type = GAON_PKT_LAUNCH, .tag = k->tag };
	enum gaon_status status = GAON_OK;

	packet.launch = *launch;
	if (l->flags & GAON_LAUNCH_REPLACEABLE) {
		packet.flags = GAON_PKT_F_ARGS_BASE;
		status = rt_graph_replaceable(s, k, l, &packet.launch.args_va);
		if (status)
			return status;
	} else if (l->args_size) {
		void *args = rt_graph_args(s, l->args_size, &packet.launch.args_va, &status);

		if (!args)
			return status;
		memcpy(args, l->args, l->args_size);
	}
	return rt_graph_put(s, &packet);
}

GAON_API enum gaon_status gaon_launch(struct gaon_stream *stream, struct gaon_kernel *kernel,
				      const struct gaon_launch *launch)
{
	struct gaon_pkt_launch packet = { 0 };
	enum gaon_status status = GAON_OK;
	const struct gaon_launch *l;
	struct gaon_launch copy;
	struct rt_device *dev;
	struct rt_stream *s;
	struct rt_kernel *k;

	status = launch_read(launch, &copy, &l);
	if (status)
		return status;
	s = rt_enter(OBJ_STREAM, stream, &status);
	if (!s)
		return status;
	dev = s->dev;
	k = obj_find(OBJ_KERNEL, kernel, &status);
	if (k)
		status = launch_check(s, k, l, &packet);
	if (!status)
		status = rt_stream_lock(s);
	if (!status) {
		if (!obj_alive(&s->obj, stream) || !obj_alive(&k->obj, kernel))
			status = gaon_fail(GAON_ERROR_CLOSED, "the stream or kernel ended meanwhile");
		else if (s->recording)
			status = launch_record(s, k, l, &packet);
		else
			status = launch_put(s, k, l, &packet);
		pthread_mutex_unlock(&s->obj.lock);
	}
	rt_leave(dev);
	return status;
}
