// SPDX-License-Identifier: MIT
/* The bus, the kernel and its module. */
#include "doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../card/tree.h"

#define FILE_MOST	(8 << 20)

static void check_bus(struct doctor *d)
{
	if (d->cards.count)
		doctor_find(d, "bus", DOCTOR_GOOD, "%zu cards on PCI", d->cards.count);
	else
		doctor_find(d, "bus", DOCTOR_BAD,
			    "no card is on PCI\nlspci -d 1234:6a10 shows what the bus sees; seat the card, or pass it to the virtual machine; GAON_DEVICE=embedded is the device model");
}

/* A line that begins with @word and goes on with @rest. */
static bool has_line(const char *text, const char *word, const char *rest)
{
	size_t n = strlen(word), blanks;

	for (const char *line = text, *end; line && *line; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		line += strspn(line, " \t");
		if (strncmp(line, word, n))
			continue;
		blanks = strspn(line + n, " \t");
		if (!strncmp(line + n + blanks, rest, strlen(rest)) &&
		    strchr(" \t\n", line[n + blanks + strlen(rest)]))
			return true;
	}
	return false;
}

static void check_config(struct doctor *d, char *text)
{
	if (tree_exists("/sys/class/accel")) {
		doctor_find(d, "kernel", DOCTOR_GOOD, "%s has accelerator nodes (CONFIG_DRM_ACCEL)", d->release);
		return;
	}
	if (tree_read_all(text, FILE_MOST, "/boot/config-%s", d->release) <= 0)
		doctor_find(d, "kernel", DOCTOR_NOTE,
			    "%s: whether it has CONFIG_DRM_ACCEL cannot be told: neither /sys/class/accel nor its configuration in /boot is there",
			    d->release);
	else if (has_line(text, "CONFIG_DRM_ACCEL=y", ""))
		doctor_find(d, "kernel", DOCTOR_GOOD, "%s has CONFIG_DRM_ACCEL", d->release);
	else
		doctor_find(d, "kernel", DOCTOR_BAD,
			    "%s is without CONFIG_DRM_ACCEL: there can be no node\napt-get install linux-image-amd64, which has it, and boot that kernel; or set CONFIG_DRM_ACCEL=y",
			    d->release);
}

static bool blacklisted(char *text, char *where, size_t size)
{
	static const char *const dirs[] = { "/etc/modprobe.d", "/run/modprobe.d", "/lib/modprobe.d" };
	bool found = false;

	for (size_t k = 0; k < 3 && !found; k++) {
		char **names;
		size_t count = tree_list(&names, "%s", dirs[k]), i;

		for (i = 0; i < count && !found; i++) {
			found = tree_read_all(text, FILE_MOST, "%s/%s", dirs[k], names[i]) > 0 &&
				(has_line(text, "blacklist", CARD_DRIVER) ||
				 has_line(text, "install", CARD_DRIVER));
			if (found)
				snprintf(where, size, "%s/%.200s", dirs[k], names[i]);
		}
		free(names);
	}
	return found;
}

static void check_absent(struct doctor *d, char *text)
{
	char where[256];

	if (blacklisted(text, where, sizeof(where)))
		doctor_find(d, "module", DOCTOR_BAD,
			    "not loaded, and %s forbids it\nremove its line from %s, then: modprobe gaon", where, where);
	else if (!tree_exists("/lib/modules/%s", d->release))
		doctor_find(d, "module", DOCTOR_BAD,
			    "not loaded, and /lib/modules/%s is not there (a container?)\non the host: modprobe gaon",
			    d->release);
	else if (tree_read_all(text, FILE_MOST, "/lib/modules/%s/modules.dep", d->release) <= 0 ||
		 !strstr(text, "/" CARD_DRIVER ".ko"))
		doctor_find(d, "module", DOCTOR_BAD,
			    "not installed for this kernel, %s\napt-get install gaon-dkms linux-headers-%s; or: make modules modules_install && depmod -a; then modprobe gaon",
			    d->release, d->release);
	else
		doctor_find(d, "module", DOCTOR_BAD, "installed, but not loaded\nmodprobe gaon");
}

static void check_module(struct doctor *d, char *text)
{
	char version[64];

	if (!tree_exists("/sys/module/" CARD_DRIVER)) {
		check_absent(d, text);
		return;
	}
	tree_read_line(version, sizeof(version), "/sys/module/" CARD_DRIVER "/version");
	doctor_find(d, "module", DOCTOR_GOOD, "loaded, version %s", version[0] ? version : "not known");
}

void doctor_kernel(struct doctor *d)
{
	char *text = malloc(FILE_MOST);

	check_bus(d);
	if (!text) {
		doctor_find(d, "module", DOCTOR_NOTE, "no memory to look at it");
		return;
	}
	check_config(d, text);
	check_module(d, text);
	free(text);
}
