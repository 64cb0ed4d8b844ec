// SPDX-License-Identifier: MIT
/*
 * Clock, power and temperature.  All are a model's: energy is linear in how long engines were busy, in
 * modelled time, and in what the clock makes of their power; Documentation/hw/telemetry.rst has the formulas.
 */
#include <string.h>

#include "devside.h"
#include "engine.h"
#include "mcubus.h"

#define HBM_NJ_PER_MB		31000u	/* about 3.9 pJ per bit */
#define CAP_GRAIN_MW		5000u
#define CLOCK_MIN_KHZ		350000u
#define CLOCK_STEP_KHZ		50000u
#define AMBIENT_MC		35000
#define RISE_MC			59850	/* at the highest power: 0.21 per watt with four cores */
#define TEMP_MAX_MC		100000
#define TEMP_HYST_MC		95000
#define TEMP_CRIT_MC		110000
#define TEMP_EMERGENCY_MC	120000

/* --- identity -------------------------------------------------------------------------------- */

static uint32_t round_cap(uint32_t mw)
{
	return (mw + CAP_GRAIN_MW - 1) / CAP_GRAIN_MW * CAP_GRAIN_MW;
}

/* With all engines busy and HBM moving what it can, at the highest and at the lowest clock. */
void sim_power_identify(struct gaon_identify *id)
{
	uint32_t core = SIM_CORE_MW + id->matrix_arrays * SIM_MATRIX_MW + id->dma_channels * SIM_DMA_MW;
	uint32_t clocked = id->cores * core + id->copy_engines * SIM_COPY_MW;
	uint32_t steady = SIM_IDLE_MW + (uint32_t)((uint64_t)id->hbm_mbps * HBM_NJ_PER_MB / 1000000);
	uint32_t scale = gaon_mcu_power_scale(CLOCK_MIN_KHZ, id->clock_khz);

	id->clock_min_khz = CLOCK_MIN_KHZ;
	id->clock_step_khz = CLOCK_STEP_KHZ;
	id->power_idle_mw = SIM_IDLE_MW;
	id->power_min_mw = round_cap(steady + clocked * scale / GAON_MCU_SCALE_ONE);
	id->power_max_mw = round_cap(steady + clocked);
	id->power_default_mw = id->power_max_mw;
	id->temp_max_mc = TEMP_MAX_MC;
	id->temp_max_hyst_mc = TEMP_HYST_MC;
	id->temp_crit_mc = TEMP_CRIT_MC;
	id->temp_emergency_mc = TEMP_EMERGENCY_MC;
}

/* --- energy ---------------------------------------------------------------------------------- */

void sim_power_busy(struct gaon_sim *sim, uint32_t khz, uint32_t mw, uint64_t ticks)
{
	uint32_t scale = gaon_mcu_power_scale(khz, sim->identify.clock_khz);

	sim->power.clocked += (unsigned __int128)ticks * mw * scale;
}

/* Since the reset, in mW * ticks / GAON_MCU_SCALE_ONE: exact, where microjoules would be rounded. */
static unsigned __int128 energy(const struct gaon_sim *sim)
{
	uint64_t hbm_uj = (sim->tele.hbm_read + sim->tele.hbm_write) / 1000000 * HBM_NJ_PER_MB / 1000;
	unsigned __int128 steady = (unsigned __int128)sim->time->now * SIM_IDLE_MW +
				   (unsigned __int128)hbm_uj * sim->identify.clock_khz * SIM_CYCLE;

	return steady * GAON_MCU_SCALE_ONE + sim->power.clocked;
}

static int32_t temperature(const struct gaon_sim *sim)
{
	return sim->power.ambient_mc +
	       (int32_t)((uint64_t)sim->power.meter_mw * RISE_MC / sim->identify.power_max_mw);
}

