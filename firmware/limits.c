// SPDX-License-Identifier: MIT
/* What the host may set, and the heartbeat, which is off until the host asks for it. */
#include "fw.h"

#define DEFAULT_PREEMPT_MS	100u
#define DEFAULT_SLICE_US	2000u
#define DEFAULT_LAUNCH_SECONDS	2u

struct fw_limits limits;

static uint32_t beats;
static uint64_t next_beat = FW_TIME_NEVER;

void limits_init(const struct gaon_identify *id)
{
	limits.preempt_ms = id->preempt_ms ? id->preempt_ms : DEFAULT_PREEMPT_MS;
	limits.slice_us = DEFAULT_SLICE_US;
	limits.launch_cycles = (uint64_t)id->clock_khz * 1000 * DEFAULT_LAUNCH_SECONDS;
}

/* @us is at most 10^6, so the second product fits 32 bits. */
uint64_t limits_cycles(uint32_t us)
{
	return (uint64_t)us * (identify.clock_khz / 1000) + us * (identify.clock_khz % 1000) / 1000;
}

void heartbeat_beat(void)
{
	reg_write(GAON_MCU_HEARTBEAT, ++beats);
}

void heartbeat_restart(void)
{
	next_beat = limits.heartbeat_ms ?
		    timer_now() + (uint64_t)limits.heartbeat_ms * FW_NS_PER_MS : FW_TIME_NEVER;
}

uint64_t heartbeat_service(void)
{
	if (next_beat != FW_TIME_NEVER && timer_now() >= next_beat) {
		heartbeat_beat();
		heartbeat_restart();
	}
	return next_beat;
}
