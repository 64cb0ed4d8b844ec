// SPDX-License-Identifier: GPL-2.0 OR MIT
/* Start, stop and state of a card, from the order in which everything else is set up. */
#include <linux/dma-mapping.h>
#include <linux/pci.h>

#include <drm/drm_managed.h>

#include <hw/gaon_port.h>

#include "gaon_admin.h"
#include "gaon_coredump.h"
#include "gaon_device.h"
#include "gaon_event.h"
#include "gaon_fw.h"
#include "gaon_hwmon.h"
#include "gaon_migrate.h"
#include "gaon_queue.h"
#include "gaon_ras.h"
#include "gaon_sysfs.h"
#include "gaon_tlbi.h"
#include "gaon_shrink.h"
#include "gaon_ttm.h"
#include "gaon_vm.h"

#define DEVICE_READ_BYTES	1024	/* the longest structure that is read */

static_assert(sizeof(struct gaon_telemetry) <= DEVICE_READ_BYTES);
static_assert(sizeof(struct gaon_core_state) <= DEVICE_READ_BYTES);
static_assert(sizeof(struct gaon_ports) <= DEVICE_READ_BYTES);

void gaon_device_set_state(struct gaon_device *gdev, enum gaon_device_state state)
{
	atomic_set_release(&gdev->state, state);
	wake_up_all(&gdev->reset_wait);
}

/**
 * gaon_device_check() - whether new work may be sent
 * @gdev: the device, between drm_dev_enter() and drm_dev_exit()
 *
 * Return: 0, -EBUSY while it is being reset, -EIO when it is wedged, -ENODEV when it is gone.
 */
int gaon_device_check(struct gaon_device *gdev)
{
	switch (gaon_device_state(gdev)) {
	case GAON_DEVICE_RUNNING:
		return 0;
	case GAON_DEVICE_RESETTING:
	case GAON_DEVICE_ASLEEP:
		return -EBUSY;
	case GAON_DEVICE_OFF:
		return -ENODEV;
	default:
		return -EIO;
	}
}

/**
 * gaon_device_wait_running() - wait for a reset to end, then as gaon_device_check()
 * @gdev: the device; not between drm_dev_enter() and drm_dev_exit(), for which the removal of any
 * DRM device waits
 *
 * For callers that can wait, so that -EBUSY is not for them.
 *
 * Return: 0, -EIO when the device is wedged, -ENODEV when it is gone, -ERESTARTSYS.
 */
int gaon_device_wait_running(struct gaon_device *gdev)
{
	int err;

	do {
		err = wait_event_interruptible(gdev->reset_wait, !gaon_device_is_away(gdev));
		if (!err)
			err = gaon_device_check(gdev);
	} while (err == -EBUSY);	/* the next one has begun */
	return err;
}

/**
 * gaon_device_enter_running() - as drm_dev_enter(), of a device to which work may be sent
 * @gdev: the device
 * @idx: for drm_dev_exit(), which must follow if this returns 0
 *
 * Waits for a reset to end, outside.
 *
 * Return: 0, or as gaon_device_wait_running().
 */
int gaon_device_enter_running(struct gaon_device *gdev, int *idx)
{
	int err;

	do {
		if (!drm_dev_enter(&gdev->drm, idx))
			return -ENODEV;
		err = gaon_device_check(gdev);
		if (!err)
			return 0;
		drm_dev_exit(*idx);
		if (err == -EBUSY)
			err = gaon_device_wait_running(gdev);
	} while (!err);
	return err;
}

/**
 * gaon_device_patience() - longer than the firmware is busy with stopping something
 * @gdev: the device
 *
 * Work that does not stop is killed, then the engines are reset, then the firmware gives up, each
 * after the same time.
 *
 * Return: jiffies.
 */
unsigned long gaon_device_patience(struct gaon_device *gdev)
{
	return max(10UL * HZ, msecs_to_jiffies(4 * gdev->fw.preempt_ms));
}

