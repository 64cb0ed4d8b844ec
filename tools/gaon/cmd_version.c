// SPDX-License-Identifier: MIT
/* gaon version */
#include <stdio.h>

#include <hw/gaon_admin.h>
#include <hw/gaon_regs.h>

#include "cmd.h"

static int version_run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_common common = { 0 };

	if (!cmd_options_only(cmd, &common, argc, argv, 0, 0))
		return common.code;
	if (common.json)
		return cmd_print_json(json_pack("{s:s, s:s, s:i, s:i, s:i, s:i}", "tool", GAON_VERSION,
						"library", gaon_version(),
						"hardware_major", GAON_REVISION >> 16,
						"hardware_minor", GAON_REVISION & 0xffff, "abi_min",
						GAON_ABI_MIN, "abi_max", GAON_ABI_MAX));
	printf("gaon %s, libgaon %s, hardware specification %u.%u, admin ABI %d to %d\n", GAON_VERSION,
	       gaon_version(), GAON_REVISION >> 16, GAON_REVISION & 0xffff, GAON_ABI_MIN, GAON_ABI_MAX);
	return CMD_OK;
}

const struct cmd cmd_version = {
	.name = "version",
	.summary = "versions of this tool, the library and the interfaces",
	.text = "Versions of the tool, the library, the hardware specification and the admin protocol.\n",
	.run = version_run,
};
