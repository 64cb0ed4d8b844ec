// SPDX-License-Identifier: MIT
/* The management core by itself: bus, traps, CSRs, encodings, and random programs against qemu. */
#include "../check_run.h"
#include "mcu_test.h"

#include <stdlib.h>

int main(void)
{
	Suite *suite = suite_create("mcu");

	suite_add_tcase(suite, mcu_unit_tests());
	suite_add_tcase(suite, mcu_trap_tests());
	suite_add_tcase(suite, mcu_decode_tests());
	suite_add_tcase(suite, mcu_diff_tests());
	return check_run(suite);
}
