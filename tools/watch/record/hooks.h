/* SPDX-License-Identifier: MIT */
/*
 * The calls that the recorder puts with what they were given and gave; runtime/tools/calls.py reads
 * the names here. Others, which ask only, are put with their names.
 */
#ifndef GAON_RECORD_HOOKS_H
#define GAON_RECORD_HOOKS_H

#include "../layer.h"

const struct gaon_error *hook_last_error(void);
enum gaon_status hook_device_open(const char *name, struct gaon_device **dev);
enum gaon_status hook_device_open_with(const char *name, const struct gaon_device_config *config,
				       struct gaon_device **dev);
enum gaon_status hook_device_retain(struct gaon_device *dev);
enum gaon_status hook_device_close(struct gaon_device *dev);
enum gaon_status hook_device_wait(struct gaon_device *dev, uint64_t timeout_ns);
enum gaon_status hook_mem_alloc(struct gaon_device *dev, uint64_t bytes, enum gaon_mem_kind kind,
				struct gaon_mem **mem);
enum gaon_status hook_mem_alloc_at(struct gaon_device *dev, uint64_t bytes, enum gaon_mem_kind kind,
				   uint64_t va, struct gaon_mem **mem);
enum gaon_status hook_mem_import(struct gaon_device *dev, void *ptr, uint64_t bytes, uint32_t flags,
				 struct gaon_mem **mem);
enum gaon_status hook_mem_import_fd(struct gaon_device *dev, int fd, uint32_t flags,
				    struct gaon_mem **mem);
enum gaon_status hook_mem_retain(struct gaon_mem *mem);
enum gaon_status hook_mem_free(struct gaon_mem *mem);
enum gaon_status hook_mem_alloc_async(struct gaon_stream *stream, uint64_t bytes, uint64_t *va);
enum gaon_status hook_mem_free_async(struct gaon_stream *stream, uint64_t va);
enum gaon_status hook_mem_write(struct gaon_device *dev, uint64_t dst, const void *src,
				uint64_t bytes);
enum gaon_status hook_mem_read(struct gaon_device *dev, void *dst, uint64_t src, uint64_t bytes);
enum gaon_status hook_mem_copy(struct gaon_device *dev, uint64_t dst, uint64_t src, uint64_t bytes);
enum gaon_status hook_mem_fill(struct gaon_device *dev, uint64_t dst, uint64_t pattern,
			       uint32_t pattern_size, uint64_t bytes);
enum gaon_status hook_mem_copy_peer(struct gaon_device *dst_dev, uint64_t dst,
				    struct gaon_device *src_dev, uint64_t src, uint64_t bytes);
enum gaon_status hook_mem_copy_peer_async(struct gaon_stream *stream, struct gaon_device *dst_dev,
					  uint64_t dst, struct gaon_device *src_dev, uint64_t src,
					  uint64_t bytes);
enum gaon_status hook_mem_write_async(struct gaon_stream *stream, uint64_t dst, const void *src,
				      uint64_t bytes);
enum gaon_status hook_mem_read_async(struct gaon_stream *stream, void *dst, uint64_t src,
				     uint64_t bytes);
enum gaon_status hook_mem_copy_async(struct gaon_stream *stream, uint64_t dst, uint64_t src,
				     uint64_t bytes);
enum gaon_status hook_mem_fill_async(struct gaon_stream *stream, uint64_t dst, uint64_t pattern,
				     uint32_t pattern_size, uint64_t bytes);
enum gaon_status hook_mem_copy_rect(struct gaon_device *dev, const struct gaon_rect *rect);
enum gaon_status hook_mem_copy_rect_async(struct gaon_stream *stream, const struct gaon_rect *rect);
enum gaon_status hook_stream_create(struct gaon_device *dev,
				    const struct gaon_stream_config *config,
				    struct gaon_stream **stream);
enum gaon_status hook_stream_retain(struct gaon_stream *stream);
enum gaon_status hook_stream_destroy(struct gaon_stream *stream);
enum gaon_status hook_stream_wait(struct gaon_stream *stream, uint64_t timeout_ns);
enum gaon_status hook_stream_query(struct gaon_stream *stream);
enum gaon_status hook_stream_wait_event(struct gaon_stream *stream, struct gaon_event *event);
enum gaon_status hook_stream_callback(struct gaon_stream *stream, void (*fn)(void *arg), void *arg);
enum gaon_status hook_stream_clear_fault(struct gaon_stream *stream);
enum gaon_status hook_event_create(struct gaon_device *dev, uint32_t flags,
				   struct gaon_event **event);
enum gaon_status hook_event_destroy(struct gaon_event *event);
enum gaon_status hook_event_record(struct gaon_stream *stream, struct gaon_event *event);
enum gaon_status hook_event_wait(struct gaon_event *event, uint64_t timeout_ns);
enum gaon_status hook_event_query(struct gaon_event *event);
enum gaon_status hook_stream_timestamp(struct gaon_stream *stream, uint64_t va);
enum gaon_status hook_semaphore_create(struct gaon_device *dev, struct gaon_semaphore **semaphore);
enum gaon_status hook_semaphore_destroy(struct gaon_semaphore *semaphore);
enum gaon_status hook_semaphore_export(struct gaon_semaphore *semaphore, int *fd);
enum gaon_status hook_semaphore_import_fd(struct gaon_device *dev, int fd,
					  struct gaon_semaphore **semaphore);
enum gaon_status hook_semaphore_query(struct gaon_semaphore *semaphore, uint64_t *value);
enum gaon_status hook_semaphore_signal(struct gaon_semaphore *semaphore, uint64_t value);
enum gaon_status hook_semaphore_wait(struct gaon_semaphore *semaphore, uint64_t value,
				     uint64_t timeout_ns);
enum gaon_status hook_stream_signal_semaphore(struct gaon_stream *stream,
					      struct gaon_semaphore *semaphore, uint64_t value);
enum gaon_status hook_stream_wait_semaphore(struct gaon_stream *stream,
					    struct gaon_semaphore *semaphore, uint64_t value);
enum gaon_status hook_module_load(struct gaon_device *dev, const void *image, size_t size,
				  struct gaon_module **module);
enum gaon_status hook_module_load_at(struct gaon_device *dev, const void *image, size_t size,
				     uint64_t va, struct gaon_module **module);
enum gaon_status hook_module_load_file(struct gaon_device *dev, const char *path,
				       struct gaon_module **module);
enum gaon_status hook_module_retain(struct gaon_module *module);
enum gaon_status hook_module_unload(struct gaon_module *module);
enum gaon_status hook_module_get_kernel(struct gaon_module *module, const char *name,
					struct gaon_kernel **kernel);
enum gaon_status hook_module_get_kernel_at(struct gaon_module *module, uint32_t index,
					   struct gaon_kernel **kernel);
enum gaon_status hook_launch(struct gaon_stream *stream, struct gaon_kernel *kernel,
			     const struct gaon_launch *launch);
enum gaon_status hook_graph_begin(struct gaon_stream *stream);
enum gaon_status hook_graph_end(struct gaon_stream *stream, struct gaon_graph **graph);
enum gaon_status hook_graph_launch(struct gaon_stream *stream, struct gaon_graph *graph);
enum gaon_status hook_graph_launch_args(struct gaon_stream *stream, struct gaon_graph *graph,
					const struct gaon_graph_args *args, uint32_t count);
enum gaon_status hook_graph_destroy(struct gaon_graph *graph);

#endif
