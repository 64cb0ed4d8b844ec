// SPDX-License-Identifier: MIT
/*
 * See record.h. Of processes only names and what they use of cards is kept: no arguments, no environment,
 * nothing of other files. What cannot be read is not there in the tree, as it was not for who recorded it.
 */
#include "record.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <hw/gaon_port.h>

#include "card.h"
#include "client.h"
#include "tree.h"

#define FILE_MOST	(1 << 20)

static const char *const pci_files[] = {
	"vendor", "device", "subsystem_vendor", "subsystem_device", "class", "revision", "numa_node", "enable",
	"current_link_speed", "current_link_width", "max_link_speed", "max_link_width", "power/runtime_status",
	"power/control", "power/autosuspend_delay_ms", "driver_override", "reset_method", "serial", "fw_version",
	"fw_abi", "state", "resets", "hbm_total", "hbm_used", "aer_dev_correctable", "aer_dev_fatal",
	"aer_dev_nonfatal", "local_cpulist",
	"freq/set_max_freq", "freq/hw_min_freq", "freq/hw_max_freq",
};
static const char *const machine_files[] = {
	"/proc/version", "/proc/cmdline", "/proc/modules", "/proc/sys/kernel/osrelease", "/etc/os-release",
	"/sys/module/gaon/version", "/sys/module/gaon/srcversion", "/sys/module/gaon/refcnt",
	"/sys/module/gaon/taint", "/sys/module/gaon/initstate", "/sys/module/firmware_class/parameters/path",
	"/etc/gaon/config",
};

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

/* --- one thing; all return false only if the tree cannot be written ---------------------------- */

static bool make_parents(char *path)
{
	for (char *c = strchr(path + 1, '/'); c; c = strchr(c + 1, '/')) {
		*c = '\0';
		if (mkdir(path, 0777) && errno != EEXIST)
			return false;
		*c = '/';
	}
	return true;
}

static bool target_path(const struct record *r, char *out, const char *path)
{
	if (snprintf(out, TREE_PATH, "%s.part%s", r->dir, path) < TREE_PATH)
		return make_parents(out);
	errno = ENAMETOOLONG;
	return false;
}

static bool write_file(struct record *r, const char *path, const char *data, size_t size)
{
	char target[TREE_PATH];
	size_t done = 0;
	ssize_t n = 0;
	int fd, err;

	if (!target_path(r, target, path))
		return false;
	fd = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return false;
	while (done < size && (n = write(fd, data + done, size - done)) > 0)
		done += (size_t)n;
	err = errno;
	if (close(fd) && n >= 0)
		return false;
	errno = err;
	r->files++;
	return done == size;
}

static bool copy_file(struct record *r, const char *path)
{
	static char data[FILE_MOST];	/* the tools have one thread */
	long size = tree_read_all(data, sizeof(data), "%s", path);

	return size < 0 || write_file(r, path, data, (size_t)size);
}

static bool copy_link(struct record *r, const char *path)
{
	char target[TREE_PATH], text[TREE_PATH];
	ssize_t n = readlink(path, text, sizeof(text) - 1);

	if (n <= 0)
		return true;
	text[n] = '\0';
	return target_path(r, target, path) && (!symlink(text, target) || errno == EEXIST);
}

/* Files right below @dir, as far as they can be read. */
static bool copy_files(struct record *r, const char *dir)
{
	char **names, path[TREE_PATH];
	size_t count = tree_list(&names, "%s", dir), i;
	bool good = true;
	struct stat st;

	for (i = 0; i < count && good; i++) {
		if (snprintf(path, sizeof(path), "%s/%s", dir, names[i]) < (int)sizeof(path) &&
		    !lstat(path, &st) && S_ISREG(st.st_mode))
			good = copy_file(r, path);
	}
	free(names);
	return good;
}

/* --- parts of the machine ---------------------------------------------------------------------- */

static bool record_function(struct record *r, const char *real)
{
	static const char *const links[] = { "driver", "iommu_group" };
	char path[TREE_PATH];
	bool good = true;
	size_t i;

	for (i = 0; i < COUNT(pci_files) && good; i++)
		good = snprintf(path, sizeof(path), "%s/%s", real, pci_files[i]) < (int)sizeof(path) &&
		       copy_file(r, path);
	for (i = 0; i < COUNT(links) && good; i++)
		good = snprintf(path, sizeof(path), "%s/%s", real, links[i]) < (int)sizeof(path) &&
		       copy_link(r, path);
	return good;
}

/* The function and the bridges above it. */
static bool record_pci(struct record *r, const char *address)
{
	char path[TREE_PATH], real[PATH_MAX], *slash;
	bool good;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s", address);
	good = copy_link(r, path);
	if (!realpath(path, real))
		return good;
	while (good && (slash = strrchr(real, '/')) && isxdigit((unsigned char)slash[1])) {
		good = record_function(r, real);
		*slash = '\0';
	}
	return good;
}

