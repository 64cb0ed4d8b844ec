// SPDX-License-Identifier: MIT
/* Identity and counters.  Documentation/hw/telemetry.rst */
#include <stdio.h>
#include <string.h>

#include "devside.h"
#include "mcubus.h"

void sim_identify_fill(struct gaon_sim *sim)
{
	struct gaon_identify *id = &sim->identify;
	char serial[sizeof(id->serial) + 1];

	id->size = sizeof(*id);
	id->hw_revision = GAON_REVISION;
	id->features = GAON_FEATURE_MODELLED_TIME | GAON_FEATURE_PREEMPT_INSIDE | GAON_FEATURE_RETIRE |
		       GAON_FEATURE_POWER | GAON_FEATURE_ERRORS | GAON_FEATURE_DEBUG | GAON_FEATURE_RESTART;
	if (!sim->config.no_gemm_memory)
		id->features |= GAON_FEATURE_GEMM_MEMORY;
	if (sim->config.debug_fuse)
		id->features |= GAON_FEATURE_INJECT;
	if (sim->config.ports) {
		id->features |= GAON_FEATURE_PORTS;
		id->links = sim->config.ports;
		id->link_mbps = SIM_PORT_MBPS;
	}
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
	sim_power_identify(id);
	snprintf(serial, sizeof(serial), "GA1-MODEL-%06u",
		 sim->config.serial ? sim->config.serial % (SIM_SERIAL_MAX + 1) : 1);
	memcpy(id->serial, serial, sizeof(id->serial));
	memcpy(id->name, "Gaon GA1 (device model)", sizeof("Gaon GA1 (device model)"));
}

void sim_telemetry_latch(struct gaon_sim *sim, struct gaon_telemetry *out)
{
	struct gaon_telemetry *t = &sim->tele;

	t->size = sizeof(*t);
	t->doorbells_dropped = atomic_load(&sim->doorbells->dropped);
	t->tlb_misses = atomic_load(&sim->mmu->walks);
	t->retired_pages = sim->mcu->retired.count;
	sim_time_telemetry(sim, t);
	sim_power_telemetry(sim, t);
	*out = *t;
}