void sim_power_telemetry(struct gaon_sim *sim, struct gaon_telemetry *t)
{
	struct sim_power *p = &sim->power;
	unsigned __int128 now = energy(sim);
	uint64_t ticks = sim->time->now - p->read_at;

	t->clock_khz = p->khz;
	t->energy_uj = (uint64_t)(now / GAON_MCU_SCALE_ONE / SIM_CYCLE / sim->identify.clock_khz);
	/* Mean power since the last reading; without time between, what it was. */
	if (ticks)
		p->read_mw = (uint32_t)((now - p->read_energy) / ticks / GAON_MCU_SCALE_ONE);
	p->read_at = sim->time->now;
	p->read_energy = now;
	t->power_mw = p->read_mw;
	t->temp_mc = temperature(sim);
}

/* --- the firmware's meter -------------------------------------------------------------------- */

static void raise_irq(struct gaon_sim *sim)
{
	sim->mcu->irq_edges |= GAON_MCU_IRQ_POWER;
	sim_mcubus_update_irq(sim);
}

static void window_begin(struct gaon_sim *sim)
{
	struct sim_power *p = &sim->power;

	p->window_at = sim->time->now;
	p->window_end = p->window_at + (uint64_t)sim->identify.clock_khz * GAON_MCU_POWER_WINDOW_US / 1000 *
				       SIM_CYCLE;
}

/*
 * The time of a launch is entered when it has ended, and other queues' packets may end before: what is more
 * than the chip can take in the window is left to those that follow.
 */
void sim_power_window(struct gaon_sim *sim)
{
	struct sim_power *p = &sim->power;
	unsigned __int128 got = energy(sim) - p->metered;
	unsigned __int128 most = (unsigned __int128)(sim->time->now - p->window_at) * GAON_MCU_SCALE_ONE;

	p->meter_mw = sim->identify.power_max_mw;
	if (got < most * p->meter_mw)
		p->meter_mw = (uint32_t)(got / most);
	p->metered += most * p->meter_mw;
	window_begin(sim);
	raise_irq(sim);
}

uint32_t sim_power_reg_read(const struct gaon_sim *sim, uint32_t reg)
{
	switch (reg) {
	case GAON_MCU_CLOCK_KHZ:
		return sim->power.khz;
	case GAON_MCU_POWER_MW:
		return sim->power.meter_mw;
	case GAON_MCU_TEMP_MC:
		return (uint32_t)temperature(sim);
	default:
		return 0;
	}
}

/* Launches in flight keep the one that they began with. */
static void set_clock(struct gaon_sim *sim, uint32_t khz)
{
	if (khz < sim->identify.clock_min_khz || khz > sim->identify.clock_khz || khz == sim->power.khz)
		return;
	sim->power.khz = khz;
	sim->power.metered = energy(sim);
	window_begin(sim);
}

static void post_throttle(struct gaon_sim *sim, uint32_t reasons)
{
	struct gaon_event event = {
		.type = GAON_EVENT_THROTTLE, .value = (uint64_t)sim->power.khz << 32 | reasons,
	};

	for (unsigned int i = 0; i < GAON_EVENT_RINGS; i++)
		sim_event_post_ring(sim, i, &event);
}

void sim_power_reg_write(struct gaon_sim *sim, uint32_t reg, uint32_t value)
{
	if (reg == GAON_MCU_CLOCK_KHZ)
		set_clock(sim, value);
	else if (reg == GAON_MCU_THROTTLE)
		post_throttle(sim, value);
}

void sim_power_ambient(struct gaon_sim *sim, uint64_t mc)
{
	if (mc > SIM_AMBIENT_MAX_MC)
		return;
	sim->power.ambient_mc = (int32_t)mc;
	raise_irq(sim);
}

void sim_power_reset(struct gaon_sim *sim)
{
	sim->power = (struct sim_power){
		.khz = sim->identify.clock_khz, .read_mw = SIM_IDLE_MW, .meter_mw = SIM_IDLE_MW,
		.ambient_mc = sim->config.ambient_mc ? sim->config.ambient_mc : AMBIENT_MC,
	};
	window_begin(sim);
}
