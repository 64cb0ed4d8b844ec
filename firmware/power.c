// SPDX-License-Identifier: MIT
/*
 * The cores' clock: as high as the cap of power, the temperature and the host's limit allow.
 *
 * It goes down at once and up slowly: a step when several windows in turn would have allowed it, so that
 * work that comes and goes does not make it swing.  How: Documentation/hw/telemetry.rst.
 */
#include "fw.h"

#define CALM_WINDOWS	4u
#define TELL_MS		1000u		/* between two records, of the host's time */
#define TOLD		(GAON_THROTTLE_POWER | GAON_THROTTLE_HEAT | GAON_THROTTLE_CRITICAL)

/* How often, and how long, something held the clock down. */
struct throttled {
	uint64_t count, cycles;
	uint64_t since;
	bool now;
};

static struct {
	uint32_t cap_mw, limit_khz;	/* as the host set them */
	uint32_t power_khz, heat_khz;	/* what the cap and the temperature allow */
	uint32_t clock_khz;
	uint32_t calm;			/* windows in turn that would have allowed more */
	bool settling;			/* the next window is of work that began at another clock */
	uint32_t reasons, told;
	uint64_t tell;			/* not before then */
	struct throttled power, heat;
} state;

static bool has_power(void)
{
	return identify.features & GAON_FEATURE_POWER;
}

/* --- steps: from the highest clock downwards ------------------------------------------------- */

static uint32_t step_down(uint32_t khz)
{
	return khz - identify.clock_min_khz > identify.clock_step_khz ? khz - identify.clock_step_khz :
									identify.clock_min_khz;
}

static uint32_t step_up(uint32_t khz)
{
	uint32_t at = identify.clock_khz;

	while (step_down(at) > khz)
		at = step_down(at);
	return at;
}

/* The highest step that is not above. */
static uint32_t step_floor(uint32_t khz)
{
	uint32_t at = identify.clock_khz;

	while (at > khz && at > identify.clock_min_khz)
		at = step_down(at);
	return at;
}

/* --- what the cap allows ---------------------------------------------------------------------- */

/*
 * What would have been taken at another clock, instead of @mw at the present one.  As if the clock drove
 * all of it, which is too much for a higher one.
 */
static uint32_t predict(uint32_t mw, uint32_t khz)
{
	uint32_t idle = identify.power_idle_mw;
	uint32_t dynamic = mw > idle ? mw - idle : 0;

	/* Below 4 kW, times 1024, fits 32 bits. */
	dynamic = dynamic * gaon_mcu_power_scale(khz, identify.clock_khz) /
		  gaon_mcu_power_scale(state.clock_khz, identify.clock_khz);
	return idle + dynamic < identify.power_max_mw ? idle + dynamic : identify.power_max_mw;
}

static uint32_t fit(uint32_t mw)
{
	uint32_t khz = identify.clock_khz;

	while (khz > identify.clock_min_khz && predict(mw, khz) > state.cap_mw)
		khz = step_down(khz);
	return khz;
}

static void follow_cap(uint32_t mw)
{
	if (mw > state.cap_mw) {
		state.power_khz = fit(mw);
		state.calm = 0;
	} else if (state.power_khz < identify.clock_khz &&
		   predict(mw, step_up(state.power_khz)) <= state.cap_mw) {
		if (++state.calm >= CALM_WINDOWS) {
			state.power_khz = step_up(state.power_khz);
			state.calm = 0;
		}
	} else {
		state.calm = 0;
	}
}

/* --- what the temperature allows --------------------------------------------------------------- */

static void follow_heat(int32_t mc)
{
	if (mc >= identify.temp_emergency_mc)
		fw_panic(GAON_PANIC_HEAT);
	if (mc >= identify.temp_crit_mc)
		state.heat_khz = identify.clock_min_khz;
	else if (mc >= identify.temp_max_mc)
		state.heat_khz = step_down(state.clock_khz);
	else if (mc < identify.temp_max_hyst_mc && state.heat_khz < identify.clock_khz)
		state.heat_khz = step_up(state.heat_khz);
}

/* --- what comes of it ------------------------------------------------------------------------------ */

