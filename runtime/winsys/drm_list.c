// SPDX-License-Identifier: MIT
/*
 * Cards of this machine, from sysfs: nodes of the driver, and PCI functions with the identity of
 * hw/gaon_regs.h that have no node.
 */
#include "drm.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hw/gaon_regs.h>

#define DRIVER_NAME	"gaon"

struct card_list {
	struct gaon_ws_card *list;
	size_t count;
};

static struct gaon_ws_card *list_add(struct card_list *cards)
{
	struct gaon_ws_card *list = realloc(cards->list, (cards->count + 1) * sizeof(*list));

	if (!list)
		return NULL;
	cards->list = list;
	memset(&list[cards->count], 0, sizeof(*list));
	return &list[cards->count++];
}

/* First line of a file, without its end; false if there is none. */
bool drm_read_line(const char *dir, const char *name, char *out, size_t size)
{
	char path[600];
	FILE *file;
	bool got;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	got = fgets(out, (int)size, file);
	fclose(file);
	if (got)
		out[strcspn(out, "\n")] = '\0';
	return got;
}

static bool read_id(const char *dir, const char *name, uint32_t want)
{
	char text[16];

	return drm_read_line(dir, name, text, sizeof(text)) && strtoul(text, NULL, 16) == want;
}

/* Last part of where a link points to; "" if there is no link. */
void drm_link_name(const char *dir, const char *name, char *out, size_t size)
{
	char path[600], target[600];
	const char *last;
	ssize_t n;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	last = strrchr(target, '/');
	snprintf(out, size, "%.*s", (int)size - 1, last ? last + 1 : target);
}

/* Others use the development id too: all four numbers must be ours. */
static bool pci_is_gaon(const char *dir)
{
	return read_id(dir, "vendor", GAON_PCI_VENDOR) && read_id(dir, "device", GAON_PCI_DEVICE) &&
	       read_id(dir, "subsystem_vendor", GAON_PCI_SUBVENDOR) &&
	       read_id(dir, "subsystem_device", GAON_PCI_SUBDEVICE);
}

static void serial_read(const char *dir, char out[33])
{
	char text[64];
	size_t i;

	if (!drm_read_line(dir, "serial", text, sizeof(text)) || strlen(text) != 32)
		return;
	for (i = 0; i < 32; i++) {
		if (!isxdigit((unsigned char)text[i]))
			return;
	}
	memcpy(out, text, 33);
}

static bool number_of(const char *name, unsigned int *out)
{
	char *end;
	unsigned long value;

	if (strncmp(name, "accel", 5) || !isdigit((unsigned char)name[5]))
		return false;
	value = strtoul(name + 5, &end, 10);
	*out = (unsigned int)value;
	return !*end && value < 1u << 20;
}

/* --- nodes ----------------------------------------------------------------------------------- */

static int add_node(struct card_list *cards, const char *class_dir, const char *name)
{
	char device[600], driver[32];
	struct gaon_ws_card *card;
	unsigned int number;

	if (!number_of(name, &number))
		return 0;
	snprintf(device, sizeof(device), "%s/%s/device", class_dir, name);
	drm_link_name(device, "driver", driver, sizeof(driver));
	if (strcmp(driver, DRIVER_NAME))
		return 0;
	card = list_add(cards);
	if (!card)
		return -ENOMEM;
	snprintf(card->name, sizeof(card->name), "accel%u", number);
	snprintf(card->node, sizeof(card->node), "/dev/accel/accel%u", number);
	snprintf(card->driver, sizeof(card->driver), "%s", driver);
	snprintf(device, sizeof(device), "%s/%s", class_dir, name);
	drm_link_name(device, "device", card->address, sizeof(card->address));
	snprintf(device, sizeof(device), "%s/%s/device", class_dir, name);
	serial_read(device, card->serial);
	return 0;
}

/* --- functions without a node ---------------------------------------------------------------- */

static int add_function(struct card_list *cards, const char *bus_dir, const char *address)
{
	struct gaon_ws_card *card;
	char dir[600];
	size_t i;

	for (i = 0; i < cards->count; i++) {
		if (!strcmp(cards->list[i].address, address))
			return 0;
	}
	snprintf(dir, sizeof(dir), "%s/%s", bus_dir, address);
	if (!pci_is_gaon(dir))
		return 0;
	card = list_add(cards);
	if (!card)
		return -ENOMEM;
	snprintf(card->name, sizeof(card->name), "%.31s", address);
	snprintf(card->address, sizeof(card->address), "%.31s", address);
	drm_link_name(dir, "driver", card->driver, sizeof(card->driver));
	return 0;
}

/* --- all ------------------------------------------------------------------------------------- */

/* No directory, no cards: a machine without PCI, a container. */
static int scan(struct card_list *cards, const char *path,
		int (*add)(struct card_list *, const char *, const char *))
{
	char dir[512];
	struct dirent *entry;
	int err = 0;
	DIR *d;

	drm_path(dir, sizeof(dir), "%s", path);
	d = opendir(dir);
	if (!d)
		return 0;
	while (!err && (entry = readdir(d))) {
		if (entry->d_name[0] != '.')
			err = add(cards, dir, entry->d_name);
	}
	closedir(d);
	return err;
}

static int by_number(const void *a, const void *b)
{
	const struct gaon_ws_card *x = a, *y = b;
	unsigned int i = 0, j = 0;

	if (!x->node[0] || !y->node[0])
		return x->node[0] ? -1 : y->node[0] ? 1 : strcmp(x->address, y->address);
	number_of(x->name, &i);
	number_of(y->name, &j);
	return i < j ? -1 : i > j;
}

int gaon_winsys_drm_list(struct gaon_ws_card **out, size_t *count)
{
	struct card_list cards = { 0 };
	int err;

	err = scan(&cards, "/sys/class/accel", add_node);
	if (!err)
		err = scan(&cards, "/sys/bus/pci/devices", add_function);
	if (err) {
		free(cards.list);
		return err;
	}
	if (cards.count)
		qsort(cards.list, cards.count, sizeof(*cards.list), by_number);
	*out = cards.list;
	*count = cards.count;
	return 0;
}
