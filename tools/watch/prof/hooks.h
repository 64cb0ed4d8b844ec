/* SPDX-License-Identifier: MIT */
/*
 * The calls that the profiler does more about than note their time; runtime/tools/calls.py reads the
 * names here.
 */
#ifndef GAON_PROF_HOOKS_H
#define GAON_PROF_HOOKS_H

#include "../layer.h"

/* Objects. */
enum gaon_status hook_device_open(const char *name, struct gaon_device **dev);
enum gaon_status hook_device_open_with(const char *name, const struct gaon_device_config *config,
	struct gaon_device **dev);
enum gaon_status hook_device_close(struct gaon_device *dev);
enum gaon_status hook_stream_create(struct gaon_device *dev, const struct gaon_stream_config
	*config, struct gaon_stream **stream);
enum gaon_status hook_stream_destroy(struct gaon_stream *stream);
enum gaon_status hook_stream_clear_fault(struct gaon_stream *stream);
enum gaon_status hook_module_get_kernel(struct gaon_module *module, const char *name, struct
	gaon_kernel **kernel);
enum gaon_status hook_module_get_kernel_at(struct gaon_module *module, uint32_t index, struct
	gaon_kernel **kernel);

/* Work. */
enum gaon_status hook_launch(struct gaon_stream *stream, struct gaon_kernel *kernel, const struct
	gaon_launch *launch);
enum gaon_status hook_mem_write(struct gaon_device *dev, uint64_t dst, const void *src, uint64_t
	bytes);
enum gaon_status hook_mem_read(struct gaon_device *dev, void *dst, uint64_t src, uint64_t bytes);
enum gaon_status hook_mem_copy(struct gaon_device *dev, uint64_t dst, uint64_t src, uint64_t bytes);
enum gaon_status hook_mem_fill(struct gaon_device *dev, uint64_t dst, uint64_t pattern, uint32_t
	pattern_size, uint64_t bytes);
enum gaon_status hook_mem_copy_peer(struct gaon_device *dst_dev, uint64_t dst, struct gaon_device
	*src_dev, uint64_t src, uint64_t bytes);
enum gaon_status hook_mem_copy_rect(struct gaon_device *dev, const struct gaon_rect *rect);
enum gaon_status hook_mem_write_async(struct gaon_stream *stream, uint64_t dst, const void *src,
	uint64_t bytes);
enum gaon_status hook_mem_read_async(struct gaon_stream *stream, void *dst, uint64_t src, uint64_t
	bytes);
enum gaon_status hook_mem_copy_async(struct gaon_stream *stream, uint64_t dst, uint64_t src,
	uint64_t bytes);
enum gaon_status hook_mem_fill_async(struct gaon_stream *stream, uint64_t dst, uint64_t pattern,
	uint32_t pattern_size, uint64_t bytes);
enum gaon_status hook_mem_copy_peer_async(struct gaon_stream *stream, struct gaon_device *dst_dev,
	uint64_t dst, struct gaon_device *src_dev, uint64_t src, uint64_t bytes);
enum gaon_status hook_mem_copy_rect_async(struct gaon_stream *stream, const struct gaon_rect *rect);
enum gaon_status hook_graph_begin(struct gaon_stream *stream);
enum gaon_status hook_graph_end(struct gaon_stream *stream, struct gaon_graph **graph);
enum gaon_status hook_graph_launch(struct gaon_stream *stream, struct gaon_graph *graph);
enum gaon_status hook_graph_launch_args(struct gaon_stream *stream, struct gaon_graph *graph, const
	struct gaon_graph_args *args, uint32_t count);
enum gaon_status hook_graph_destroy(struct gaon_graph *graph);
enum gaon_status hook_stream_callback(struct gaon_stream *stream, void (*fn)(void *arg), void *arg);

/* What stands between two operations of a stream. */
enum gaon_status hook_stream_wait_event(struct gaon_stream *stream, struct gaon_event *event);
enum gaon_status hook_stream_wait_semaphore(struct gaon_stream *stream, struct gaon_semaphore
	*semaphore, uint64_t value);
enum gaon_status hook_stream_signal_semaphore(struct gaon_stream *stream, struct gaon_semaphore
	*semaphore, uint64_t value);
enum gaon_status hook_event_record(struct gaon_stream *stream, struct gaon_event *event);
enum gaon_status hook_mem_alloc_async(struct gaon_stream *stream, uint64_t bytes, uint64_t *va);
enum gaon_status hook_mem_free_async(struct gaon_stream *stream, uint64_t va);
enum gaon_status hook_stream_timestamp(struct gaon_stream *stream, uint64_t va);

/* Waits: what was given is done. */
enum gaon_status hook_stream_wait(struct gaon_stream *stream, uint64_t timeout_ns);
enum gaon_status hook_stream_query(struct gaon_stream *stream);
enum gaon_status hook_event_wait(struct gaon_event *event, uint64_t timeout_ns);
enum gaon_status hook_event_query(struct gaon_event *event);
enum gaon_status hook_device_wait(struct gaon_device *dev, uint64_t timeout_ns);

#endif
