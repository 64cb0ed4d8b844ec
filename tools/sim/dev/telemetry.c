// SPDX-License-Identifier: MIT
/*
 * Identity and counters.  Power and temperature are a model's: both are linear in how busy the
 * engines were since the last reading, in modelled cycles; Documentation/hw/telemetry.rst has the
 * coefficients.
 */
#include <string.h>

#include "devside.h"
#include "mcubus.h"

#define IDLE_MW		90000u
#define CORE_MW		10000u		/* per core, all of its scalar and vector units busy */
#define MATRIX_MW	12500u		/* per core's arrays */
#define DMA_MW		1500u
#define COPY_MW		2000u
#define HBM_NJ_PER_MB	31000u		/* about 3.9 pJ per bit */
#define AMBIENT_MC	35000
#define MC_PER_W	210		/* millidegrees above ambient per watt */

void sim_identify_fill(struct gaon_sim *sim)
{
	struct gaon_identify *id = &sim->identify;

	id->size = sizeof(*id);
	id->hw_revision = GAON_REVISION;
	id->features = GAON_FEATURE_MODELLED_TIME | GAON_FEATURE_PREEMPT_INSIDE | GAON_FEATURE_RETIRE |
		       GAON_FEATURE_ERRORS;
	if (!sim->config.no_gemm_memory)
		id->features |= GAON_FEATURE_GEMM_MEMORY;
	if (sim->config.debug_fuse)
		id->features |= GAON_FEATURE_INJECT;
	id->hbm_bytes = sim->config.hbm_bytes;
	id->aperture_bytes = sim->config.aperture_bytes;
	id->spm_bytes = sim->config.spm_bytes;
	id->cores = sim->config.cores;
	id->vlen = sim->config.vlen;
	id->dlen = 4096;
	id->vector_pipes = 4;
	id->matrix_arrays = 2;
	id->matrix_dim = 128;
	id->dma_channels = 2;
	id->copy_engines = 2;
	id->slots = sim->config.slots;
	id->contexts = GAON_CONTEXTS;
	id->queues = GAON_QUEUES;
	id->clock_khz = 1050000;
	id->hbm_mbps = 1200000;
	id->host_mbps = 32000;
	id->numerics = GAON_NUMERICS_PROFILE;
	id->preempt_ms = 100;
	id->hbm_channels = 32;
	memcpy(id->serial, "GA1-MODEL-000001", sizeof(id->serial));
	memcpy(id->name, "Gaon GA1 (device model)", sizeof("Gaon GA1 (device model)"));
}

static uint64_t tele_sum(const uint64_t *v, unsigned int count)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < count; i++)
		sum += v[i];
	return sum;
}

/* Energy since reset in milliwatt-cycles: exact, where microjoules would be rounded. */
static __uint128_t tele_mw_cycles(const struct gaon_telemetry *t, uint64_t khz)
{
	uint64_t hbm_uj = (t->hbm_read + t->hbm_write) / 1000000 * HBM_NJ_PER_MB / 1000;

	return (__uint128_t)t->cycle * IDLE_MW +
	       (__uint128_t)tele_sum(t->core_busy, 8) * CORE_MW +
	       (__uint128_t)tele_sum(t->matrix_busy, 8) * MATRIX_MW +
	       (__uint128_t)tele_sum(t->dma_busy, 8) * DMA_MW +
	       (__uint128_t)tele_sum(t->copy_busy, 4) * COPY_MW + (__uint128_t)hbm_uj * khz;
}

void sim_telemetry_latch(struct gaon_sim *sim, struct gaon_telemetry *out)
{
	uint64_t khz = sim->identify.clock_khz ? sim->identify.clock_khz : 1;
	struct gaon_telemetry before = *out;
	struct gaon_telemetry *t = &sim->tele;
	uint64_t cycles;

	t->size = sizeof(*t);
	t->clock_khz = sim->identify.clock_khz;
	t->cycle = sim_time_now(sim);
	t->doorbells_dropped = atomic_load(&sim->doorbells->dropped);
	t->tlb_misses = atomic_load(&sim->mmu->walks);
	t->retired_pages = sim->mcu->retired.count;
	sim_time_telemetry(sim, t);
	t->energy_uj = tele_mw_cycles(t, khz) / khz;

	/* Mean power since the last reading; without time between, what it was. */
	cycles = t->cycle - before.cycle;
	if (before.size && !cycles)
		t->power_mw = before.power_mw;
	else if (cycles)
		t->power_mw = (tele_mw_cycles(t, khz) - tele_mw_cycles(&before, khz)) / cycles;
	else
		t->power_mw = IDLE_MW;
	t->temp_mc = AMBIENT_MC + (int32_t)((uint64_t)t->power_mw * MC_PER_W / 1000);
	*out = *t;
}
