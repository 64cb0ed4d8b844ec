// SPDX-License-Identifier: MIT
/*
 * Why a card cannot be opened, and the command that mends it.  Documentation/runtime/devices.rst lists
 * the messages: change both.
 */
#include "drm.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HOLDERS_MAX	4

static void __attribute__((format(printf, 4, 5))) why_set(struct gaon_ws_why *why,
							  enum gaon_status status, int err,
							  const char *fmt, ...)
{
	va_list ap;

	why->status = status;
	why->sys_errno = err;
	va_start(ap, fmt);
	vsnprintf(why->text, sizeof(why->text), fmt, ap);
	va_end(ap);
}

static void __attribute__((format(printf, 2, 3))) why_hint(struct gaon_ws_why *why,
							   const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why->hint, sizeof(why->hint), fmt, ap);
	va_end(ap);
}

/* --- no node --------------------------------------------------------------------------------- */

/* @what fails because the module is not there; false if it is. */
static bool why_module(const char *what, struct gaon_ws_why *why)
{
	char release[80];

	switch (drm_module_state(release, sizeof(release))) {
	case DRM_MODULE_LOADED:
		return false;
	case DRM_MODULE_INSTALLED:
		why_set(why, GAON_ERROR_NO_DEVICE, 0, "%s: the kernel module gaon is not loaded", what);
		why_hint(why, "modprobe gaon; or GAON_DEVICE=embedded for the device model");
		break;
	case DRM_MODULE_BLACKLISTED:
		why_set(why, GAON_ERROR_NO_DEVICE, 0,
			"%s: the kernel module gaon is not loaded, and modprobe's configuration blacklists it",
			what);
		why_hint(why, "modprobe gaon loads it now; `grep -r gaon /etc/modprobe.d /lib/modprobe.d` finds the line to remove");
		break;
	case DRM_MODULE_ABSENT:
		why_set(why, GAON_ERROR_NO_DEVICE, 0,
			"%s: the kernel module gaon is not installed for this kernel, %s", what, release);
		why_hint(why, "make modules modules_install && depmod -a && modprobe gaon; or install gaon-dkms; or GAON_DEVICE=embedded for the device model");
		break;
	case DRM_MODULE_UNKNOWN:
		why_set(why, GAON_ERROR_NO_DEVICE, 0,
			"%s: the kernel module gaon is not loaded, and /lib/modules/%s is not there (a container?)",
			what, release);
		why_hint(why, "load it on the host: modprobe gaon; or GAON_DEVICE=embedded for the device model");
		break;
	}
	return true;
}

static void why_others(struct gaon_ws_why *why)
{
	struct gaon_ws_card *list = NULL;
	size_t count = 0, i;
	int n;

	if (gaon_winsys_drm_list(&list, &count) || !count) {
		why_hint(why, "`lspci -d 1234:6a10` shows whether the machine sees a card; GAON_DEVICE=embedded is the device model");
		return;
	}
	n = snprintf(why->hint, sizeof(why->hint), "devices:");
	for (i = 0; i < count && n > 0 && (size_t)n < sizeof(why->hint); i++)
		n += snprintf(why->hint + n, sizeof(why->hint) - (size_t)n, " %s", list[i].name);
	if (n > 0 && (size_t)n < sizeof(why->hint))
		snprintf(why->hint + n, sizeof(why->hint) - (size_t)n, " embedded; see `gaon list`");
	free(list);
}

void drm_why_missing(const char *name, struct gaon_ws_why *why)
{
	char what[128];

	snprintf(what, sizeof(what), "no device %.100s", name);
	if (why_module(what, why))
		return;
	why_set(why, GAON_ERROR_NO_DEVICE, 0, "%s: no card has this name, PCI address or serial number",
		what);
	why_others(why);
}

void drm_why_no_node(const struct gaon_ws_card *card, struct gaon_ws_why *why)
{
	char fault[400];

	if (card->driver[0] && strcmp(card->driver, "gaon")) {
		why_set(why, GAON_ERROR_BUSY, 0, "card %s belongs to the driver %s", card->address,
			card->driver);
		why_hint(why, "echo %s > /sys/bus/pci/drivers/%s/unbind; echo > /sys/bus/pci/devices/%s/driver_override; echo %s > /sys/bus/pci/drivers/gaon/bind",
			 card->address, card->driver, card->address, card->address);
		return;
	}
	if (card->driver[0]) {
		why_set(why, GAON_ERROR_NO_DEVICE, 0,
			"card %s: the driver is bound, but made no /dev/accel node", card->address);
		why_hint(why, "dmesg | grep gaon; the kernel needs CONFIG_DRM_ACCEL");
		return;
	}
	snprintf(fault, sizeof(fault), "card %s", card->address);
	if (why_module(fault, why))
		return;
	if (drm_fw_fault(fault, sizeof(fault))) {
		why_set(why, GAON_ERROR_FIRMWARE, 0, "card %s did not start: %s", card->address, fault);
		why_hint(why, "make modules_install puts this release's firmware below /lib/firmware; then echo %s > /sys/bus/pci/drivers/gaon/bind",
			 card->address);
		return;
	}
	why_set(why, GAON_ERROR_NO_DEVICE, 0, "card %s: the driver is loaded and refused it, or was unbound",
		card->address);
	why_hint(why, "dmesg | grep gaon says why; echo %s > /sys/bus/pci/drivers/gaon/bind tries again",
		 card->address);
}

