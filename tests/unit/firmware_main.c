// SPDX-License-Identifier: MIT
/* The firmware and its image, on the real core and ROM with a fake register block. */
#include "../check_run.h"
#include "firmware_test.h"

#include <stdlib.h>

int main(void)
{
	Suite *suite = suite_create("firmware");

	suite_add_tcase(suite, firmware_boot_tests());
	suite_add_tcase(suite, firmware_admin_tests());
	suite_add_tcase(suite, firmware_queue_tests());
	suite_add_tcase(suite, firmware_sched_tests());
	suite_add_tcase(suite, firmware_stop_tests());
	suite_add_tcase(suite, firmware_hostile_tests());
	suite_add_tcase(suite, firmware_image_tests());
	suite_add_tcase(suite, firmware_power_tests());
	return check_run(suite);
}
