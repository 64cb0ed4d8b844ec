// SPDX-License-Identifier: MIT
/* From power-on to READY: identity, PCI command register, MSI-X, firmware. */
#include "direct.h"

#include <errno.h>
#include <hw/gaon_fwimage.h>
#include <hw/gaon_text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../firmware/gaon_fw_embed.h"
#include "../log.h"

#define BOOT_TIMEOUT_NS		(5ull * 1000000000)

#define PCI_COMMAND		0x04
#define PCI_COMMAND_MEMORY	0x2
#define PCI_COMMAND_MASTER	0x4
#define PCI_STATUS		0x06
#define PCI_STATUS_CAPS		0x10
#define PCI_CAP_POINTER		0x34
#define PCI_CAP_VENDOR		0x09
#define PCI_CAP_MSIX		0x11
#define MSIX_ENABLE		0x8000

static uint32_t pci_read(struct direct *ws, unsigned int offset, size_t len)
{
	uint32_t value = 0;

	gaon_sim_config_read(ws->sim, offset, &value, len);
	return value;
}

/* Offset of a capability, 0 if there is none. */
static unsigned int pci_find_cap(struct direct *ws, uint8_t id)
{
	unsigned int at, guard;

	if (!(pci_read(ws, PCI_STATUS, 2) & PCI_STATUS_CAPS))
		return 0;
	at = pci_read(ws, PCI_CAP_POINTER, 1) & ~3u;
	for (guard = 0; at >= 0x40 && guard < 48; guard++) {
		if (pci_read(ws, at, 1) == id)
			return at;
		at = pci_read(ws, at + 1, 1) & ~3u;
	}
	return 0;
}

/* The id is a development one that nobody assigned: look at more before the first write. */
static bool pci_is_gaon(struct direct *ws)
{
	unsigned int cap = pci_find_cap(ws, PCI_CAP_VENDOR);
	uint64_t magic;

	if (pci_read(ws, 0x00, 4) != (GAON_PCI_DEVICE << 16 | GAON_PCI_VENDOR) ||
	    pci_read(ws, 0x2c, 4) != (GAON_PCI_SUBDEVICE << 16 | GAON_PCI_SUBVENDOR) || !cap)
		return false;
	magic = pci_read(ws, cap + 4, 4) | (uint64_t)pci_read(ws, cap + 8, 4) << 32;
	return magic == GAON_PCI_VSEC_MAGIC;
}

static void pci_enable(struct direct *ws)
{
	uint16_t command = (uint16_t)pci_read(ws, PCI_COMMAND, 2);
	unsigned int msix = pci_find_cap(ws, PCI_CAP_MSIX);
	unsigned int i;

	command |= PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER;
	gaon_sim_config_write(ws->sim, PCI_COMMAND, &command, 2);
	if (!msix)
		return;
	for (i = 0; i < GAON_MSIX_VECTORS; i++) {
		/* Address and data mean nothing in this process: the callback gets the vector. */
		direct_reg_write(ws, GAON_MSIX_TABLE + 16 * i, 0xfee00000);
		direct_reg_write(ws, GAON_MSIX_TABLE + 16 * i + 8, i);
		direct_reg_write(ws, GAON_MSIX_TABLE + 16 * i + 12, 0);
	}
	command = (uint16_t)(pci_read(ws, msix + 2, 2) | MSIX_ENABLE);
	gaon_sim_config_write(ws->sim, msix + 2, &command, 2);
}

/* Copies the image to where the ROM can read it: the file of GAON_FIRMWARE, or the embedded one. */
static int firmware_load(struct direct *ws, struct direct_host *host, uint32_t *bytes, char *why,
			 size_t why_size)
{
	const char *path = getenv("GAON_FIRMWARE");
	FILE *file;
	size_t got;
	int err;

	err = direct_host_alloc(ws, GAON_FW_MAX_SIZE + GAON_PAGE_SIZE, host);
	if (err)
		return err;
	if (!path || !*path) {
		if (gaon_fw_image_size > GAON_FW_MAX_SIZE)
			return -EFBIG;
		memcpy(host->cpu, gaon_fw_image, gaon_fw_image_size);
		*bytes = gaon_fw_image_size;
		return 0;
	}
	file = fopen(path, "rbe");
	if (!file) {
		err = -errno;
		snprintf(why, why_size, "GAON_FIRMWARE=%s: %s", path, strerror(-err));
		return -ENOKEY;
	}
	got = fread(host->cpu, 1, GAON_FW_MAX_SIZE + 1, file);
	fclose(file);
	if (got > GAON_FW_MAX_SIZE) {
		snprintf(why, why_size, "GAON_FIRMWARE=%s is larger than an image can be", path);
		return -ENOKEY;
	}
	*bytes = (uint32_t)got;
	return 0;
}

static int boot_wait(struct direct *ws, char *why, size_t why_size)
{
	uint64_t deadline = rt_now_ns() + BOOT_TIMEOUT_NS;
	struct timespec nap = { .tv_nsec = 50000 };
	uint32_t state, error;

	for (;;) {
		state = direct_reg_read(ws, GAON_REG_STATE);
		if (state == GAON_STATE_READY || state == GAON_STATE_DEGRADED)
			return 0;
		if (state == GAON_STATE_FATAL) {
			error = direct_reg_read(ws, GAON_REG_BOOT_ERROR);
			snprintf(why, why_size, "firmware refused: %s (boot error %#x)",
				 gaon_boot_error_text(error), error);
			return -ENOKEY;
		}
		if (rt_now_ns() > deadline) {
			snprintf(why, why_size, "firmware not ready after 5 s, state %s",
				 gaon_state_name(state));
			return -ENOKEY;
		}
		if (!gaon_sim_run(ws->sim, NULL, 0, 1000000))
			nanosleep(&nap, NULL);
	}
}

int direct_boot(struct direct *ws, char *why, size_t why_size)
{
	uint32_t bytes = 0, abi;
	int err;

	if (!pci_is_gaon(ws)) {
		snprintf(why, why_size, "the PCI function is not a Gaon accelerator");
		return -ENODEV;
	}
	pci_enable(ws);
	if (direct_reg_read(ws, GAON_REG_ID) != GAON_ID ||
	    direct_reg_read(ws, GAON_REG_REVISION) >> 16 != GAON_REVISION >> 16) {
		snprintf(why, why_size, "hardware revision %#x is not known to this library",
			 direct_reg_read(ws, GAON_REG_REVISION));
		return -ENODEV;
	}
	err = firmware_load(ws, &ws->image, &bytes, why, why_size);
	if (!err) {
		direct_reg_write64(ws, GAON_REG_FW_ADDR, GAON_PA_HOST | ws->image.iova);
		direct_reg_write(ws, GAON_REG_FW_SIZE, bytes);
		direct_reg_write(ws, GAON_REG_BOOT, GAON_BOOT_GO);
		err = boot_wait(ws, why, why_size);
	}
	if (err)		/* the ROM may still read the image: it goes after the device */
		return err;
	direct_host_free(ws, &ws->image);
	abi = direct_reg_read(ws, GAON_REG_FW_ABI);
	if (!gaon_abi_common((uint16_t)(abi >> 16), (uint16_t)abi)) {
		snprintf(why, why_size, "firmware speaks admin ABI %u to %u, this library %d to %d",
			 abi >> 16, abi & 0xffff, GAON_ABI_MIN, GAON_ABI_MAX);
		return -ENOKEY;
	}
	return 0;
}
