// SPDX-License-Identifier: MIT
/* The firmware files that the kernel module asks for, where the kernel looks for them. */
#include "drm.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include <hw/gaon_fwimage.h>
#include <hw/gaon_text.h>

static const char *const names[] = { GAON_FW_FILE_ABI, GAON_FW_FILE };

/* Uncompressed, or as the kernel unpacks it; only the former is looked into. */
static bool fw_path(char *path, size_t size, const char *dir, const char *name, bool *packed)
{
	static const char *const ends[] = { "", ".zst", ".xz" };
	struct stat st;
	unsigned int i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		drm_path(path, size, "%s/%s%s", dir, name, ends[i]);
		*packed = i != 0;
		if (!stat(path, &st))
			return true;
	}
	return false;
}

/* The directory that the administrator gave the kernel, firmware_class.path=; empty: none. */
static void fw_own_dir(char *dir, size_t size)
{
	char path[512];
	FILE *file;

	dir[0] = '\0';
	drm_path(path, sizeof(path), "/sys/module/firmware_class/parameters/path");
	file = fopen(path, "rbe");
	if (!file)
		return;
	if (fgets(dir, (int)size, file))
		dir[strcspn(dir, "\n")] = '\0';
	fclose(file);
}

/* In the kernel's order: the first name in any place, then the second. */
static bool fw_find(char *path, size_t size, bool *packed)
{
	struct utsname uts = { .release = "?" };
	char dirs[5][256] = { "", "", "/lib/firmware/updates", "", "/lib/firmware" };
	unsigned int i, k;

	uname(&uts);
	fw_own_dir(dirs[0], sizeof(dirs[0]));
	snprintf(dirs[1], sizeof(dirs[1]), "/lib/firmware/updates/%.64s", uts.release);
	snprintf(dirs[3], sizeof(dirs[3]), "/lib/firmware/%.64s", uts.release);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (k = 0; k < 5; k++) {
			if (dirs[k][0] && fw_path(path, size, dirs[k], names[i], packed))
				return true;
		}
	}
	return false;
}

static bool file_fault(const char *path, char *text, size_t size)
{
	struct gaon_fw_header header = { 0 };
	struct stat st;
	FILE *file;
	size_t got;
	int fault;

	file = fopen(path, "rbe");
	if (!file || fstat(fileno(file), &st)) {
		if (file)
			fclose(file);
		return false;
	}
	got = fread(&header, 1, sizeof(header), file);
	fclose(file);
	fault = gaon_fw_header_check(&header, got < sizeof(header) ? got : (uint64_t)st.st_size);
	if (fault) {
		snprintf(text, size, "the firmware %s was refused: %s", path,
			 gaon_fw_fault_text(fault));
		return true;
	}
	if (gaon_abi_common(header.abi_min, header.abi_max))
		return false;
	snprintf(text, size,
		 "the firmware %s, version %u.%u.%u, speaks admin ABI %u to %u, this release %u to %u",
		 path, header.version >> 24, header.version >> 16 & 0xff, header.version & 0xffff,
		 header.abi_min, header.abi_max, (unsigned int)GAON_ABI_MIN,
		 (unsigned int)GAON_ABI_MAX);
	return true;
}

bool drm_fw_fault(char *text, size_t size)
{
	char path[512];
	bool packed;

	if (!fw_find(path, sizeof(path), &packed)) {
		snprintf(text, size, "the firmware is missing: neither %s nor %s is below /lib/firmware",
			 names[0], names[1]);
		return true;
	}
	return !packed && file_fault(path, text, size);
}
