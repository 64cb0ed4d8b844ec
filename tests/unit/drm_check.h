/* SPDX-License-Identifier: MIT */
/* What tests of libgaon over the kernel module in process have in common. */
#ifndef GAON_TESTS_DRM_CHECK_H
#define GAON_TESTS_DRM_CHECK_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <gaon/gaon.h>

#include "drm_kernel.h"

#define ok(call) ck_assert_msg(!(call), "%s: %s", #call, gaon_last_error()->text)

/* @got is @want, and the error's text has @word. */
static inline void fails(enum gaon_status want, enum gaon_status got, const char *word)
{
	ck_assert_msg(got == want, "%s instead of %s: %s", gaon_status_name(got),
		      gaon_status_name(want), gaon_last_error()->text);
	ck_assert_msg(strstr(gaon_last_error()->text, word) != NULL, "no \"%s\" in \"%s\"", word,
		      gaon_last_error()->text);
}

static inline void setup(void)
{
	setenv("GAON_SIM_HBM", "64M", 1);
	drm_kernel_install(DRM_KERNEL_ROOT);
	gaon_log_set(NULL, NULL, GAON_LOG_NONE);
}

/* All that the kernel counts is at 0. */
static inline void nothing_left(const char *when)
{
	int files = atomic_load(&drm_kernel.files), vms = atomic_load(&drm_kernel.vms);
	int objects = atomic_load(&drm_kernel.objects), queues = atomic_load(&drm_kernel.queues);
	int mappings = atomic_load(&drm_kernel.mappings), maps = atomic_load(&drm_kernel.maps);
	int syncobjs = atomic_load(&drm_kernel.syncobjs);

	ck_assert_msg(!files && !vms && !objects && !queues && !mappings && !maps && !syncobjs,
		      "%s: %d files, %d address spaces, %d objects, %d queues, %d bindings, %d maps, %d syncobjs left",
		      when, files, vms, objects, queues, mappings, maps, syncobjs);
}

#endif
