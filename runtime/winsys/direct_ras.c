// SPDX-License-Identifier: MIT
/*
 * Errors that the device reports, and pages of its memory that are not used any more.  A page that
 * went bad while it was part of an allocation stays there, where accesses to it fault, and is kept back
 * when it is freed.
 */
#include "direct.h"

#include "../log.h"

static void ras_retire(struct direct *ws, uint64_t page)
{
	uint32_t count = atomic_load(&ws->retired_count), i;

	for (i = 0; i < count && ws->retired[i] != page; i++)
		;
	if (i < count || count == GAON_RETIRED_MAX || page % GAON_PAGE_SIZE || page >= ws->hbm_bytes)
		return;
	ws->retired[count] = page;
	atomic_store_explicit(&ws->retired_count, count + 1, memory_order_release);
}

int direct_ras_refresh(struct direct *ws)
{
	struct gaon_retired list;
	uint32_t i;
	int err;

	if (!atomic_load_explicit(&ws->retired_stale, memory_order_relaxed))
		return 0;
	atomic_store(&ws->retired_stale, false);
	err = direct_admin_read(ws, GAON_ADMIN_RETIRED, &list, sizeof(list));
	if (err)
		return err;
	pthread_mutex_lock(&ws->event_lock);
	for (i = 0; i < list.count && i < GAON_RETIRED_MAX; i++)
		ras_retire(ws, list.page[i]);
	pthread_mutex_unlock(&ws->event_lock);
	if (list.count)
		log_info("direct: %u pages of device memory are retired", list.count);
	return 0;
}

void direct_ras_event(struct direct *ws, const struct gaon_event *event)
{
	static const char *const what[GAON_RAS_COUNTERS] = {
		[GAON_RAS_HBM_CE] = "correctable error in device memory",
		[GAON_RAS_HBM_UE] = "uncorrectable error in device memory",
		[GAON_RAS_SPM_CE] = "correctable error in a scratchpad",
		[GAON_RAS_SPM_UE] = "uncorrectable error in a scratchpad",
		[GAON_RAS_LINK_CE] = "correctable error on a link",
		[GAON_RAS_LINK_UE] = "uncorrectable error on a link",
	};

	if (event->value >= GAON_RAS_COUNTERS)
		return;
	if (event->value != GAON_RAS_HBM_UE) {
		log_info("direct: %s", what[event->value]);
		return;
	}
	log_warning("direct: %s at %#llx: the page is retired", what[event->value],
		    (unsigned long long)event->fault.va);
	ras_retire(ws, event->fault.va & ~(uint64_t)(GAON_PAGE_SIZE - 1));
}

void direct_ras_sweep(struct direct *ws)
{
	uint32_t count = atomic_load_explicit(&ws->retired_count, memory_order_acquire), i;

	for (i = 0; i < count; i++)
		if (!(ws->retired_taken >> i & 1) &&
		    extents_take_at(&ws->hbm, ws->retired[i], GAON_PAGE_SIZE))
			ws->retired_taken |= 1ull << i;
}
