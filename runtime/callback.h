/* SPDX-License-Identifier: MIT */
/* Work of the host in a stream's order. */
#ifndef GAON_RUNTIME_CALLBACK_H
#define GAON_RUNTIME_CALLBACK_H

#include "stream.h"

/*
 * As gaon_stream_callback() for the library's own work, which may block: the stream waits for its return.
 * @arg is released afterwards, or when it is dropped or cannot be queued. If it was queued there is room
 * for one packet behind it. obj.lock held.
 */
enum gaon_status rt_callback_own(struct rt_stream *s, void (*fn)(void *arg), void (*release)(void *arg),
				 void *arg);
/*
 * In such work: it was dropped, or the stream goes. It shall return soon, whatever it has done: nothing of
 * the stream's follows it.
 */
bool rt_callback_stopped(void);

#endif
