// SPDX-License-Identifier: MIT
/*
 * Where the device's cycles are on the host's clock. A device with a clock was asked for both now and
 * then, and is linear in between. Modelled cycles are not: they pass as fast as the model computes, and
 * not at all while it has nothing to do. There, an operation cannot have begun before it was given, nor
 * ended after it was seen to be done.
 */
#include <stdlib.h>

#include "prof.h"

static void point_add(struct prof_map *map, uint64_t cycle, uint64_t host_ns, int how)
{
	map->points[map->count++] = (struct prof_point){ cycle, host_ns, how };
}

static int point_compare(const void *a, const void *b)
{
	const struct prof_point *x = a, *y = b;

	if (x->cycle != y->cycle)
		return x->cycle < y->cycle ? -1 : 1;
	return (x->host_ns > y->host_ns) - (x->host_ns < y->host_ns);
}

/* Operations that were seen to be done together: the first's begin and the last's end are known. */
static void batches_add(struct prof_process *p)
{
	const struct prof_list *ops = &p->lists[PROF_OP];
	const struct prof_op *last = NULL;

	for (size_t i = 0; i < ops->count; i++) {
		const struct prof_op *op = ops->at[i];

		if (op->begin_cycle == PROF_NEVER || op->end_cycle == PROF_NEVER)
			continue;
		if (!last || last->seen_ns != op->seen_ns || last->device != op->device ||
		    last->stream != op->stream) {
			if (last)
				point_add(&p->maps[last->device], last->end_cycle, last->seen_ns,
					  PROF_NOT_AFTER);
			point_add(&p->maps[op->device], op->begin_cycle, op->submit_ns, PROF_NOT_BEFORE);
		}
		last = op;
	}
	if (last)
		point_add(&p->maps[last->device], last->end_cycle, last->seen_ns, PROF_NOT_AFTER);
}

/* Both clocks only ever grow: what is seen late was done before what came behind it was seen. */
static void map_tighten(struct prof_map *map)
{
	uint64_t most = UINT64_MAX;

	for (size_t i = map->count; i-- > 0;) {
		struct prof_point *point = &map->points[i];

		if (point->how == PROF_NOT_AFTER && point->host_ns > most)
			point->host_ns = most;
		if (point->how != PROF_NOT_BEFORE && point->host_ns < most)
			most = point->host_ns;
	}
	for (size_t i = 1; i < map->count; i++)
		if (map->points[i].host_ns < map->points[i - 1].host_ns)
			map->points[i].host_ns = map->points[i - 1].host_ns;
}

static void maps_sort(struct prof_process *p)
{
	for (uint32_t d = 0; d < p->device_count; d++) {
		struct prof_map *map = &p->maps[d];

		qsort(map->points, map->count, sizeof(*map->points), point_compare);
		map_tighten(map);
	}
}

/* Nor can any operation between the first and the last of a batch have begun before it was given. */
static void gifts_add(struct prof_process *p)
{
	const struct prof_list *ops = &p->lists[PROF_OP];
	size_t *before = calloc(p->device_count + 1, sizeof(*before));

	for (uint32_t d = 0; before && d < p->device_count; d++)
		before[d] = p->maps[d].count;
	for (size_t i = 0; before && i < ops->count; i++) {
		const struct prof_op *op = ops->at[i];
		struct prof_map old = p->maps[op->device];

		old.count = before[op->device];
		if (op->begin_cycle != PROF_NEVER && op->end_cycle != PROF_NEVER &&
		    prof_host_of(&old, op->begin_cycle) < op->submit_ns)
			point_add(&p->maps[op->device], op->begin_cycle, op->submit_ns, PROF_NOT_BEFORE);
	}
	free(before);
}

bool prof_maps_make(struct prof_process *p)
{
	size_t most = 3 * p->lists[PROF_OP].count + p->lists[PROF_COUNTERS].count + 1;

	p->maps = calloc(p->device_count + 1, sizeof(*p->maps));
	if (!p->maps)
		return false;
	for (uint32_t d = 0; d < p->device_count; d++) {
		p->maps[d].points = malloc(most * sizeof(*p->maps[d].points));
		if (!p->maps[d].points)
			return false;
	}
	for (size_t i = 0; i < p->lists[PROF_COUNTERS].count; i++) {
		const struct prof_counters *c = p->lists[PROF_COUNTERS].at[i];

		point_add(&p->maps[c->device], c->cycle, c->host_ns, PROF_EXACTLY);
	}
	batches_add(p);
	maps_sort(p);
	gifts_add(p);
	maps_sort(p);
	return true;
}

/*
 * The newest point that is not behind @cycle; of several of the same cycle the last, where something
 * begins.
 */
static size_t point_before(const struct prof_map *map, uint64_t cycle)
{
	size_t low = 0, high = map->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (map->points[middle].cycle <= cycle)
			low = middle;
		else
			high = middle;
	}
	return low;
}

uint64_t prof_host_of(const struct prof_map *map, uint64_t cycle)
{
	const struct prof_point *a, *b;
	size_t at;

	if (!map->count)
		return 0;
	at = point_before(map, cycle);
	a = &map->points[at];
	if (at + 1 == map->count || cycle <= a->cycle)
		return a->host_ns;
	b = a + 1;
	return a->host_ns + (uint64_t)((double)(b->host_ns - a->host_ns) * ((double)(cycle - a->cycle) /
									   (double)(b->cycle - a->cycle)));
}

/* Where something ends: of several points of the same cycle the first. */
static uint64_t host_of_end(const struct prof_map *map, uint64_t cycle)
{
	size_t at = map->count ? point_before(map, cycle) : 0;

	if (!map->count || map->points[at].cycle != cycle)
		return prof_host_of(map, cycle);
	while (at && map->points[at - 1].cycle == cycle)
		at--;
	return map->points[at].host_ns;
}

bool prof_op_when(const struct prof_process *p, const struct prof_op *op, uint64_t *begin_ns,
		  uint64_t *end_ns)
{
	const struct prof_map *map = &p->maps[op->device];

	if (op->stream == PROF_NO_STREAM) {
		*begin_ns = op->submit_ns;
		*end_ns = op->seen_ns;
		return true;
	}
	if (op->begin_cycle == PROF_NEVER || op->end_cycle == PROF_NEVER)
		return false;
	*begin_ns = prof_host_of(map, op->begin_cycle);
	*end_ns = host_of_end(map, op->end_cycle);
	if (*end_ns < *begin_ns)
		*end_ns = *begin_ns;
	return true;
}

double prof_op_device_ns(const struct prof_process *p, const struct prof_op *op)
{
	if (op->begin_cycle == PROF_NEVER || op->end_cycle == PROF_NEVER)
		return 0;
	return (double)(op->end_cycle - op->begin_cycle) * 1e6 / p->devices[op->device]->clock_khz;
}
