// SPDX-License-Identifier: GPL-2.0 OR MIT
/* The firmware: found, checked, booted, and asked who it is. */
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/firmware.h>
#include <linux/iopoll.h>
#include <linux/pci.h>

#include <kunit/visibility.h>

#include <hw/gaon_fwimage.h>
#include <hw/gaon_text.h>

#include "gaon_admin.h"
#include "gaon_device.h"
#include "gaon_fw.h"
#include "gaon_visible.h"

#define BOOT_TIMEOUT_US		(20 * USEC_PER_SEC)
#define KNOWN_FEATURES							\
	(GAON_FEATURE_MODELLED_TIME | GAON_FEATURE_PREEMPT_INSIDE | GAON_FEATURE_INJECT | \
	 GAON_FEATURE_GEMM_MEMORY | GAON_FEATURE_RETIRE | GAON_FEATURE_POWER | \
	 GAON_FEATURE_ERRORS | GAON_FEATURE_DEBUG | GAON_FEATURE_RESTART |		\
	 GAON_FEATURE_PORTS)

static_assert(sizeof(struct gaon_fw_header) == 256);
static_assert(sizeof(struct gaon_identify) == 256);
static_assert(sizeof(struct gaon_telemetry) == 512);

/* --- the file ------------------------------------------------------------------------------- */

VISIBLE_IF_KUNIT int gaon_fw_check(struct gaon_device *gdev, const struct firmware *fw,
				   const char *name)
{
	const struct gaon_fw_header *header = (const void *)fw->data;
	int fault = gaon_fw_header_check(header, fw->size);

	if (fault) {
		drm_err(&gdev->drm, "firmware %s refused (%zu bytes): %s\n", name, fw->size,
			gaon_fw_fault_text(fault));
		return -EINVAL;
	}
	if (!gaon_abi_common(header->abi_min, header->abi_max)) {
		drm_err(&gdev->drm, "firmware %s, version %u.%u.%u, speaks admin ABI %u to %u; this driver, version %s, speaks %u to %u: install the firmware that came with the driver\n",
			name, header->version >> 24, header->version >> 16 & 0xff,
			header->version & 0xffff, header->abi_min, header->abi_max,
			GAON_DRIVER_VERSION, GAON_ABI_MIN, GAON_ABI_MAX);
		return -EPROTO;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_fw_check);

/* The newest name first; a file that is there but wrong is an error, not a reason to try others. */
static int fw_request(struct gaon_device *gdev, const struct firmware **fw)
{
	static const char *const names[] = { GAON_FW_FILE_ABI, GAON_FW_FILE };
	unsigned int i;
	int err;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		err = firmware_request_nowarn(fw, names[i], gdev->drm.dev);
		if (err)
			continue;
		err = gaon_fw_check(gdev, *fw, names[i]);
		if (err) {
			release_firmware(*fw);
			return err;
		}
		strscpy(gdev->fw.file, names[i], sizeof(gdev->fw.file));
		return 0;
	}
	drm_err(&gdev->drm, "no firmware: neither %s nor %s is below /lib/firmware (error %d): install it with `make modules_install`, in the initramfs too if the module is there\n",
		names[0], names[1], err);
	return err;
}

/* --- boot ----------------------------------------------------------------------------------- */

static bool boot_over(u32 state)
{
	return state == GAON_STATE_READY || state == GAON_STATE_DEGRADED ||
	       state == GAON_STATE_FATAL || state == GAON_STATE_GONE;
}

static int boot_wait(struct gaon_device *gdev)
{
	u32 state, error;
	int err;

	err = read_poll_timeout(gaon_read32, state, boot_over(state), 200, BOOT_TIMEOUT_US, false,
				gdev, GAON_REG_STATE);
	if (err) {
		drm_err(&gdev->drm, "firmware %s is not ready after %lu s, state %s (%#x)\n",
			gdev->fw.file, BOOT_TIMEOUT_US / USEC_PER_SEC, gaon_state_name(state),
			state);
		return err;
	}
	if (state == GAON_STATE_READY || state == GAON_STATE_DEGRADED)
		return 0;
	error = gaon_read32(gdev, GAON_REG_BOOT_ERROR);
	drm_err(&gdev->drm, "firmware %s refused by the device, state %s: %s (boot error %#x)\n",
		gdev->fw.file, gaon_state_name(state), gaon_boot_error_text(error), error);
	return state == GAON_STATE_GONE ? -ENODEV : -EIO;
}

/* The range that READY firmware claims; the ROM has verified the image, not its words. */
static int boot_agree(struct gaon_device *gdev)
{
	u32 version = gaon_read32(gdev, GAON_REG_FW_VERSION);
	u32 abi = gaon_read32(gdev, GAON_REG_FW_ABI);

	gdev->fw.version = version;
	gdev->fw.abi_min = abi >> 16;
	gdev->fw.abi_max = abi & 0xffff;
	gdev->fw.abi = gaon_abi_common(gdev->fw.abi_min, gdev->fw.abi_max);
	if (!gdev->fw.abi) {
		drm_err(&gdev->drm, "running firmware, version %u.%u.%u, claims admin ABI %u to %u; this driver, version %s, speaks %u to %u\n",
			version >> 24, version >> 16 & 0xff, version & 0xffff, gdev->fw.abi_min,
			gdev->fw.abi_max, GAON_DRIVER_VERSION, GAON_ABI_MIN, GAON_ABI_MAX);
		return -EPROTO;
	}
	return 0;
}