static void count(struct throttled *t, bool now)
{
	uint64_t cycle;

	if (t->now == now)
		return;
	cycle = reg_read64(GAON_MCU_CYCLE_LO);
	t->now = now;
	if (now) {
		t->count++;
		t->since = cycle;
	} else {
		t->cycles += cycle - t->since;
	}
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void apply(int32_t mc)
{
	uint32_t limit = step_floor(state.limit_khz);
	uint32_t khz = least(limit, least(state.power_khz, state.heat_khz));

	state.reasons = (state.power_khz < limit ? GAON_THROTTLE_POWER : 0) |
			(state.heat_khz < limit ? GAON_THROTTLE_HEAT : 0) |
			(mc >= identify.temp_crit_mc ? GAON_THROTTLE_CRITICAL : 0) |
			(limit < identify.clock_khz ? GAON_THROTTLE_LIMIT : 0);
	count(&state.power, state.reasons & GAON_THROTTLE_POWER);
	count(&state.heat, state.reasons & GAON_THROTTLE_HEAT);
	if (khz == state.clock_khz)
		return;
	state.clock_khz = khz;
	state.settling = true;
	reg_write(GAON_MCU_CLOCK_KHZ, khz);
}

void power_measured(void)
{
	int32_t mc = (int32_t)reg_read(GAON_MCU_TEMP_MC);
	uint32_t mw = reg_read(GAON_MCU_POWER_MW);

	if (!has_power())
		return;
	if (!state.settling) {
		follow_heat(mc);
		follow_cap(mw);
	} else if (mc >= identify.temp_crit_mc) {
		follow_heat(mc);
	}
	state.settling = false;
	apply(mc);
}

uint64_t power_service(void)
{
	uint32_t reasons = state.reasons & TOLD;

	if (reasons == state.told)
		return FW_TIME_NEVER;
	if (timer_now() < state.tell)
		return state.tell;
	state.told = reasons;
	state.tell = timer_now() + (uint64_t)TELL_MS * FW_NS_PER_MS;
	log_line(LOG_INFO, "throttle %x, cores at %u kHz", reasons, state.clock_khz);
	reg_write(GAON_MCU_THROTTLE, state.reasons);
	return FW_TIME_NEVER;
}

/* --- the host ------------------------------------------------------------------------------------------ */

uint32_t power_set(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket, uint64_t value[6])
{
	const struct gaon_admin_power *c = &cmd->power;
	uint32_t mw;

	(void)ticket;
	if (!has_power())
		return GAON_ADMIN_ERR_FEATURE;
	if (!fw_is_zero(c->reserved, sizeof(c->reserved)))
		return GAON_ADMIN_ERR_RESERVED;
	if ((c->cap_mw && (c->cap_mw < identify.power_min_mw || c->cap_mw > identify.power_max_mw)) ||
	    (c->clock_khz && (c->clock_khz < identify.clock_min_khz || c->clock_khz > identify.clock_khz)))
		return GAON_ADMIN_ERR_RANGE;
	mw = reg_read(GAON_MCU_POWER_MW);
	if (c->cap_mw) {
		state.cap_mw = c->cap_mw;
		state.power_khz = fit(mw);
		state.calm = 0;
	}
	if (c->clock_khz)
		state.limit_khz = c->clock_khz;
	apply((int32_t)reg_read(GAON_MCU_TEMP_MC));
	value[0] = state.cap_mw;
	value[1] = state.limit_khz;
	value[2] = state.clock_khz;
	value[3] = state.reasons;
	return GAON_ADMIN_OK;
}

static uint64_t cycles_of(const struct throttled *t, uint64_t now)
{
	return t->cycles + (t->now ? now - t->since : 0);
}

void power_telemetry(struct gaon_telemetry *t)
{
	if (!has_power())
		return;
	t->power_cap_mw = state.cap_mw;
	t->clock_limit_khz = state.limit_khz;
	t->throttle = state.reasons;
	t->throttled_power = state.power.count;
	t->throttled_heat = state.heat.count;
	t->throttled_power_cycles = cycles_of(&state.power, t->cycle);
	t->throttled_heat_cycles = cycles_of(&state.heat, t->cycle);
}

/* A chip whose words make no sense is as one that cannot be slowed down. */
void power_init(void)
{
	if (!identify.clock_khz || identify.clock_khz > 4000000 || !identify.clock_step_khz ||
	    identify.clock_min_khz < identify.clock_khz / 8 || identify.clock_min_khz > identify.clock_khz ||
	    identify.power_max_mw > 4000000 || identify.power_min_mw > identify.power_max_mw)
		identify.features &= ~GAON_FEATURE_POWER;
	state.cap_mw = identify.power_default_mw;
	state.limit_khz = state.power_khz = state.heat_khz = state.clock_khz = identify.clock_khz;
}
