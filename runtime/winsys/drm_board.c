// SPDX-License-Identifier: MIT
/*
 * What sysfs tells of an opened card: its link, its driver, its sensors. What is not there stays as
 * it was.
 */
#include "drm.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool read_number(const char *dir, const char *name, long long *out)
{
	char text[64], *end;

	if (!drm_read_line(dir, name, text, sizeof(text)))
		return false;
	*out = strtoll(text, &end, 10);
	return end != text && !*end;
}

/* "16.0 GT/s PCIe"; "Unknown" of a link that is no PCIe link. */
static uint32_t read_speed(const char *dir, const char *name)
{
	char text[64], *end;
	double gtps;

	if (!drm_read_line(dir, name, text, sizeof(text)) || !isdigit((unsigned char)text[0]))
		return 0;
	gtps = strtod(text, &end);
	return !strncmp(end, " GT/s", 5) && gtps < 1e6 ? (uint32_t)(gtps * 1000 + 0.5) : 0;
}

/* 0 stands for a width that the kernel does not know: so does 255. */
static uint32_t read_width(const char *dir, const char *name)
{
	long long width = 0;

	return read_number(dir, name, &width) && width > 0 && width <= 32 ? (uint32_t)width : 0;
}

/* The directory of the card's sensors: their number is the kernel's. */
static bool find_sensors(const char *device, char *out, size_t size)
{
	char path[600];
	struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/hwmon", device);
	dir = opendir(path);
	if (!dir)
		return false;
	while (!found && (entry = readdir(dir))) {
		if (strncmp(entry->d_name, "hwmon", 5))
			continue;
		found = snprintf(out, size, "%s/%s", path, entry->d_name) < (int)size;
	}
	closedir(dir);
	return found;
}

/* All three or none: they are of one moment. They are not there while the card is being reset. */
static void read_sensors(const char *device, struct gaon_device_board *out)
{
	long long temperature, power, clock;
	char dir[900];

	if (!find_sensors(device, dir, sizeof(dir)) ||
	    !read_number(dir, "temp1_input", &temperature) ||
	    !read_number(dir, "power1_average", &power) || !read_number(dir, "freq1_input", &clock))
		return;
	out->sensors = true;
	out->temperature_mc = (int32_t)temperature;
	out->power_mw = (uint32_t)(power / 1000);
	out->clock_khz = (uint32_t)(clock / 1000);
}

void drm_board(struct gaon_winsys *winsys, struct gaon_device_board *out)
{
	struct drm *ws = (struct drm *)winsys;
	char device[512], module[512];
	long long number;

	drm_path(device, sizeof(device), "/sys/bus/pci/devices/%s", ws->card.address);
	drm_link_name(device, "driver", out->driver, sizeof(out->driver));
	drm_path(module, sizeof(module), "/sys/module/%s", out->driver);
	drm_read_line(module, "version", out->driver_version, sizeof(out->driver_version));
	drm_read_line(device, "state", out->state, sizeof(out->state));
	if (read_number(device, "resets", &number))
		out->resets = (uint32_t)number;
	if (read_number(device, "numa_node", &number))
		out->numa_node = (int32_t)number;
	out->link_mtps = read_speed(device, "current_link_speed");
	out->link_width = read_width(device, "current_link_width");
	out->link_mtps_max = read_speed(device, "max_link_speed");
	out->link_width_max = read_width(device, "max_link_width");
	read_sensors(device, out);
}
