/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_MIGRATE_H_
#define _GAON_MIGRATE_H_

#include <linux/types.h>

struct gaon_device;
struct ttm_resource;
struct ttm_tt;

/* Context and ASID of the driver's own queue; VMs have others. */
#define GAON_MIGRATE_CONTEXT	1
#define GAON_MIGRATE_ASID	1

int gaon_migrate_init(struct gaon_device *gdev);
int gaon_migrate_start(struct gaon_device *gdev);
void gaon_migrate_stop(struct gaon_device *gdev);
void gaon_migrate_drain(struct gaon_device *gdev);
void gaon_migrate_fini(struct gaon_device *gdev);
int gaon_migrate_clear(struct gaon_device *gdev, struct ttm_resource *hbm);
int gaon_migrate_copy(struct gaon_device *gdev, struct ttm_resource *hbm, struct ttm_tt *tt,
		      bool to_hbm);
int gaon_migrate_step(struct gaon_device *gdev, u64 hbm, dma_addr_t dma, u64 bytes, bool to_hbm);

#endif
