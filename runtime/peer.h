/* SPDX-License-Identifier: MIT */
#ifndef GAON_RUNTIME_PEER_H
#define GAON_RUNTIME_PEER_H

#include "stream.h"

/*
 * Work on the stream's callback thread, for which the stream waits; it may block. If it fails the
 * stream faults behind it, with the text of the thread's last error. @arg is released when it is
 * over or dropped, or cannot be queued. obj.lock held.
 */
struct rt_work {
	enum gaon_status (*run)(void *arg);
	void (*release)(void *arg);
	void *arg;
};

enum gaon_status rt_peer_work(struct rt_stream *s, enum rt_op_type type, const struct rt_work *work);

/* The stream's fault was cleared, fault_lock held: copies behind it start afresh. */
void rt_peer_clear(struct rt_stream *s);

#endif
