/* SPDX-License-Identifier: MIT */
#ifndef GAON_RUNTIME_PEER_H
#define GAON_RUNTIME_PEER_H

#include "stream.h"

/* The stream's fault was cleared, fault_lock held: copies behind it start afresh. */
void rt_peer_clear(struct rt_stream *s);

#endif
