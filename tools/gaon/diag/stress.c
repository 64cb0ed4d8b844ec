// SPDX-License-Identifier: MIT
/*
 * Work that lasts: everything of the shorter tests again and again, while heat, power and clock are
 * watched.
 */
#include <math.h>
#include <string.h>

#include "../cmd.h"
#include "diag.h"
#include "memory.h"

#define STRESS_S	60.0
#define QUEUES_S	20.0
#define SOAK_S		600.0
#define CAP_PART	1.05		/* power is a mean of a time that ends when it is asked for */

/* The worst of all looks, and what the device counted meanwhile: a look comes once in a round. */
struct watch {
	struct gaon_device_counters before;
	uint64_t throttles_heat, throttles_power;
	bool throttled_heat, throttled_power, critical, known;
	double temperature_c, power_w, clock_mhz, over_cap_w, cap_w;
};

static void watch_look(struct diag *d, struct watch *w)
{
	struct gaon_device_board board = { .size = sizeof(board) };

	if (!diag_good(d, gaon_device_get_board(d->dev, &board), "reading the board"))
		return;
	w->throttled_heat |= board.throttle & GAON_THROTTLED_HEAT;
	w->throttled_power |= board.throttle & GAON_THROTTLED_POWER;
	w->critical |= board.throttle & GAON_THROTTLED_CRITICAL;
	w->temperature_c = fmax(w->known ? w->temperature_c : -273, board.temperature_mc / 1e3);
	w->power_w = fmax(w->power_w, board.power_mw / 1e3);
	if (board.power_cap_mw && board.power_mw > board.power_cap_mw * CAP_PART) {
		w->over_cap_w = fmax(w->over_cap_w, board.power_mw / 1e3);
		w->cap_w = board.power_cap_mw / 1e3;
	}
	if (board.clock_khz)
		w->clock_mhz = w->known ? fmin(w->clock_mhz, board.clock_khz / 1e3) : board.clock_khz / 1e3;
	w->known = true;
}

static bool watch_begin(struct diag *d, struct watch *w)
{
	*w = (struct watch){ .before.size = sizeof(w->before) };
	return diag_good(d, gaon_device_get_counters(d->dev, &w->before), "reading its counters");
}

/* One that lasts since before the test is seen by looks alone, one between two looks is counted alone. */
static void watch_end(struct diag *d, struct watch *w)
{
	struct gaon_device_counters now = { .size = sizeof(now) };

	if (!diag_good(d, gaon_device_get_counters(d->dev, &now), "reading its counters"))
		return;
	w->throttles_heat = now.throttled_heat - w->before.throttled_heat;
	w->throttles_power = now.throttled_power - w->before.throttled_power;
	w->throttled_heat |= w->throttles_heat > 0;
	w->throttled_power |= w->throttles_power > 0;
}

static void watch_say(struct diag *d, const struct watch *w)
{
	if (!w->known)
		return;
	diag_measure(d, "temperature_c", "C", w->temperature_c, 0, 0, 0);
	diag_measure(d, "power_w", "W", w->power_w, 0, 0, 0);
	diag_measure(d, "clock_least_mhz", "MHz", w->clock_mhz, 0, 0, 0);
	diag_measure(d, "throttles_heat", "times", (double)w->throttles_heat, 0, 0, 0);
	diag_measure(d, "throttles_power", "times", (double)w->throttles_power, 0, 0, 0);
	if (w->critical)
		diag_find(d, DIAG_CRITICAL, "it became so hot, %.1f C, that its clock was the lowest there is",
			  w->temperature_c)->unit = "thermal";
	else if (w->throttled_heat)
		diag_find(d, DIAG_WARNING, "it became so hot that it slowed down, %llu times since the start; seen were %.1f C and %.0f MHz",
			  (unsigned long long)w->throttles_heat, w->temperature_c, w->clock_mhz)->unit = "thermal";
	if (w->throttled_power)
		diag_find(d, DIAG_WARNING, "its cap of power slowed it down, %llu times since the start; seen were %.1f W and %.0f MHz",
			  (unsigned long long)w->throttles_power, w->power_w, w->clock_mhz)->unit = "power";
	if (w->over_cap_w > 0)
		diag_find(d, DIAG_WARNING, "it took %.1f W, and its cap is %.1f W", w->over_cap_w, w->cap_w)->unit = "power";
}