/* --- open ------------------------------------------------------------------------------------ */

static void why_permission(const struct gaon_ws_card *card, int err, struct gaon_ws_why *why)
{
	char path[512], group_id[32];
	const char *group = group_id;
	struct group *entry;
	struct passwd *user = getpwuid(geteuid());
	struct stat st;

	drm_path(path, sizeof(path), "%s", card->node);
	if (stat(path, &st)) {
		why_set(why, GAON_ERROR_PERMISSION, err, "%s may not be opened, nor looked at: %s",
			card->node, strerror(err));
		why_hint(why, "ls -ld /dev/accel");
		return;
	}
	entry = getgrgid(st.st_gid);
	snprintf(group_id, sizeof(group_id), "%u", (unsigned int)st.st_gid);
	if (entry)
		group = entry->gr_name;
	why_set(why, GAON_ERROR_PERMISSION, err,
		"%s may not be opened: it belongs to group %s with mode %03o", card->node, group,
		(unsigned int)st.st_mode & 0777);
	if ((st.st_mode & 0060) == 0060 && st.st_gid)
		why_hint(why, "usermod -aG %s %s, then log in again (in a container: --group-add %s)",
			 group, user ? user->pw_name : "$USER", group);
	else
		why_hint(why, "chgrp render %s && chmod 660 %s; a udev rule keeps it so", card->node,
			 card->node);
}

void drm_why_open(const struct gaon_ws_card *card, int err, struct gaon_ws_why *why)
{
	err = -err;
	switch (err) {
	case EACCES:
	case EPERM:
		why_permission(card, err, why);
		break;
	case ENOENT:
		why_set(why, GAON_ERROR_NO_DEVICE, err,
			"the driver serves %s, but there is no node %s", card->address, card->node);
		why_hint(why, "in a container: --device %s; else udevadm trigger, or mount devtmpfs on /dev",
			 card->node);
		break;
	case ENODEV:
	case ENXIO:
		why_set(why, GAON_ERROR_DEVICE_LOST, err, "%s is being removed or was reset away",
			card->node);
		why_hint(why, "gaon list shows what is left; dmesg | grep gaon");
		break;
	case EMFILE:
	case ENFILE:
		why_set(why, GAON_ERROR_LIMIT, err, "%s: %s", card->node, strerror(err));
		why_hint(why, err == EMFILE ? "ulimit -n shows this process's limit of open files" :
			 "sysctl fs.file-max is the machine's limit of open files");
		break;
	default:
		why_set(why, GAON_ERROR_NO_DEVICE, err, "%s cannot be opened: %s", card->node,
			strerror(err));
		why_hint(why, "dmesg | grep gaon");
	}
}

/* --- the driver ------------------------------------------------------------------------------ */

void drm_why_driver(const struct gaon_ws_card *card, const char *driver, int major, int minor,
		    struct gaon_ws_why *why)
{
	if (strcmp(driver, "gaon")) {
		why_set(why, GAON_ERROR_NO_DEVICE, 0, "%s is a node of the driver %s", card->node,
			driver);
		why_others(why);
		return;
	}
	why_set(why, GAON_ERROR_UNSUPPORTED, 0,
		"%s: the driver's interface is %d.%d, libgaon %s needs %d.%d or later %d.x", card->node,
		major, minor, gaon_version(), DRM_GAON_VERSION_MAJOR, DRM_GAON_VERSION_MINOR,
		DRM_GAON_VERSION_MAJOR);
	why_hint(why, "install driver and library of one release, then modprobe -r gaon && modprobe gaon");
}

