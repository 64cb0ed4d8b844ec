/* SPDX-License-Identifier: MIT */
/* The parts of the firmware's test program. */
#ifndef GAON_TESTS_FIRMWARE_TEST_H
#define GAON_TESTS_FIRMWARE_TEST_H

#include <check.h>

TCase *firmware_boot_tests(void);
TCase *firmware_admin_tests(void);
TCase *firmware_queue_tests(void);
TCase *firmware_sched_tests(void);
TCase *firmware_stop_tests(void);
TCase *firmware_hostile_tests(void);
TCase *firmware_image_tests(void);
TCase *firmware_power_tests(void);

#endif
