// SPDX-License-Identifier: MIT
/* The kernel module: loaded, or why not. Asked only when a card could not be opened. */
#include "drm.h"

#include <libkmod.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define MODULE_NAME	"gaon"

/* @list: what the name leads to; modprobe and udev leave out what a configuration file blacklists. */
static bool module_blacklisted(struct kmod_ctx *kmod, struct kmod_list *list)
{
	struct kmod_list *left = NULL;
	bool listed;

	if (kmod_module_apply_filter(kmod, KMOD_FILTER_BLACKLIST, list, &left) < 0)
		return false;
	listed = !left;
	kmod_module_unref_list(left);
	return listed;
}

static enum drm_module module_look(struct kmod_ctx *kmod)
{
	struct kmod_list *list = NULL;
	enum drm_module state;

	if (kmod_module_new_from_lookup(kmod, MODULE_NAME, &list) < 0)
		return DRM_MODULE_UNKNOWN;
	state = !list ? DRM_MODULE_ABSENT : module_blacklisted(kmod, list) ? DRM_MODULE_BLACKLISTED :
		DRM_MODULE_INSTALLED;
	kmod_module_unref_list(list);
	return state;
}

enum drm_module drm_module_state(char *release, size_t size)
{
	char path[512], etc[512], lib[512], run[512];
	const char *config[] = { etc, run, lib, NULL };
	enum drm_module state = DRM_MODULE_UNKNOWN;
	struct utsname uts = { .release = "?" };
	struct kmod_ctx *kmod;

	uname(&uts);
	snprintf(release, size, "%.*s", (int)size - 1, uts.release);
	drm_path(path, sizeof(path), "/sys/module/" MODULE_NAME);
	if (!access(path, F_OK))
		return DRM_MODULE_LOADED;
	drm_path(path, sizeof(path), "/lib/modules/%s", uts.release);
	drm_path(etc, sizeof(etc), "/etc/modprobe.d");
	drm_path(run, sizeof(run), "/run/modprobe.d");
	drm_path(lib, sizeof(lib), "/lib/modprobe.d");
	if (access(path, R_OK | X_OK))
		return DRM_MODULE_UNKNOWN;
	kmod = kmod_new(path, config);
	if (!kmod)
		return DRM_MODULE_UNKNOWN;
	kmod_set_log_priority(kmod, 0);
	state = module_look(kmod);
	kmod_unref(kmod);
	return state;
}
