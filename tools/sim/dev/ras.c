// SPDX-License-Identifier: MIT
/*
 * Errors of memories and links: counted, told to software, and for HBM remembered.  What the chip
 * keeps for good, fuses and retired pages, is one small file.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "devside.h"
#include "engine.h"
#include "mcubus.h"

/* The file. A shorter one is of a chip that has not retired anything. */
struct nv_file {
	uint32_t security_version;
	struct gaon_retired retired;
} __attribute__((packed));

void sim_nv_store(struct gaon_sim *sim)
{
	struct nv_file file = {
		.security_version = sim->mcu->security_version, .retired = sim->mcu->retired,
	};
	int fd;

	if (!sim->config.nv_path)
		return;
	fd = open(sim->config.nv_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	/* In place: a write that is cut short leaves the old bytes behind it. */
	if (fd < 0 || pwrite(fd, &file, sizeof(file), 0) != (ssize_t)sizeof(file))
		sim_log(sim, 4, "cannot write %s: %s", sim->config.nv_path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static bool retired_contains(const struct gaon_retired *r, uint64_t page)
{
	for (uint32_t i = 0; i < r->count; i++)
		if (r->page[i] == page)
			return true;
	return false;
}

static bool retired_add(struct gaon_sim *sim, uint64_t page)
{
	struct gaon_retired *r = &sim->mcu->retired;

	if (r->count == GAON_RETIRED_MAX || page >= sim->config.hbm_bytes || retired_contains(r, page))
		return false;
	r->page[r->count++] = page;
	return true;
}

/* The file is whoever's: a page is taken only if it can be one. */
void sim_nv_load(struct gaon_sim *sim)
{
	struct nv_file file = { 0 };
	ssize_t got;
	int fd;

	if (!sim->config.nv_path)
		return;
	fd = open(sim->config.nv_path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	got = read(fd, &file, sizeof(file));
	close(fd);
	if (got < (ssize_t)sizeof(file.security_version))
		return;
	sim->mcu->security_version = file.security_version;
	if (got < (ssize_t)sizeof(file))
		return;
	for (uint32_t i = 0; i < file.retired.count && i < GAON_RETIRED_MAX; i++)
		retired_add(sim, file.retired.page[i] & ~(GAON_PAGE_SIZE - 1));
}

uint32_t sim_ras_retire(struct gaon_sim *sim, uint32_t page)
{
	uint64_t offset = (uint64_t)page << GAON_PAGE_SHIFT;

	if (offset >= sim->config.hbm_bytes)
		return GAON_MCU_RETIRE_RANGE;
	if (retired_contains(&sim->mcu->retired, offset))
		return GAON_MCU_RETIRE_OK;
	if (!retired_add(sim, offset))
		return GAON_MCU_RETIRE_FULL;
	sim_nv_store(sim);
	return GAON_MCU_RETIRE_OK;
}

void sim_ras_reset(struct gaon_sim *sim)
{
	struct gaon_errors *e = &sim->mcu->errors;

	memset(e, 0, sizeof(*e));
	e->size = sizeof(*e);
	e->channels = sim->identify.hbm_channels;
	e->cores = sim->identify.cores;
	e->links = 1 + sim->identify.links;	/* the one to the host, too */
}

/* By where it was; NULL: nowhere. */
static struct gaon_error_count *error_count(struct gaon_sim *sim, unsigned int counter, uint64_t where)
{
	struct gaon_errors *e = &sim->mcu->errors;

	switch (counter) {
	case GAON_RAS_HBM_CE:
	case GAON_RAS_HBM_UE:
		return where < sim->config.hbm_bytes ? &e->hbm[gaon_hbm_channel(where, e->channels)] : NULL;
	case GAON_RAS_SPM_CE:
	case GAON_RAS_SPM_UE:
		return where < e->cores ? &e->spm[where] : NULL;
	default:
		return where < e->links ? &e->link[where] : NULL;
	}
}

static void error_post(struct gaon_sim *sim, unsigned int counter, uint64_t where)
{
	struct gaon_event event = {
		.type = GAON_EVENT_RAS, .value = counter,
		.fault.core = GAON_FAULT_CORE_NONE, .fault.cycle = sim_time_now(sim),
	};

	if (counter == GAON_RAS_HBM_CE || counter == GAON_RAS_HBM_UE)
		event.fault.va = where;
	else if (counter == GAON_RAS_SPM_CE || counter == GAON_RAS_SPM_UE)
		event.fault.core = (uint8_t)where;
	else
		event.fault.syndrome = where;
	if (counter == GAON_RAS_HBM_UE || counter == GAON_RAS_SPM_UE)
		event.fault.type = GAON_FAULT_ECC;
	for (unsigned int i = 0; i < GAON_EVENT_RINGS; i++)
		sim_event_post_ring(sim, i, &event);
}

void sim_ras_error(struct gaon_sim *sim, unsigned int counter, uint64_t where)
{
	struct gaon_error_count *count = error_count(sim, counter, where);
	struct gaon_telemetry *t = &sim->tele;
	uint64_t *const counters[GAON_RAS_COUNTERS] = {
		[GAON_RAS_HBM_CE] = &t->hbm_ce, [GAON_RAS_HBM_UE] = &t->hbm_ue,
		[GAON_RAS_SPM_CE] = &t->spm_ce, [GAON_RAS_SPM_UE] = &t->spm_ue,
		[GAON_RAS_LINK_CE] = &t->link_ce, [GAON_RAS_LINK_UE] = &t->link_ue,
	};
	bool corrected = counter == GAON_RAS_HBM_CE || counter == GAON_RAS_SPM_CE ||
			 counter == GAON_RAS_LINK_CE;

	if (!count)
		return;
	++*counters[counter];
	++*(corrected ? &count->corrected : &count->uncorrected);
	if (counter == GAON_RAS_HBM_UE) {
		sim_mmu_poison(sim, where);
		if (retired_add(sim, where & ~(GAON_PAGE_SIZE - 1)))
			sim_nv_store(sim);
	} else if (counter == GAON_RAS_SPM_UE) {
		atomic_store_explicit(&sim->cores[where].unit->broken, true, memory_order_relaxed);
	}
	error_post(sim, counter, where);
}
