// SPDX-License-Identifier: MIT
/* See card.h. A file that is missing or absurd is a fact that is not known. */
#include "card.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hw/gaon_regs.h>

#include "tree.h"

#define PCI_DIR		"/sys/bus/pci/devices/%s"
#define HBM_MOST	((int64_t)1 << 50)

/* "16.0 GT/s PCIe"; "Unknown" of a link that is no PCIe link. */
static uint32_t read_speed(const char *address, const char *name)
{
	char text[64], *end;
	double gtps;

	if (!tree_read_line(text, sizeof(text), PCI_DIR "/%s", address, name) ||
	    !isdigit((unsigned char)text[0]))
		return 0;
	gtps = strtod(text, &end);
	return !strncmp(end, " GT/s", 5) && gtps < 1e6 ? (uint32_t)(gtps * 1000 + 0.5) : 0;
}

/* The kernel says 0 or 255 for a width that it does not know. */
static uint32_t read_width(const char *address, const char *name)
{
	int64_t width = 0;

	tree_read_number(&width, 1, 32, PCI_DIR "/%s", address, name);
	return (uint32_t)width;
}

struct card_link card_link_read(const char *address, const char *which)
{
	char speed[32], width[32];

	snprintf(speed, sizeof(speed), "%.8s_link_speed", which);
	snprintf(width, sizeof(width), "%.8s_link_width", which);
	return (struct card_link){ read_speed(address, speed), read_width(address, width) };
}

