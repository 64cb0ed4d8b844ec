/* SPDX-License-Identifier: MIT */
/*
 * Lies about what the firmware and the device tell the host (gaon_sim_config.lies).  Without any all of
 * these do nothing but what would be done anyway.  Lock held.
 */
#ifndef GAON_SIM_LIE_H
#define GAON_SIM_LIE_H

#include "dev.h"

/* 0, or -1: no memory. */
int sim_lie_create(struct gaon_sim *sim);
void sim_lie_destroy(struct gaon_sim *sim);
/* Chip reset. */
void sim_lie_reset(struct gaon_sim *sim);

/* The firmware read @data from @pa: it may be a command that names a buffer. */
void sim_lie_fetched(struct gaon_sim *sim, uint64_t pa, const void *data, size_t len);
/* In the place of sim_phys_write(), for what the firmware writes. */
bool sim_lie_write(struct gaon_sim *sim, uint64_t pa, const void *data, size_t len);
/* A reply that is held back goes out when it is time. */
void sim_lie_poll(struct gaon_sim *sim);

/* What the host sees instead. */
uint32_t sim_lie_heartbeat(struct gaon_sim *sim, uint32_t value);
uint32_t sim_lie_register(struct gaon_sim *sim, uint64_t offset, uint32_t value);
/* A write to RESET is not heard. */
bool sim_lie_deaf(struct gaon_sim *sim);

enum sim_lie_told {
	SIM_LIE_STORE,		/* store the record, which may have changed */
	SIM_LIE_DROP,		/* count it as stored */
	SIM_LIE_REPEAT,		/* store it twice */
};

enum sim_lie_told sim_lie_event(struct gaon_sim *sim, struct gaon_event *event, uint64_t *valid);
/* False: the number of the last completed invalidation is not stored. */
bool sim_lie_tlbi(struct gaon_sim *sim, uint64_t *done);

#endif
