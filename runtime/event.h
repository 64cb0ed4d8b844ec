/* SPDX-License-Identifier: MIT */
#ifndef GAON_RUNTIME_EVENT_H
#define GAON_RUNTIME_EVENT_H

#include "stream.h"

/* obj.lock guards it. */
struct rt_event {
	struct obj obj;
	struct rt_device *dev;
	struct rt_timeline *timeline;	/* of the last record, NULL before the first */
	uint64_t value;
	struct word *stamp;		/* device's cycle; NULL if not timed */
	uint64_t seen_ns;		/* host clock when first seen reached, 0: not yet */
};

void rt_event_unmake(struct rt_event *e);

#endif
