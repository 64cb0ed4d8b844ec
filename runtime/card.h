/* SPDX-License-Identifier: MIT */
/*
 * Cards: what an opened device is a context of.  The embedded one is made once in a process, a real one
 * is a file of its own for each open.
 */
#ifndef GAON_RUNTIME_CARD_H
#define GAON_RUNTIME_CARD_H

#include "winsys/winsys.h"

struct rt_card {
	struct rt_card *next;		/* in the list of embedded ones */
	struct gaon_winsys *ws;
	uint32_t users, epoch;
};

/* @name as gaon_device_open() takes it, @config as gaon_device_open_with() does. */
enum gaon_status rt_card_get(const char *name, const struct gaon_device_config *config,
			     struct rt_card **out);
void rt_card_put(struct rt_card *card);
/* A card of @ws, which is closed on failure; NULL then, with the error set. */
struct rt_card *rt_card_make(struct gaon_winsys *ws);

void rt_card_info(struct gaon_winsys *ws, struct gaon_device_info *info);

/* The thread's error from @why; its status. */
enum gaon_status rt_card_fail(const struct gaon_ws_why *why);

#endif
