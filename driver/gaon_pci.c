// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The PCI function: found, looked at, mapped, given back. */
#include <linux/dma-mapping.h>
#include <linux/dma-map-ops.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>

#include <drm/drm_managed.h>

#include "gaon_device.h"
#include "gaon_sysfs.h"

/* The offset of a host address in a page-table entry has as many bits. */
#define GAON_DMA_BITS	52

/*
 * The id is a development one that nobody assigned, and others use it: look at more, and only
 * look, before the first write.
 */
static bool pci_is_gaon(struct pci_dev *pdev)
{
	u32 low, high;
	u8 length;
	int cap;

	if (pdev->subsystem_vendor != GAON_PCI_SUBVENDOR ||
	    pdev->subsystem_device != GAON_PCI_SUBDEVICE)
		return false;
	cap = pci_find_capability(pdev, PCI_CAP_ID_VNDR);
	if (!cap || pci_read_config_byte(pdev, cap + 2, &length) ||
	    length != GAON_PCI_VSEC_LENGTH || pci_read_config_dword(pdev, cap + 4, &low) ||
	    pci_read_config_dword(pdev, cap + 8, &high))
		return false;
	return ((u64)high << 32 | low) == GAON_PCI_VSEC_MAGIC;
}

static int pci_check_bars(struct gaon_device *gdev)
{
	struct pci_dev *pdev = gdev->pdev;
	u64 doorbells = (u64)GAON_CONTEXTS * GAON_DOORBELL_STRIDE;

	if (pci_resource_len(pdev, GAON_BAR_REGS) < GAON_BAR0_SIZE ||
	    pci_resource_len(pdev, GAON_BAR_DOORBELL) < doorbells ||
	    !pci_resource_len(pdev, GAON_BAR_HBM)) {
		drm_err(&gdev->drm, "BARs are too small or were not assigned: %#llx, %#llx, %#llx bytes; see the kernel's messages on PCI resources (pci=realloc may help)\n",
			(u64)pci_resource_len(pdev, GAON_BAR_REGS),
			(u64)pci_resource_len(pdev, GAON_BAR_HBM),
			(u64)pci_resource_len(pdev, GAON_BAR_DOORBELL));
		return -ENODEV;
	}
	return 0;
}

static int pci_map(struct gaon_device *gdev)
{
	struct pci_dev *pdev = gdev->pdev;
	int err;

	err = pci_check_bars(gdev);
	if (!err)
		err = pcim_request_all_regions(pdev, "gaon");
	if (err)
		return err;
	gdev->regs = pcim_iomap(pdev, GAON_BAR_REGS, GAON_MSIX_TABLE);
	gdev->doorbells = pcim_iomap(pdev, GAON_BAR_DOORBELL, 0);
	if (!gdev->regs || !gdev->doorbells)
		return -ENOMEM;
	gdev->doorbell_base = pci_resource_start(pdev, GAON_BAR_DOORBELL);
	gdev->aperture_base = pci_resource_start(pdev, GAON_BAR_HBM);
	gdev->aperture_bytes = min_t(u64, gaon_read64(gdev, GAON_REG_APERTURE),
				     pci_resource_len(pdev, GAON_BAR_HBM));
	return 0;
}

static int pci_set_dma(struct gaon_device *gdev)
{
	struct device *dev = gdev->drm.dev;
	int err;

	if (!dev_is_dma_coherent(dev)) {
		drm_err(&gdev->drm, "this machine's PCI is not cache-coherent, which the device needs\n");
		return -ENODEV;
	}
	err = dma_set_mask_and_coherent(dev, DMA_BIT_MASK(GAON_DMA_BITS));
	if (err)
		drm_err(&gdev->drm, "no DMA with %d-bit addresses (error %d)\n", GAON_DMA_BITS,
			err);
	dma_set_max_seg_size(dev, UINT_MAX);
	return err;
}

static void pci_forget_state(void *state)
{
	kfree(state);
}

/*
 * What a reset of the link takes from the function. In the driver's own hands: what the kernel
 * saves last may be what an administrator's reset found when the link had just been reset.
 */
static int pci_keep_state(struct gaon_device *gdev)
{
	pci_save_state(gdev->pdev);
	gdev->pci_state = pci_store_saved_state(gdev->pdev);
	if (!gdev->pci_state)
		return -ENOMEM;
	return devm_add_action_or_reset(gdev->drm.dev, pci_forget_state, gdev->pci_state);
}

static int pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	struct gaon_device *gdev;
	int err;

	if (!pci_is_gaon(pdev)) {
		dev_dbg(&pdev->dev, "has the id of a Gaon accelerator and is none\n");
		return -ENODEV;
	}
	gdev = devm_drm_dev_alloc(&pdev->dev, &gaon_drm_driver, struct gaon_device, drm);
	if (IS_ERR(gdev))
		return PTR_ERR(gdev);
	gdev->pdev = pdev;
	gdev->wq = alloc_ordered_workqueue("gaon-%s", WQ_MEM_RECLAIM, pci_name(pdev));
	if (!gdev->wq)
		return -ENOMEM;
	err = drmm_add_action_or_reset(&gdev->drm, gaon_compat_destroy_workqueue, gdev->wq);
	if (err)
		return err;
	gdev->cleanup_wq = alloc_workqueue("gaon-cleanup-%s", WQ_UNBOUND, 0, pci_name(pdev));
	if (!gdev->cleanup_wq)
		return -ENOMEM;
	err = drmm_add_action_or_reset(&gdev->drm, gaon_compat_destroy_workqueue, gdev->cleanup_wq);
	if (err)
		return err;
	pci_set_drvdata(pdev, gdev);
	err = pcim_enable_device(pdev);
	if (err)
		return err;
	err = pci_map(gdev);
	if (!err)
		err = pci_set_dma(gdev);
	if (!err)
		err = gaon_device_init(gdev);
	if (err)
		return err;
	err = pci_keep_state(gdev);
	if (!err)
		err = drm_dev_register(&gdev->drm, 0);
	if (err)
		gaon_device_unplug(gdev);
	else
		gaon_power_start(gdev);
	return err;
}