static bool is_hex(const char *text, size_t digits)
{
	return strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

static bool read_id(const char *address, const char *name, unsigned long want)
{
	char text[16];

	return tree_read_line(text, sizeof(text), PCI_DIR "/%s", address, name) &&
	       strtoul(text, NULL, 16) == want;
}

/* Others use the development id too: all four numbers must be ours. */
static bool pci_is_gaon(const char *address)
{
	return read_id(address, "vendor", GAON_PCI_VENDOR) && read_id(address, "device", GAON_PCI_DEVICE) &&
	       read_id(address, "subsystem_vendor", GAON_PCI_SUBVENDOR) &&
	       read_id(address, "subsystem_device", GAON_PCI_SUBDEVICE);
}

static void read_word(char *out, size_t size, const char *address, const char *name)
{
	tree_read_line(out, size, PCI_DIR "/%s", address, name);
	if (out[strspn(out, "abcdefghijklmnopqrstuvwxyz")])
		out[0] = '\0';
}

static void read_card(struct card *card, bool sensors)
{
	const char *address = card->address;
	char group[32];

	card->fw_abi = card->resets = card->hbm_total = card->hbm_used = -1;
	card->numa_node = card->iommu_group = -1;
	tree_read_link(card->driver, sizeof(card->driver), PCI_DIR "/driver", address);
	if (card->driver[0])
		tree_read_line(card->driver_version, sizeof(card->driver_version), "/sys/module/%s/version",
			       card->driver);
	read_word(card->state, sizeof(card->state), address, "state");
	read_word(card->power, sizeof(card->power), address, "power/runtime_status");
	tree_read_line(card->firmware, sizeof(card->firmware), PCI_DIR "/fw_version", address);
	if (tree_read_line(card->serial, sizeof(card->serial), PCI_DIR "/serial", address) &&
	    !is_hex(card->serial, 32))
		card->serial[0] = '\0';
	tree_read_number(&card->fw_abi, 0, 65535, PCI_DIR "/fw_abi", address);
	tree_read_number(&card->resets, 0, INT32_MAX, PCI_DIR "/resets", address);
	tree_read_number(&card->hbm_total, 0, HBM_MOST, PCI_DIR "/hbm_total", address);
	tree_read_number(&card->hbm_used, 0, HBM_MOST, PCI_DIR "/hbm_used", address);
	tree_read_number(&card->numa_node, 0, 4095, PCI_DIR "/numa_node", address);
	if (tree_read_link(group, sizeof(group), PCI_DIR "/iommu_group", address) &&
	    isdigit((unsigned char)group[0]))
		card->iommu_group = atoi(group);
	card->link = card_link_read(address, "current");
	card->link_max = card_link_read(address, "max");
	if (sensors)
		card_sensors_read(card);
}

static struct card *list_add(struct card_list *list)
{
	struct card *cards = realloc(list->cards, (list->count + 1) * sizeof(*cards));

	if (!cards)
		return NULL;
	list->cards = cards;
	memset(&cards[list->count], 0, sizeof(*cards));
	return &cards[list->count++];
}

static bool add_nodes(struct card_list *list, bool sensors)
{
	char **names, driver[32];
	size_t count = tree_list(&names, "/sys/class/accel"), i;
	struct card *card;

	for (i = 0; i < count; i++) {
		if (strncmp(names[i], "accel", 5) || !names[i][5] || strlen(names[i]) > 16 ||
		    names[i][5 + strspn(names[i] + 5, "0123456789")])
			continue;
		tree_read_link(driver, sizeof(driver), "/sys/class/accel/%s/device/driver", names[i]);
		if (strcmp(driver, CARD_DRIVER))
			continue;
		card = list_add(list);
		if (!card)
			break;
		snprintf(card->name, sizeof(card->name), "%.31s", names[i]);
		snprintf(card->node, sizeof(card->node), "/dev/accel/%.31s", names[i]);
		tree_read_link(card->address, sizeof(card->address), "/sys/class/accel/%s/device", names[i]);
		read_card(card, sensors);
	}
	free(names);
	return i >= count;
}

static bool list_has_address(const struct card_list *list, const char *address)
{
	for (size_t i = 0; i < list->count; i++) {
		if (!strcmp(list->cards[i].address, address))
			return true;
	}
	return false;
}

static bool add_functions(struct card_list *list, bool sensors)
{
	char **names;
	size_t count = tree_list(&names, "/sys/bus/pci/devices"), i;
	struct card *card;

	for (i = 0; i < count; i++) {
		if (strlen(names[i]) > 31 || list_has_address(list, names[i]) || !pci_is_gaon(names[i]))
			continue;
		card = list_add(list);
		if (!card)
			break;
		snprintf(card->name, sizeof(card->name), "%.31s", names[i]);
		snprintf(card->address, sizeof(card->address), "%.31s", names[i]);
		read_card(card, sensors);
	}
	free(names);
	return i >= count;
}

bool card_list_read(struct card_list *list, bool sensors)
{
	*list = (struct card_list){ 0 };
	if (add_nodes(list, sensors) && add_functions(list, sensors))
		return true;
	card_list_free(list);
	fprintf(stderr, "gaon: no memory for the list of cards\n");
	return false;
}

void card_list_free(struct card_list *list)
{
	free(list->cards);
	*list = (struct card_list){ 0 };
}

struct card *card_list_find(const struct card_list *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++) {
		struct card *card = &list->cards[i];

		if (!strcmp(name, card->name) || !strcasecmp(name, card->address) ||
		    (card->node[0] && !strcmp(name, card->node)) ||
		    (card->serial[0] && !strcasecmp(name, card->serial)) ||
		    (!strncmp(card->address, "0000:", 5) && !strcasecmp(name, card->address + 5)))
			return card;
	}
	return NULL;
}

struct card *card_list_need(const struct card_list *list, const char *name)
{
	struct card *card = card_list_find(list, name);

	if (card)
		return card;
	fprintf(stderr, "gaon: no card is named '%s'; ", name);
	if (list->count)
		fprintf(stderr, "there are:");
	else
		fprintf(stderr, "this machine shows no card at all: `gaon doctor` says why");
	for (size_t i = 0; i < list->count; i++)
		fprintf(stderr, " %s (%s)", list->cards[i].name, list->cards[i].address);
	fprintf(stderr, "\n");
	return NULL;
}