/* A structure that the firmware stores where it is told to. */
static int device_read(struct gaon_device *gdev, u16 opcode, u32 value, void *out, size_t bytes)
{
	struct gaon_admin_req req = { .cmd = { .opcode = opcode } };
	int err = gaon_device_check(gdev);

	if (err)
		return err;
	guard(mutex)(&gdev->telemetry_lock);
	req.cmd.buffer.pa = GAON_PA_HOST | gdev->telemetry_dma;
	req.cmd.buffer.bytes = bytes;
	req.cmd.buffer.value = value;
	err = gaon_admin_exec(gdev, &req, 0);
	if (req.err)	/* not the firmware's: a reset has begun since, and may be over */
		return gaon_device_check(gdev) ?: -EBUSY;
	if (!err)
		memcpy(out, gdev->telemetry, bytes);
	return err;
}

/**
 * gaon_device_read_telemetry() - ask the firmware for its counters
 * @gdev: the device, between drm_dev_enter() and drm_dev_exit()
 * @out: one moment's reading
 *
 * Sleeps.
 *
 * Return: 0; as gaon_device_check(), -EBUSY also when a reset came in between; -ETIMEDOUT.
 */
int gaon_device_read_telemetry(struct gaon_device *gdev, struct gaon_telemetry *out)
{
	return device_read(gdev, GAON_ADMIN_TELEMETRY, 0, out, sizeof(*out));
}

/**
 * gaon_device_read_core() - ask for what a core kept of the workgroup that was dropped on it last
 * @gdev: the device, between drm_dev_enter() and drm_dev_exit()
 * @core: which
 * @out: size 0: nothing
 *
 * Sleeps.
 *
 * Return: as gaon_device_read_telemetry(); -EOPNOTSUPP or the like from firmware that cannot tell.
 */
int gaon_device_read_core(struct gaon_device *gdev, u32 core, struct gaon_core_state *out)
{
	return device_read(gdev, GAON_ADMIN_CORE_STATE, core, out, sizeof(*out));
}

/**
 * gaon_device_read_ports() - ask for the state of ports of links
 * @gdev: the device, between drm_dev_enter() and drm_dev_exit(), with GAON_FEATURE_PORTS
 * @out: the firmware's word
 *
 * Sleeps.
 *
 * Return: as gaon_device_read_telemetry().
 */
int gaon_device_read_ports(struct gaon_device *gdev, struct gaon_ports *out)
{
	return device_read(gdev, GAON_ADMIN_PORTS, 0, out, sizeof(*out));
}

/* In whatever state an earlier owner (or an earlier kernel) left it. */
static int device_identify_registers(struct gaon_device *gdev)
{
	u32 id = gaon_read32(gdev, GAON_REG_ID);
	u32 revision = gaon_read32(gdev, GAON_REG_REVISION);

	if (id != GAON_ID || revision >> 16 != GAON_REVISION >> 16) {
		drm_err(&gdev->drm, "identity register reads %#x, revision %u.%u: this driver, version %s, knows %#x and revisions %u.x\n",
			id, revision >> 16, revision & 0xffff, GAON_DRIVER_VERSION, GAON_ID,
			GAON_REVISION >> 16);
		return -ENODEV;
	}
	return 0;
}

static void device_release(struct drm_device *drm, void *arg)
{
	struct gaon_device *gdev = arg;

	xa_destroy(&gdev->vms);
	ida_destroy(&gdev->asids);
}

static int device_alloc(struct gaon_device *gdev)
{
	int err;

	err = drmm_mutex_init(&gdev->drm, &gdev->telemetry_lock);
	if (err)
		return err;
	gdev->telemetry = dmam_alloc_coherent(gdev->drm.dev, DEVICE_READ_BYTES,
					      &gdev->telemetry_dma, GFP_KERNEL);
	if (!gdev->telemetry)
		return -ENOMEM;
	err = gaon_throttle_init(gdev);
	if (!err)
		err = gaon_admin_init(gdev);
	if (!err)
		err = gaon_tlbi_init(gdev);
	if (!err)
		err = gaon_fwlog_init(gdev);
	if (!err)
		err = gaon_ras_init(gdev);
	if (!err)
		err = gaon_ports_init(gdev);
	return err;
}

