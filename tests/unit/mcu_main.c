// SPDX-License-Identifier: MIT
/* The management core by itself: bus, traps, CSRs, encodings, and random programs against qemu. */
#include "mcu_test.h"

#include <stdlib.h>

int main(void)
{
	Suite *suite = suite_create("mcu");
	SRunner *runner;
	int failed;

	suite_add_tcase(suite, mcu_unit_tests());
	suite_add_tcase(suite, mcu_trap_tests());
	suite_add_tcase(suite, mcu_decode_tests());
	suite_add_tcase(suite, mcu_diff_tests());
	runner = srunner_create(suite);
	srunner_run_all(runner, CK_ENV);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