static void pci_remove(struct pci_dev *pdev)
{
	gaon_device_unplug(pci_get_drvdata(pdev));
}

/* Files are open and their processes run on: nothing of theirs may start the card again. */
static void pci_shutdown(struct pci_dev *pdev)
{
	struct gaon_device *gdev = pci_get_drvdata(pdev);

	gaon_reset_stop(gdev);
	gaon_device_shutdown(gdev);
	gaon_device_set_state(gdev, GAON_DEVICE_OFF);
}

/**
 * gaon_pci_reset_function() - Function Level Reset
 * @gdev: the device, of which the caller is the only one that resets it
 *
 * Sleeps. The function's configuration is as before when it returns.
 *
 * Return: 0, -ENOTTY: the function has no such reset; or that it did not come back.
 */
int gaon_pci_reset_function(struct gaon_device *gdev)
{
	struct pci_dev *pdev = gdev->pdev;
	int err;

	/* Programs must not write to the configuration meanwhile. */
	pci_cfg_access_lock(pdev);
	pci_save_state(pdev);
	err = pcie_reset_flr(pdev, PCI_RESET_DO_RESET);
	pci_restore_state(pdev);
	pci_cfg_access_unlock(pdev);
	return err;
}

static void pci_reset_prepare(struct pci_dev *pdev)
{
	gaon_reset_prepare(pci_get_drvdata(pdev));
}

static void pci_reset_done(struct pci_dev *pdev)
{
	gaon_reset_done(pci_get_drvdata(pdev));
}

/*
 * The kernel's steps of recovery are in its Documentation/PCI/pci-error-recovery.rst; the device's
 * side is in Documentation/hw/pci.rst, "Errors". Correctable errors the kernel counts itself.
 */
static pci_ers_result_t pci_error_detected(struct pci_dev *pdev, pci_channel_state_t channel)
{
	struct gaon_device *gdev = pci_get_drvdata(pdev);

	switch (channel) {
	case pci_channel_io_normal:
		return PCI_ERS_RESULT_CAN_RECOVER;
	case pci_channel_io_frozen:
		gaon_reset_freeze(gdev);
		return PCI_ERS_RESULT_NEED_RESET;
	default:
		gaon_reset_forsake(gdev);
		return PCI_ERS_RESULT_DISCONNECT;
	}
}

static pci_ers_result_t pci_mmio_enabled(struct pci_dev *pdev)
{
	struct gaon_device *gdev = pci_get_drvdata(pdev);

	if (gaon_reset_is_healthy(gdev))
		return PCI_ERS_RESULT_RECOVERED;
	gaon_reset_freeze(gdev);
	return PCI_ERS_RESULT_NEED_RESET;
}

static pci_ers_result_t pci_slot_reset(struct pci_dev *pdev)
{
	struct gaon_device *gdev = pci_get_drvdata(pdev);

	if (pci_load_saved_state(pdev, gdev->pci_state))
		return PCI_ERS_RESULT_DISCONNECT;
	pci_restore_state(pdev);
	pci_save_state(pdev);
	return gaon_reset_thaw(gdev) ? PCI_ERS_RESULT_RECOVERED : PCI_ERS_RESULT_DISCONNECT;
}

/* Of an error that took no reset, too. */
static void pci_resume(struct pci_dev *pdev)
{
	struct gaon_device *gdev = pci_get_drvdata(pdev);

	drm_info(&gdev->drm, "recovered from an error of the link, the device is %s\n",
		 gaon_device_running(gdev) ? "running" : "not in use");
}

static const struct pci_error_handlers pci_error_handlers = {
	.error_detected = pci_error_detected,
	.mmio_enabled = pci_mmio_enabled,
	.slot_reset = pci_slot_reset,
	.resume = pci_resume,
	/* For sysfs' `reset`, and others that reset the function or its bus meanwhile. */
	.reset_prepare = pci_reset_prepare,
	.reset_done = pci_reset_done,
};

static const struct pci_device_id pci_ids[] = {
	{ PCI_DEVICE_SUB(GAON_PCI_VENDOR, GAON_PCI_DEVICE, GAON_PCI_SUBVENDOR,
			 GAON_PCI_SUBDEVICE) },
	{}
};
MODULE_DEVICE_TABLE(pci, pci_ids);

static struct pci_driver pci_driver = {
	.name = "gaon",
	.id_table = pci_ids,
	.probe = pci_probe,
	.remove = pci_remove,
	.shutdown = pci_shutdown,
	.err_handler = &pci_error_handlers,
	.dev_groups = gaon_sysfs_groups,
	.driver.pm = pm_ptr(&gaon_power_ops),
};

int gaon_pci_register(void)
{
	return pci_register_driver(&pci_driver);
}

void gaon_pci_unregister(void)
{
	pci_unregister_driver(&pci_driver);
}