void drm_why_query(const struct gaon_ws_card *card, int err, struct gaon_ws_why *why)
{
	err = -err;
	switch (err) {
	case EIO:
		why_set(why, GAON_ERROR_DEVICE_LOST, err,
			"%s is wedged: a reset did not bring the device back", card->node);
		why_hint(why, "dmesg | grep gaon; echo 1 > /sys/bus/pci/devices/%s/reset, or modprobe -r gaon && modprobe gaon",
			 card->address);
		break;
	case EBUSY:
		why_set(why, GAON_ERROR_BUSY, err, "%s: a reset of the device is under way", card->node);
		why_hint(why, "try again in a few seconds; dmesg | grep gaon says why it was reset");
		break;
	case ENODEV:
		drm_why_open(card, -err, why);
		break;
	case EPROTO:
		why_set(why, GAON_ERROR_INTERNAL, err,
			"%s: what the driver says of the device cannot be", card->node);
		why_hint(why, "install driver and library of one release; please report `gaon list --json` and dmesg");
		break;
	default:
		why_set(why, GAON_ERROR_NO_DEVICE, err, "%s does not answer as it should: %s", card->node,
			strerror(err));
		why_hint(why, "dmesg | grep gaon");
	}
}

/* --- limits ---------------------------------------------------------------------------------- */

static bool same_node(const struct stat *a, const struct stat *b)
{
	if (S_ISCHR(a->st_mode) && S_ISCHR(b->st_mode))
		return a->st_rdev == b->st_rdev;
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Does process @pid have the node open? Only our own processes can be looked into, or all as root. */
static bool process_holds(const char *pid, const struct stat *node)
{
	char dir[512], path[800];
	struct dirent *entry;
	bool found = false;
	struct stat st;
	DIR *d;

	drm_path(dir, sizeof(dir), "/proc/%s/fd", pid);
	d = opendir(dir);
	while (d && !found && (entry = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		found = entry->d_name[0] != '.' && !stat(path, &st) && same_node(&st, node);
	}
	if (d)
		closedir(d);
	return found;
}

/* " 123 (python3) 456 (gaon)" */
static void holders(const struct gaon_ws_card *card, char *out, size_t size)
{
	char path[512], name[32];
	unsigned int found = 0;
	struct dirent *entry;
	struct stat st;
	int n = 0;
	DIR *d;

	out[0] = '\0';
	drm_path(path, sizeof(path), "%s", card->node);
	if (stat(path, &st))
		return;
	drm_path(path, sizeof(path), "/proc");
	d = opendir(path);
	while (d && found < HOLDERS_MAX && (entry = readdir(d))) {
		FILE *file;

		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !process_holds(entry->d_name, &st))
			continue;
		drm_path(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		file = fopen(path, "re");
		if (!file || !fgets(name, sizeof(name), file))
			snprintf(name, sizeof(name), "?");
		if (file)
			fclose(file);
		name[strcspn(name, "\n")] = '\0';
		if ((size_t)n < size)
			n += snprintf(out + n, size - (size_t)n, " %s (%s)", entry->d_name, name);
		found++;
	}
	if (d)
		closedir(d);
}

void drm_context_blame(struct gaon_winsys *winsys, int err, struct gaon_ws_why *why)
{
	struct drm *ws = (struct drm *)winsys;
	char pids[200];

	switch (err) {
	case -ENOSPC:
		holders(&ws->card, pids, sizeof(pids));
		why_set(why, GAON_ERROR_LIMIT, ENOSPC, "all %u contexts of %s are in use%s%s",
			ws->limits.contexts, ws->ws.name, pids[0] ? ", by processes" : "", pids);
		why_hint(why, "close devices that are no longer used; fuser -v %s shows who has it open",
			 ws->card.node);
		break;
	case -EMFILE:
		why_set(why, GAON_ERROR_LIMIT, EMFILE, "%s gives one file at most %u contexts",
			ws->ws.name, ws->limits.file_vms);
		why_hint(why, "open the device again instead");
		break;
	case -ENOMEM:
		why_set(why, GAON_ERROR_OUT_OF_DEVICE_MEMORY, ENOMEM,
			"%s has no memory for another context", ws->ws.name);
		why_hint(why, "close devices and free memory that are no longer used: gaon info -d %s",
			 ws->ws.name);
		break;
	case -EBUSY:
	case -EIO:
		drm_why_query(&ws->card, err, why);
		break;
	case -ENODEV:
		why_set(why, GAON_ERROR_DEVICE_LOST, ENODEV,
			"%s was removed, or its driver gave it up after a reset", ws->ws.name);
		why_hint(why, "dmesg | grep gaon; modprobe -r gaon && modprobe gaon");
		break;
	case -EOPNOTSUPP:
		why_set(why, GAON_ERROR_UNSUPPORTED, EOPNOTSUPP,
			"the driver of %s does not serve address spaces", ws->ws.name);
		why_hint(why, "install driver and library of one release, then modprobe -r gaon && modprobe gaon");
		break;
	default:
		why_set(why, GAON_ERROR_INTERNAL, -err, "%s refuses a context: %s", ws->ws.name,
			strerror(-err));
		why_hint(why, "dmesg | grep gaon");
	}
}