/* @part of what lasts @seconds in all has gone by since @start. False: it is over, or something is wrong. */
static bool goes_on(struct diag *d, double start, double seconds)
{
	double part = (cmd_now() - start) / seconds;

	return diag_progress(d, part) && part < 1 && !d->result->wrong;
}

/*
 * Rounds of all that is compared with results, each with operands of its own; @also is done in each
 * as well.
 */
static void rounds(struct diag *d, double seconds, void (*also)(struct diag *d))
{
	static void (*const steps[])(struct diag * d) = {
		diag_integer, diag_float, diag_atomic,	   diag_vector,
		diag_matrix,  diag_dma,	  diag_scratchpad, diag_copies,
	};
	const uint64_t seed = d->seed;
	double start = cmd_now();
	struct watch watch;
	uint64_t count = 0;

	if (!watch_begin(d, &watch))
		return;
	do {
		for (size_t i = 0;
		     i < sizeof(steps) / sizeof(steps[0]) && !d->result->wrong && !diag_stopped;
		     i++)
			steps[i](d);
		if (also && !d->result->wrong && !diag_stopped)
			also(d);
		watch_look(d, &watch);
		d->seed += 0x9e3779b97f4a7c15ull;
		count++;
	} while (goes_on(d, start, seconds));
	d->seed = seed;
	if (d->result->wrong)
		diag_find(d, DIAG_CRITICAL, "that was in round %llu, %.1f s after the start", (unsigned long long)count,
			  cmd_now() - start);
	diag_measure(d, also ? "soak_rounds" : "stress_rounds", "rounds", (double)count, 0, 0, 0);
	watch_end(d, &watch);
	watch_say(d, &watch);
}

void diag_stress(struct diag *d)
{
	rounds(d, d->seconds > 0 ? d->seconds : STRESS_S, NULL);
}

void diag_queues(struct diag *d)
{
	double start = cmd_now(), seconds = d->seconds > 0 ? d->seconds : QUEUES_S;

	do
		diag_contend(d);
	while (goes_on(d, start, seconds));
}

/* --- all of the memory -------------------------------------------------------------------------- */

#define BLOCK_BYTES	(1ull << 30)

/* Of the embedded device memory is this machine's: half of what is free is left. */
static uint64_t march_bytes(struct diag *d)
{
	uint64_t free_bytes = 0, total, host;

	if (d->memory)
		return d->memory;
	if (!diag_good(d, gaon_device_get_memory(d->dev, &free_bytes, &total), "asking for free memory"))
		return 0;
	host = diag_host_memory() / 2;
	return d->embedded && host < free_bytes ? host : free_bytes;
}

#define CHECK_WRITE	(DIAG_SWEEP_CHECK | DIAG_SWEEP_WRITE)

/* March C-, then addresses, then random words; each step checks what the one before has left. */
void diag_march(struct diag *d)
{
	const struct diag_named_pattern random = diag_random_pattern(d->seed),
					other = diag_random_pattern(~d->seed);
	const struct diag_step steps[] = {
		{ DIAG_SWEEP_WRITE, NULL, &diag_solid0 },
		{ CHECK_WRITE, &diag_solid0, &diag_solid1 },
		{ CHECK_WRITE, &diag_solid1, &diag_solid0 },
		{ CHECK_WRITE | DIAG_SWEEP_DOWN, &diag_solid0, &diag_solid1 },
		{ CHECK_WRITE | DIAG_SWEEP_DOWN, &diag_solid1, &diag_solid0 },
		{ CHECK_WRITE, &diag_solid0, &diag_address },
		{ CHECK_WRITE | DIAG_SWEEP_DOWN, &diag_address, &diag_address1 },
		{ CHECK_WRITE, &diag_address1, &random },
		{ CHECK_WRITE | DIAG_SWEEP_DOWN, &random, &other },
		{ DIAG_SWEEP_CHECK, &other, NULL },
	};
	const size_t count = sizeof(steps) / sizeof(steps[0]);
	uint64_t bytes = march_bytes(d);
	struct diag_sweeper s;

	if (!bytes)
		return;
	if (diag_sweeper_begin(&s, d, bytes, BLOCK_BYTES)) {
		s.total = s.bytes * count;
		for (size_t i = 0; i < count && diag_sweep(&s, &steps[i]); i++)
			;
		diag_measure(d, "memory_marched_mib", "MiB", (double)s.bytes / (1 << 20), 0, 0, 0);
	}
	diag_sweeper_end(&s);
}

void diag_soak(struct diag *d)
{
	rounds(d, d->seconds > 0 ? d->seconds : SOAK_S, diag_memory_short);
}
