// SPDX-License-Identifier: GPL-2.0 OR MIT
/* What the tests share, and their module. */
#include <linux/device.h>
#include <linux/dma-direct.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/random.h>

#include <kunit/device.h>
#include <kunit/test.h>

#include <drm/drm_drv.h>

#include "../gaon_compat.h"
#include "../gaon_device.h"
#include "../gaon_tlbi.h"
#include "../gaon_visible.h"
#include "gaon_mock.h"

#define MOCK_CONTEXTS	64
#define MOCK_QUEUES	200

static unsigned int seed;
module_param(seed, uint, 0444);
MODULE_PARM_DESC(seed, "of random numbers; 0: any");

static const struct drm_driver mock_driver = {
	.driver_features = DRIVER_GEM | GAON_COMPAT_DRIVER_FEATURES,
	.name = "gaon-mock",
	.desc = "no card",
	.major = 1,
};

static void mock_fini(void *arg)
{
	struct gaon_device *gdev = arg;

	ida_destroy(&gdev->asids);
	xa_destroy(&gdev->vms);
}

struct gaon_device *gaon_mock_device(struct kunit *test)
{
	struct device *dev = kunit_device_register(test, "gaon-mock");
	struct gaon_device *gdev;
	void *regs;

	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, dev);
	KUNIT_ASSERT_EQ(test, dma_set_mask_and_coherent(dev, DMA_BIT_MASK(52)), 0);
	gdev = devm_drm_dev_alloc(dev, &mock_driver, struct gaon_device, drm);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, gdev);
	regs = devm_kzalloc(dev, GAON_REG_LIMIT, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, regs);
	gdev->regs = (void __iomem __force *)regs;
	gdev->vectors = 1;
	gdev->identify.contexts = MOCK_CONTEXTS;
	gdev->identify.queues = MOCK_QUEUES;
	xa_init_flags(&gdev->vms, XA_FLAGS_ALLOC);
	ida_init(&gdev->asids);
	KUNIT_ASSERT_EQ(test, devm_add_action_or_reset(dev, mock_fini, gdev), 0);
	KUNIT_ASSERT_EQ(test, gaon_tlbi_init(gdev), 0);
	KUNIT_ASSERT_EQ(test, gaon_events_alloc(gdev), 0);
	return gdev;
}

void *gaon_mock_dma(struct kunit *test, struct gaon_device *gdev, u64 pa)
{
	phys_addr_t phys = dma_to_phys(gdev->drm.dev, pa & ~GAON_PA_HOST);

	KUNIT_ASSERT_TRUE_MSG(test, pa & GAON_PA_HOST && pfn_valid(PHYS_PFN(phys)),
			      "the device was told of %#llx", pa);
	return phys_to_virt(phys);
}

void gaon_mock_seed(struct kunit *test, struct rnd_state *random)
{
	u32 used = seed ?: get_random_u32();

	kunit_info(test, "seed=%u", used);
	prandom_seed_state(random, used);
}

u32 gaon_mock_below(struct rnd_state *random, u32 end)
{
	return (u64)prandom_u32_state(random) * end >> 32;
}

MODULE_DESCRIPTION("KUnit tests of gaon.ko");
MODULE_AUTHOR("The Gaon authors");
MODULE_LICENSE("Dual MIT/GPL");
MODULE_INFO(import_ns, "EXPORTED_FOR_KUNIT_TESTING");
