/* SPDX-License-Identifier: MIT */
/* From the device's fault records to the stream's: names, text, and what waits on what. */
#ifndef GAON_RUNTIME_FAULT_H
#define GAON_RUNTIME_FAULT_H

#include "stream.h"

/* Ask every queue of @dev for news. No lock held, or one stream's. */
void rt_fault_collect(struct rt_device *dev);
/* Would @timeline never reach @value? True if its stream is faulted, or waits for one that is. */
bool rt_fault_blocks(struct rt_device *dev, struct rt_timeline *timeline, uint64_t value);
/* As gaon_stream_clear_fault(), if @s has faulted. No lock held, or dev->sync_lock. */
enum gaon_status rt_fault_recover(struct rt_stream *s);
/* GAON_ERROR_FAULT with the fault's text. */
enum gaon_status rt_fault_fail(struct rt_device *dev, struct rt_timeline *timeline);
/* Was @value one of those that a fault swallowed? */
/* fault_lock held. */
bool rt_timeline_failed_locked(struct rt_timeline *timeline, uint64_t value);
bool rt_timeline_failed(struct rt_device *dev, struct rt_timeline *timeline, uint64_t value);
/*
 * fault_lock held, the queue of @timeline stands still: what is missing up to @value counts as failed, and
 * streams that hang on it go on.
 */
void rt_timeline_give_up(struct rt_device *dev, struct rt_timeline *timeline, uint64_t value);

#endif
