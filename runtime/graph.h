/* SPDX-License-Identifier: MIT */
/* Recorded work: a list of packets in memory that one INDIRECT packet runs. */
#ifndef GAON_RUNTIME_GRAPH_H
#define GAON_RUNTIME_GRAPH_H

#include "stream.h"

struct rt_graph;
struct rt_kernel;

/* No work uses it any more. */
void rt_graph_unmake(struct rt_graph *g);
/* Appends a packet to the recording of @s; its arguments were got by rt_graph_args(). */
enum gaon_status rt_graph_put(struct rt_stream *s, const struct gaon_packet *packet);
/* Room for arguments in the recording: the offset in the graph's memory is what @va is set to. */
void *rt_graph_args(struct rt_stream *s, uint64_t bytes, uint64_t *va, enum gaon_status *status);
/*
 * The same for arguments that a replay may replace: *@at is the offset from the args_base of the replay. They
 * are those of @launch until then.
 */
enum gaon_status rt_graph_replaceable(struct rt_stream *s, const struct rt_kernel *kernel,
				      const struct gaon_launch *launch, uint64_t *at);
/* Drops a recording that was never ended. */
void rt_graph_abandon(struct rt_stream *s);

#endif