static bool record_sensors(struct record *r, const char *address)
{
	char path[TREE_PATH], real[PATH_MAX], **names;
	size_t count, i;
	bool good = true;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/hwmon", address);
	if (!realpath(path, real))
		return true;
	count = tree_list(&names, "%s", real);
	for (i = 0; i < count && good; i++)
		good = snprintf(path, sizeof(path), "%s/%s", real, names[i]) < (int)sizeof(path) &&
		       copy_files(r, path);
	free(names);
	return good;
}

static bool record_ports(struct record *r, const char *address)
{
	char path[TREE_PATH], real[PATH_MAX];
	bool good = true;

	for (unsigned int i = 0; i < GAON_PORTS_MAX && good; i++) {
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/port%u", address, i);
		if (realpath(path, real))
			good = copy_files(r, real);
	}
	return good;
}

static bool record_node(struct record *r, const struct card *card)
{
	char path[TREE_PATH], real[PATH_MAX];
	bool good;

	snprintf(path, sizeof(path), "/sys/class/accel/%s", card->name);
	good = copy_link(r, path);
	if (!realpath(path, real))
		return good;
	snprintf(path, sizeof(path), "%.1000s/device", real);
	good = good && copy_link(r, path);
	snprintf(path, sizeof(path), "%.1000s/dev", real);
	return good && copy_file(r, path) && write_file(r, card->node, "", 0);
}

static bool record_card(struct record *r, const struct card *card)
{
	char path[TREE_PATH];
	bool good = record_pci(r, card->address) && record_sensors(r, card->address) &&
		    record_ports(r, card->address) &&
		    (!card->node[0] || record_node(r, card));

	snprintf(path, sizeof(path), "/sys/kernel/debug/accel/%s/errors", card->address);
	good = good && copy_file(r, path);
	snprintf(path, sizeof(path), "/sys/kernel/debug/accel/%s/retired", card->address);
	return good && copy_file(r, path);
}

static bool record_process(struct record *r, const struct client *client)
{
	char path[TREE_PATH], text[64], **names;
	size_t count, i;
	bool good;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)client->pid);
	good = copy_file(r, path);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)client->pid);
	good = good && copy_file(r, path);
	count = tree_list(&names, "/proc/%d/fd", (int)client->pid);
	for (i = 0; i < count && good; i++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%.20s", (int)client->pid, names[i]);
		n = readlink(path, text, sizeof(text) - 1);
		text[n > 0 ? n : 0] = '\0';
		if (strncmp(text, "/dev/accel/", 11))
			continue;
		good = copy_link(r, path);
		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%.20s", (int)client->pid, names[i]);
		good = good && copy_file(r, path);
	}
	free(names);
	return good;
}

/* NUMA nodes: their processors, and how far they are from each other. */
static bool record_nodes(struct record *r)
{
	char **names, path[TREE_PATH];
	size_t count = tree_list(&names, "/sys/devices/system/node"), i;
	bool good = true;

	for (i = 0; i < count && good; i++) {
		if (strncmp(names[i], "node", 4) || !isdigit((unsigned char)names[i][4]))
			continue;
		snprintf(path, sizeof(path), "/sys/devices/system/node/%.32s/cpulist", names[i]);
		good = copy_file(r, path);
		snprintf(path, sizeof(path), "/sys/devices/system/node/%.32s/distance", names[i]);
		good = good && copy_file(r, path);
	}
	free(names);
	return good;
}

static bool record_processes(struct record *r)
{
	struct client_list clients;
	bool good = client_list_read(&clients);

	for (size_t i = 0; good && i < clients.count; i++)
		good = record_process(r, &clients.clients[i]);
	client_list_free(&clients);
	return good;
}

static bool record_all(struct record *r, const struct card_list *list)
{
	bool good = true;
	size_t i;

	for (i = 0; i < COUNT(machine_files) && good; i++)
		good = copy_file(r, machine_files[i]);
	good = good && copy_files(r, "/sys/module/gaon/parameters");
	for (i = 0; i < list->count && good; i++)
		good = record_card(r, &list->cards[i]);
	r->cards = list->count;
	return good && record_nodes(r) && record_processes(r);
}

/* --- all --------------------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

bool record_tree(struct record *r, const char *dir)
{
	char part[sizeof(r->dir) + 8];
	struct card_list list;
	bool good;

	*r = (struct record){ 0 };
	if (snprintf(r->dir, sizeof(r->dir), "%s", dir) >= (int)sizeof(r->dir)) {
		fprintf(stderr, "gaon: %s: the name is too long\n", dir);
		return false;
	}
	snprintf(part, sizeof(part), "%s.part", dir);
	if (!access(dir, F_OK) || mkdir(part, 0777)) {
		fprintf(stderr, "gaon: %s: %s; name a directory that is not there yet\n",
			!access(dir, F_OK) ? dir : part, !access(dir, F_OK) ? "it is there already" :
			strerror(errno));
		return false;
	}
	good = card_list_read(&list, false) && record_all(r, &list) && !rename(part, dir);
	if (!good) {
		fprintf(stderr, "gaon: %s: %s; nothing was recorded\n", dir, strerror(errno));
		nftw(part, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	}
	card_list_free(&list);
	return good;
}