/* Memory is set up once: its size does not change over a reset. */
static int device_start_memory(struct gaon_device *gdev, bool kept)
{
	int err = 0;

	if (!gdev->ttm)
		err = gaon_ttm_init(gdev);
	else if (!kept)
		gaon_hbm_was_reset(gdev);
	if (!err)
		err = gaon_ras_start(gdev);
	if (!err && !gdev->migrate)
		err = gaon_migrate_init(gdev);
	return err ?: gaon_migrate_start(gdev);
}

static int device_agree(struct gaon_device *gdev, bool kept)
{
	int err;

	err = gaon_events_start(gdev);
	if (!err)
		err = gaon_fw_identify(gdev);
	if (!err)
		err = gaon_reset_set_heartbeat(gdev);
	if (!err)
		err = device_start_memory(gdev, kept);
	if (!err) {
		gaon_throttle_start(gdev);
		gaon_fwlog_start(gdev);
	}
	return err;
}

/**
 * gaon_device_boot_kept() - from RESET to READY, of a device that has kept HBM
 * @gdev: the device, silenced
 *
 * When it returns the driver's own copies wait for nothing any more.
 *
 * Return: 0, or an error that has been logged: HBM is lost.
 */
int gaon_device_boot_kept(struct gaon_device *gdev)
{
	int err;

	/* Nobody waits for an invalidation while there is memory to be had. */
	gaon_tlbi_complete(gdev);
	err = gaon_fw_boot(gdev);
	if (err)
		return err;
	gaon_tlbi_start(gdev);
	gaon_migrate_drain(gdev);
	return 0;
}

/**
 * gaon_device_start_kept() - from READY to running, after gaon_device_boot_kept()
 * @gdev: the device
 * @contents: creates what the firmware is to know; nobody else sends commands meanwhile
 *
 * Return: 0, or an error: it must be reset. Nobody waits for it then.
 */
int gaon_device_start_kept(struct gaon_device *gdev, int (*contents)(struct gaon_device *gdev))
{
	int err;

	gaon_admin_hold(gdev);
	gaon_admin_start(gdev);
	err = device_agree(gdev, true);
	if (!err)
		err = contents(gdev);
	if (!err)
		err = gaon_admin_check(gdev);
	if (err)
		gaon_device_silence(gdev);
	else
		gaon_device_set_state(gdev, GAON_DEVICE_RUNNING);
	gaon_admin_release(gdev);
	return err;
}

/* From RESET to running; also after a reset. */
int gaon_device_start(struct gaon_device *gdev)
{
	int err;

	err = gaon_fw_boot(gdev);
	if (err)
		return err;
	gaon_admin_start(gdev);
	gaon_tlbi_start(gdev);
	err = device_agree(gdev, false);
	if (!err)
		err = gaon_admin_check(gdev);
	if (err) {
		gaon_device_stop(gdev);
		return err;
	}
	gaon_device_set_state(gdev, GAON_DEVICE_RUNNING);
	return 0;
}

/* Nothing is sent to the device any more, nor waits for it. Touches no register. */
void gaon_device_silence(struct gaon_device *gdev)
{
	gaon_admin_stop(gdev);
	gaon_migrate_stop(gdev);
	gaon_events_stop(gdev);
}

/* And when this returns it touches no memory of the host. Works for a card that is gone. */
void gaon_device_stop(struct gaon_device *gdev)
{
	gaon_device_silence(gdev);
	gaon_reset_chip(gdev);
	gaon_tlbi_complete(gdev);
}

/**
 * gaon_device_init() - bring a card up
 * @gdev: with registers mapped and bus mastering allowed
 *
 * Return: 0, or an error that has been logged. Then the device touches no memory of the host.
 */
