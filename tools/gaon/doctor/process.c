// SPDX-License-Identifier: MIT
/* What the calling process may have, and whether the library opens the devices. */
#include "doctor.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <gaon/gaon.h>

#include "../card/tree.h"

#define FILES_LEAST	256

static void check_limits(struct doctor *d)
{
	struct rlimit files = { 0 };

	getrlimit(RLIMIT_NOFILE, &files);
	if (files.rlim_cur < FILES_LEAST)
		doctor_find(d, "limits", DOCTOR_NOTE, "%llu open files at most: each device takes some\nulimit -n 1024",
			    (unsigned long long)files.rlim_cur);
	else
		doctor_find(d, "limits", DOCTOR_GOOD, "%llu open files", (unsigned long long)files.rlim_cur);
}

static void check_container(struct doctor *d)
{
	char kind[64] = "";

	if (tree_exists("/.dockerenv"))
		snprintf(kind, sizeof(kind), "docker");
	else if (tree_exists("/run/.containerenv"))
		snprintf(kind, sizeof(kind), "podman");
	else
		tree_read_line(kind, sizeof(kind), "/run/systemd/container");
	if (!kind[0])
		doctor_find(d, "container", DOCTOR_GOOD, "none");
	else
		doctor_find(d, "container", DOCTOR_NOTE,
			    "this is a container of %s: module and firmware are the host's\nif a node is missing: --device /dev/accel/accel0 --group-add with the number of its group",
			    kind);
}

static void check_plugin(struct doctor *d)
{
	char path[TREE_PATH];
	Dl_info library;
	char *slash;

	if (!dladdr((void *)(uintptr_t)gaon_version, &library) || !library.dli_fname)
		return;
	snprintf(path, sizeof(path), "%s", library.dli_fname);
	slash = strrchr(path, '/');
	snprintf(slash ? slash + 1 : path, 32, "libggml-gaon.so");
	if (access(path, R_OK))
		doctor_find(d, "plug-in", DOCTOR_NOTE,
			    "%s is not there: llama.cpp does not see the cards\napt-get install gaon-ggml; or: make ggml-plugin",
			    path);
	else
		doctor_find(d, "plug-in", DOCTOR_GOOD, "%s", path);
}

static void check_open(struct doctor *d, const char *name)
{
	struct gaon_device *dev;

	if (gaon_device_open(name, &dev)) {
		const struct gaon_error *e = gaon_last_error();

		doctor_find(d, "runtime", DOCTOR_BAD, "%s\n%s", e->text, e->hint ? e->hint : "");
		return;
	}
	gaon_device_close(dev);
	doctor_find(d, "runtime", DOCTOR_GOOD, "libgaon %s opens %s", gaon_version(), name);
}

void doctor_process(struct doctor *d)
{
	check_container(d);
	if (tree_is_recorded())
		return;
	check_limits(d);
	check_plugin(d);
	for (size_t i = 0; i < d->cards.count; i++)
		check_open(d, d->cards.cards[i].name);
	check_open(d, "embedded");
}
