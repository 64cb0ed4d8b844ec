/* SPDX-License-Identifier: MIT */
/* The parts of the management core's test program. */
#ifndef GAON_TESTS_MCU_TEST_H
#define GAON_TESTS_MCU_TEST_H

#include <check.h>

TCase *mcu_unit_tests(void);
TCase *mcu_trap_tests(void);
TCase *mcu_decode_tests(void);
TCase *mcu_diff_tests(void);

#endif
