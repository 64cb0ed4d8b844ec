// SPDX-License-Identifier: MIT
/* The firmware file that the kernel would load, where it looks for it and in its order. */
#include "doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hw/gaon_admin.h>
#include <hw/gaon_fwimage.h>
#include <hw/gaon_text.h>

#include "../card/tree.h"

static const char *const names[] = { GAON_FW_FILE_ABI, GAON_FW_FILE };
static const char *const ends[] = { "", ".zst", ".xz" };

static bool find(const struct doctor *d, char *path, size_t size, bool *packed)
{
	char dirs[5][256] = { "" };

	tree_read_line(dirs[0], sizeof(dirs[0]), "/sys/module/firmware_class/parameters/path");
	snprintf(dirs[1], sizeof(dirs[1]), "/lib/firmware/updates/%s", d->release);
	snprintf(dirs[2], sizeof(dirs[2]), "/lib/firmware/updates");
	snprintf(dirs[3], sizeof(dirs[3]), "/lib/firmware/%s", d->release);
	snprintf(dirs[4], sizeof(dirs[4]), "/lib/firmware");
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < 5; k++) {
			for (size_t e = 0; dirs[k][0] && e < 3; e++) {
				snprintf(path, size, "%s/%s%s", dirs[k], names[i], ends[e]);
				*packed = e != 0;
				if (tree_exists("%s", path))
					return true;
			}
		}
	}
	return false;
}

static void check_file(struct doctor *d, const char *path)
{
	char *image = malloc(GAON_FW_MAX_SIZE + 2);
	struct gaon_fw_header h = { 0 };
	long size = image ? tree_read_all(image, GAON_FW_MAX_SIZE + 2, "%s", path) : -1;
	int fault;

	if (size > 0)
		memcpy(&h, image, (size_t)size < sizeof(h) ? (size_t)size : sizeof(h));
	free(image);
	if (size < 0) {
		doctor_find(d, "firmware", DOCTOR_NOTE, "%s cannot be read by this user\nsudo gaon doctor", path);
		return;
	}
	fault = gaon_fw_header_check(&h, (uint64_t)size);
	if (fault)
		doctor_find(d, "firmware", DOCTOR_BAD,
			    "%s is refused: %s\napt-get install --reinstall gaon-firmware; or: make modules_install",
			    path, gaon_fw_fault_text(fault));
	else if (!gaon_abi_common(h.abi_min, h.abi_max))
		doctor_find(d, "firmware", DOCTOR_BAD,
			    "%s, version %u.%u.%u, speaks admin ABI %u to %u, this release %u to %u\ninstall driver, firmware and tools of one release",
			    path, h.version >> 24, h.version >> 16 & 0xff, h.version & 0xffff, h.abi_min,
			    h.abi_max, (unsigned int)GAON_ABI_MIN, (unsigned int)GAON_ABI_MAX);
	else
		doctor_find(d, "firmware", DOCTOR_GOOD, "%s, version %u.%u.%u, admin ABI %u to %u", path,
			    h.version >> 24, h.version >> 16 & 0xff, h.version & 0xffff, h.abi_min,
			    h.abi_max);
}

/* A card that runs has got its firmware from somewhere: from an initramfs, or from another name space. */
static bool running(const struct doctor *d)
{
	for (size_t i = 0; i < d->cards.count; i++) {
		if (!strcmp(d->cards.cards[i].driver, CARD_DRIVER) && d->cards.cards[i].node[0])
			return true;
	}
	return false;
}

void doctor_firmware(struct doctor *d)
{
	bool packed, runs = running(d);
	char path[600];

	if (!find(d, path, sizeof(path), &packed))
		doctor_find(d, "firmware", runs ? DOCTOR_NOTE : DOCTOR_BAD,
			    "neither %s nor %s is below /lib/firmware%s\napt-get install gaon-firmware; or: make modules_install",
			    names[0], names[1], runs ? "; the cards run what they were given" : "");
	else if (packed)
		doctor_find(d, "firmware", DOCTOR_GOOD, "%s, which the kernel unpacks", path);
	else
		check_file(d, path);
}
