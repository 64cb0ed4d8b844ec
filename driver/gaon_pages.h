/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_PAGES_H_
#define _GAON_PAGES_H_

struct device;
struct ttm_tt;

int gaon_pages_alloc(struct device *dev, struct ttm_tt *tt);
void gaon_pages_free(struct device *dev, struct ttm_tt *tt);

#endif
