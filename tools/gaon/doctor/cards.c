// SPDX-License-Identifier: MIT
/* Each card: its driver, state, link, node, rights. */
#include "doctor.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../card/tree.h"

static void check_driver(struct doctor *d, const struct card *c)
{
	const char *a = c->address;

	if (!c->driver[0] && tree_exists("/sys/module/" CARD_DRIVER))
		doctor_find(d, "driver", DOCTOR_BAD,
			    "%s has no driver: it was refused or unbound\ndmesg | grep gaon says why; echo %s >/sys/bus/pci/drivers/gaon/bind tries again",
			    a, a);
	else if (!c->driver[0])
		doctor_find(d, "driver", DOCTOR_BAD, "%s has no driver\nload the module first: see above", a);
	else if (strcmp(c->driver, CARD_DRIVER))
		doctor_find(d, "driver", DOCTOR_BAD,
			    "%s belongs to the driver %s\necho %s >/sys/bus/pci/drivers/%s/unbind; echo >/sys/bus/pci/devices/%s/driver_override; echo %s >/sys/bus/pci/drivers/gaon/bind",
			    a, c->driver, a, c->driver, a, a);
	else if (!c->node[0])
		doctor_find(d, "driver", DOCTOR_BAD, "%s: the driver made no node\ndmesg | grep gaon", a);
	else
		doctor_find(d, "driver", DOCTOR_GOOD, "%s is %s", a, c->name);
}

static void check_state(struct doctor *d, const struct card *c)
{
	if (!strcmp(c->state, "ready") || !strcmp(c->state, "asleep"))
		doctor_find(d, "state", DOCTOR_GOOD, "%s is %s", c->name, c->state);
	else if (!strcmp(c->state, "resetting"))
		doctor_find(d, "state", DOCTOR_NOTE, "%s is being reset\ntry again in a few seconds", c->name);
	else if (!strcmp(c->state, "degraded"))
		doctor_find(d, "state", DOCTOR_NOTE,
			    "%s is degraded: something is broken, what is left works\ngaon info --device %s; dmesg | grep gaon",
			    c->name, c->name);
	else
		doctor_find(d, "state", DOCTOR_BAD,
			    "%s is %s\ndmesg | grep gaon; echo 1 >/sys/bus/pci/devices/%s/reset", c->name,
			    c->state[0] ? c->state : "in no state that its driver tells", c->address);
}

static void check_link(struct doctor *d, const struct card *c)
{
	if (!c->link.mtps || !c->link.width || !c->link_max.mtps || !c->link_max.width)
		doctor_find(d, "link", DOCTOR_NOTE, "%s: speed and width are not known (a virtual machine?)", c->name);
	else if (c->link.mtps < c->link_max.mtps || c->link.width < c->link_max.width)
		doctor_find(d, "link", DOCTOR_NOTE,
			    "%s runs at %.1f GT/s x%u of %.1f GT/s x%u\nanother slot, or seat the card anew; lspci -vv -s %s shows what the slot can do",
			    c->name, c->link.mtps / 1e3, c->link.width, c->link_max.mtps / 1e3,
			    c->link_max.width, c->address);
	else
		doctor_find(d, "link", DOCTOR_GOOD, "%s: %.1f GT/s x%u", c->name, c->link.mtps / 1e3, c->link.width);
}

static void node_refused(struct doctor *d, const struct card *c, const struct stat *st)
{
	const struct passwd *user = getpwuid(geteuid());
	const char *name = user ? user->pw_name : "$USER";
	const struct group *group = getgrgid(st->st_gid);
	char number[16];

	snprintf(number, sizeof(number), "%u", (unsigned int)st->st_gid);
	if ((st->st_mode & 0060) == 0060 && st->st_gid)
		doctor_find(d, "rights", DOCTOR_BAD,
			    "%s is not yours: group %s, mode %03o\nusermod -aG %s %s, then log in again (in a container: --group-add %s)",
			    c->node, group ? group->gr_name : number, (unsigned int)st->st_mode & 0777,
			    group ? group->gr_name : number, name, number);
	else
		doctor_find(d, "rights", DOCTOR_BAD,
			    "%s is root's only: mode %03o\ninstall 70-gaon.rules, then: udevadm control --reload && udevadm trigger; for now: chgrp render %s && chmod 660 %s",
			    c->node, (unsigned int)st->st_mode & 0777, c->node, c->node);
}

static void check_node(struct doctor *d, const struct card *c)
{
	char path[TREE_PATH];
	struct stat st;

	tree_path(path, sizeof(path), "%s", c->node);
	if (stat(path, &st))
		doctor_find(d, "node", DOCTOR_BAD,
			    "%s: %s\nin a container: --device %s; else: udevadm trigger, or mount devtmpfs on /dev",
			    c->node, strerror(errno), c->node);
	else if (!tree_is_recorded() && !S_ISCHR(st.st_mode))
		doctor_find(d, "node", DOCTOR_BAD, "%s is no device\nrm %s; udevadm trigger", c->node, c->node);
	else if (!tree_is_recorded() && access(path, R_OK | W_OK))
		node_refused(d, c, &st);
	else
		doctor_find(d, "node", DOCTOR_GOOD, "%s can be opened for reading and writing", c->node);
}

static void check_iommu(struct doctor *d, const struct card *c)
{
	if (c->iommu_group >= 0)
		doctor_find(d, "iommu", DOCTOR_GOOD, "%s is in group %" PRId64, c->name, c->iommu_group);
	else
		doctor_find(d, "iommu", DOCTOR_NOTE,
			    "%s is behind no IOMMU: nothing but its own page tables keeps it from the machine's memory\nswitch it on in the machine's setup, and intel_iommu=on on the kernel's command line",
			    c->name);
}

void doctor_cards(struct doctor *d)
{
	for (size_t i = 0; i < d->cards.count; i++) {
		const struct card *c = &d->cards.cards[i];

		check_driver(d, c);
		if (!c->node[0])
			continue;
		check_state(d, c);
		check_link(d, c);
		check_node(d, c);
		check_iommu(d, c);
	}
}