/**
 * gaon_fw_boot() - from RESET to READY
 * @gdev: the device, in state RESET, allowed to reach host memory
 *
 * Sleeps up to 20 s. When it fails the ROM may still read the image: the device is reset before
 * the image is freed.
 *
 * Return: 0, or an error that has been logged.
 */
int gaon_fw_boot(struct gaon_device *gdev)
{
	struct device *dev = gdev->drm.dev;
	const struct firmware *fw;
	dma_addr_t dma;
	size_t size;
	void *image;
	int err;

	err = fw_request(gdev, &fw);
	if (err)
		return err;
	size = fw->size;
	image = dma_alloc_coherent(dev, size, &dma, GFP_KERNEL);
	if (image)
		memcpy(image, fw->data, size);
	release_firmware(fw);
	if (!image)
		return -ENOMEM;
	gaon_write64(gdev, GAON_REG_FW_ADDR, GAON_PA_HOST | dma);
	gaon_write32(gdev, GAON_REG_FW_SIZE, size);
	gaon_write32(gdev, GAON_REG_BOOT, GAON_BOOT_GO);
	err = boot_wait(gdev);
	if (!err)
		err = boot_agree(gdev);
	if (err)
		gaon_reset_chip(gdev);
	dma_free_coherent(dev, size, image, dma);
	return err;
}

/* --- identity ------------------------------------------------------------------------------- */

/* Text that people and their terminals will see. */
static void identify_clean(char *text, size_t bytes)
{
	size_t i, length = strnlen(text, bytes - 1);

	memset(text + length, 0, bytes - length);
	for (i = 0; i < length; i++) {
		if (text[i] < ' ' || text[i] > '~')
			text[i] = '?';
	}
}

/* Whether it is the device of before a reset, perhaps with other firmware. */
static bool identify_is_same(const struct gaon_identify *old, const struct gaon_identify *new)
{
	struct gaon_identify id = *new;

	id.abi_min = old->abi_min;
	id.abi_max = old->abi_max;
	id.fw_version = old->fw_version;
	id.features = old->features;
	memcpy(id.fw_build, old->fw_build, sizeof(id.fw_build));
	return !memcmp(&id, old, sizeof(id));
}

/* Sizes that the driver computes with; all else is only passed on. */
VISIBLE_IF_KUNIT int gaon_fw_identify_check(struct gaon_device *gdev, struct gaon_identify *id)
{
	u64 hbm = gaon_read64(gdev, GAON_REG_HBM_SIZE);
	u64 aperture = gaon_read64(gdev, GAON_REG_APERTURE);

	identify_clean(id->name, sizeof(id->name));
	identify_clean(id->fw_build, sizeof(id->fw_build));
	if (!gaon_identify_valid(id, hbm, aperture)) {
		drm_err(&gdev->drm, "firmware identifies a device that cannot be: %u bytes, HBM %#llx (registers: %#llx), aperture %#llx (%#llx), %u contexts, %u queues, save area %#llx, %u kHz, %u cores, preemption in %u ms\n",
			id->size, id->hbm_bytes, hbm, id->aperture_bytes, aperture, id->contexts,
			id->queues, id->save_bytes, id->clock_khz, id->cores, id->preempt_ms);
		return -EPROTO;
	}
	/* Others read what was said before the reset. */
	if (gdev->identify.size && !identify_is_same(&gdev->identify, id)) {
		drm_err(&gdev->drm, "after a reset the firmware identifies another device (%s, HBM %#llx, %u contexts, %u queues) than before\n",
			id->name, id->hbm_bytes, id->contexts, id->queues);
		return -EPROTO;
	}
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(gaon_fw_identify_check);

/**
 * gaon_fw_identify() - agree on features and learn the device's shape
 * @gdev: the device; its admin queue is started
 *
 * Return: 0, or an error that has been logged.
 */
int gaon_fw_identify(struct gaon_device *gdev)
{
	struct gaon_admin_req req = { .cmd = { .opcode = GAON_ADMIN_IDENTIFY } };
	struct gaon_identify id;
	int err;

	/* The telemetry's buffer is long enough, and nobody else uses it yet. */
	guard(mutex)(&gdev->telemetry_lock);
	memset(gdev->telemetry, 0, sizeof(*gdev->telemetry));
	req.cmd.identify.data_pa = GAON_PA_HOST | gdev->telemetry_dma;
	req.cmd.identify.data_len = sizeof(struct gaon_identify);
	err = gaon_admin_exec(gdev, &req, 0);
	if (!err) {
		memcpy(&id, gdev->telemetry, sizeof(id));
		err = gaon_fw_identify_check(gdev, &id);
	}
	if (err) {
		drm_err(&gdev->drm, "the device cannot be identified (error %d)\n", err);
		return err;
	}
	gdev->identify = id;
	req = (struct gaon_admin_req) { .cmd = { .opcode = GAON_ADMIN_SET_FEATURES } };
	req.cmd.features.mask = gdev->identify.features & KNOWN_FEATURES;
	err = gaon_admin_exec(gdev, &req, 0);
	if (err) {
		drm_err(&gdev->drm, "firmware does not take features %#llx (error %d)\n",
			req.cmd.features.mask, err);
		return err;
	}
	gdev->fw.features = req.reply.value[0] & req.cmd.features.mask;
	return 0;
}

MODULE_FIRMWARE(GAON_FW_FILE);