int gaon_device_init(struct gaon_device *gdev)
{
	int err;

	spin_lock_init(&gdev->resets.lock);
	err = device_identify_registers(gdev);
	if (err)
		return err;
	/* Before it may reach memory: after a kexec it could still be at work. */
	if (gaon_read32(gdev, GAON_REG_STATE) != GAON_STATE_RESET)
		gaon_reset_chip(gdev);
	err = device_alloc(gdev);
	if (err)
		return err;
	gaon_reset_init(gdev);
	xa_init_flags(&gdev->vms, XA_FLAGS_ALLOC);
	gaon_rooms_init(&gdev->rooms);
	ida_init(&gdev->asids);
	err = drmm_add_action_or_reset(&gdev->drm, device_release, gdev);
	if (!err)
		err = gaon_power_init(gdev);
	if (!err)
		err = gaon_queues_init(gdev);
	if (!err)
		err = gaon_coredump_init(gdev);
	if (!err)
		err = gaon_events_init(gdev);
	if (err)
		return err;
	pci_set_master(gdev->pdev);
	err = gaon_device_start(gdev);
	if (err)
		goto err_master;
	gaon_reset_start(gdev);
	gaon_stats_init(gdev);
	gaon_inject_init(gdev);
	gaon_hwmon_init(gdev);
	gaon_ras_register(gdev);
	drm_info(&gdev->drm, "%s: %llu MiB of HBM (aperture %llu MiB), %u cores, VLEN %u, firmware %u.%u.%u (%s) from %s, admin ABI %u, %u interrupt vectors\n",
		 gdev->identify.name, gdev->identify.hbm_bytes >> 20, gdev->aperture_bytes >> 20,
		 gdev->identify.cores, gdev->identify.vlen, gdev->fw.version >> 24,
		 gdev->fw.version >> 16 & 0xff, gdev->fw.version & 0xffff, gdev->identify.fw_build,
		 gdev->fw.file, gdev->fw.abi, gdev->vectors);
	return 0;

err_master:
	gaon_ras_stop(gdev);
	pci_clear_master(gdev->pdev);
	gaon_migrate_fini(gdev);
	gaon_events_fini(gdev);
	gaon_throttle_stop(gdev);
	return err;
}

/**
 * gaon_device_unplug() - the driver leaves the card, which may be gone already
 * @gdev: a registered device
 *
 * When it returns no ioctl touches the card, user mappings of it are gone, everything that waited
 * for it has been told, and the card touches no memory of the host.
 */
void gaon_device_unplug(struct gaon_device *gdev)
{
	gaon_power_stop(gdev);
	gaon_ras_stop(gdev);
	gaon_reset_stop(gdev);
	gaon_device_stop(gdev);
	/* Only now: who unmaps memory takes OFF to mean that the card reaches nothing. */
	gaon_device_set_state(gdev, GAON_DEVICE_OFF);
	gaon_queues_lose_all(gdev, -ENODEV);
	drm_dev_unplug(&gdev->drm);
	gaon_coredump_stop(gdev);
	gaon_shrink_stop(gdev);
	/* Nobody is between enter and exit any more, and the DMA API must have all back. */
	gaon_vm_unplug(gdev);
	gaon_migrate_fini(gdev);
	gaon_ttm_unplug(gdev);
	gaon_events_fini(gdev);
	gaon_throttle_stop(gdev);
	gaon_device_shutdown(gdev);
}

/**
 * gaon_device_shutdown() - end all access of the card to memory
 * @gdev: the device
 *
 * For a kexec, too: nothing of it may write into the next kernel's memory.
 */
void gaon_device_shutdown(struct gaon_device *gdev)
{
	gaon_reset_chip(gdev);
	pci_clear_master(gdev->pdev);
	if (!pci_wait_for_pending_transaction(gdev->pdev))
		drm_warn(&gdev->drm, "transactions are still pending after the reset\n");
}
