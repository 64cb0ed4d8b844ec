/* SPDX-License-Identifier: MIT */
/* What the test programs of the vfio-user server share: one device, one client of it at a time. */
#ifndef TESTS_UNIT_VFIO_FIXTURE_H
#define TESTS_UNIT_VFIO_FIXTURE_H

#include <check.h>

#include "../check_run.h"
#include "../../firmware/gaon_fw_embed.h"
#include "vfio_client.h"

#define CONFIG	VFIO_PCI_CONFIG_REGION_INDEX

static struct vfio_client client;
static struct vfu_device *dev;

static inline void fixture_setup(void)
{
	dev = vfio_device(NULL);
}

static inline void fixture_teardown(void)
{
	vfu_device_destroy(dev);
}

/* GAON_STATE_READY if all is well. */
static inline uint32_t fixture_boot(void)
{
	return dev_host_boot(&client.host, gaon_fw_image, gaon_fw_image_size, gaon_fw_image_size);
}

/* The one test case of the program's suite. */
static inline TCase *fixture_tcase(Suite *suite, void (*setup)(void), void (*teardown)(void))
{
	TCase *tc = tcase_create("vfio");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 120);
	suite_add_tcase(suite, tc);
	return tc;
}

#endif
