// SPDX-License-Identifier: MIT
#include "runner.h"

__attribute__((weak)) int sim_runner_mcu(const char *path, const struct sim_runner_options *options)
{
	(void)path;
	(void)options;
	fprintf(stderr, "gaon-sim: --mcu: the management core is not built in\n");
	return SIM_RUNNER_ERROR;
}
