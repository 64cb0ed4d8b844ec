// SPDX-License-Identifier: MIT
/* What comes next. An event depends on the seed and its number alone, never on how the run went. */
#include "soak.h"

struct kind {
	const char *name;
	unsigned int weight;
};

static const struct kind goods[SOAK_GOODS] = {
	[SOAK_GOOD_USER] = { "user-mode queue", 4 },
	[SOAK_GOOD_KERNEL] = { "kernel-owned queue", 4 },
	[SOAK_GOOD_LIBRARY_USER] = { "libgaon, user-mode queues", 2 },
	[SOAK_GOOD_LIBRARY_KERNEL] = { "libgaon, kernel-owned queues", 2 },
};

static const struct kind bads[SOAK_BADS] = {
	[SOAK_BAD_FAULT] = { "faults", 3 },
	[SOAK_BAD_ENDLESS] = { "endless loops", 2 },
	[SOAK_BAD_RING] = { "garbage rings", 2 },
	[SOAK_BAD_CALLS] = { "garbage ioctls", 3 },
	[SOAK_BAD_CLOSE] = { "odd closes", 2 },
	[SOAK_BAD_FORK] = { "forks", 2 },
	[SOAK_BAD_OWN] = { "memory taken away", 2 },
};

static const struct kind pressures[SOAK_PRESSURES] = {
	[SOAK_PRESSURE_HBM] = { "HBM", 4 },
	[SOAK_PRESSURE_CGROUP] = { "memory cgroup", 2 },
	[SOAK_PRESSURE_HOST] = { "host memory", 2 },
	[SOAK_PRESSURE_CPU] = { "processors", 1 },
	[SOAK_PRESSURE_READERS] = { "readers", 2 },
};

static const struct kind chaoses[SOAK_CHAOSES] = {
	[SOAK_CHAOS_ENGINES] = { "engine reset", 6 },
	[SOAK_CHAOS_DEVICE] = { "device reset", 4 },
	[SOAK_CHAOS_FLR] = { "function level reset", 4 },
	[SOAK_CHAOS_REBIND] = { "unbind and bind", 4 },
	[SOAK_CHAOS_RESCAN] = { "remove and rescan", 2 },
	[SOAK_CHAOS_BOTH] = { "reset while unbinding", 1 },
	[SOAK_CHAOS_RESTART] = { "firmware restart", 4 },
};

static const struct {
	const struct kind *kinds;
	unsigned int count;
	unsigned int places;
	unsigned int weight;
} actions[SOAK_ACTIONS] = {
	[SOAK_ACTION_GOOD] = { goods, SOAK_GOODS, SOAK_PLACES, 8 },
	[SOAK_ACTION_BAD] = { bads, SOAK_BADS, 3, 8 },
	[SOAK_ACTION_PRESSURE] = { pressures, SOAK_PRESSURES, 1, 2 },
	[SOAK_ACTION_CHAOS] = { chaoses, SOAK_CHAOSES, 1, 4 },
};

const char *soak_kind_name(enum soak_action action, unsigned int kind)
{
	return actions[action].kinds[kind].name;
}

unsigned int soak_kinds(enum soak_action action)
{
	return actions[action].count;
}

static unsigned int draw_action(struct fuzz_rng *rng)
{
	unsigned int total = 0, action = 0, at;

	for (unsigned int i = 0; i < SOAK_ACTIONS; i++)
		total += actions[i].weight;
	for (at = fuzz_below(rng, total); at >= actions[action].weight; action++)
		at -= actions[action].weight;
	return action;
}

static unsigned int draw_kind(struct fuzz_rng *rng, const struct kind *kinds, unsigned int count)
{
	unsigned int total = 0, kind = 0, at;

	for (unsigned int i = 0; i < count; i++)
		total += kinds[i].weight;
	for (at = fuzz_below(rng, total); at >= kinds[kind].weight; kind++)
		at -= kinds[kind].weight;
	return kind;
}

struct soak_event soak_plan(uint64_t seed, uint64_t step)
{
	struct fuzz_rng rng = fuzz_rng_make(seed, step);
	struct soak_event event = { .action = draw_action(&rng) };

	event.kind = draw_kind(&rng, actions[event.action].kinds, actions[event.action].count);
	event.place = fuzz_below(&rng, actions[event.action].places);
	/* Often at once, sometimes after so long that all clients are at work. */
	event.pause_ms = fuzz_chance(&rng, 4) ? fuzz_below(&rng, 3000) : fuzz_below(&rng, 300);
	event.kill = fuzz_chance(&rng, 2);
	event.seed = fuzz_next(&rng);
	return event;
}
