// SPDX-License-Identifier: MIT
/* gaon list: the devices that gaon_device_open() knows. */
#include <stdio.h>

#include "cmd.h"

/* One that is there and cannot be opened; the thread's last error says why. */
static void list_refused(json_t *array)
{
	const struct gaon_error *e = gaon_last_error();

	if (array)
		json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:s}", "name", e->device, "error",
						       gaon_status_name(e->status), "text", e->text, "hint",
						       e->hint));
	else
		printf("%-16s cannot be opened: %s\n", e->device, e->text);
	if (!array && e->hint[0])
		printf("%-16s to mend it: %s\n", "", e->hint);
}

static int list_devices(bool json)
{
	json_t *array = json ? json_array() : NULL;
	uint32_t count, i, refused = 0;
	int code;

	if (!cmd_ok(gaon_device_count(&count), "counting devices"))
		return CMD_FAILED;
	for (i = 0; i < count; i++) {
		struct gaon_device_info info = { .size = sizeof(info) };
		char memory[32];

		if (gaon_device_describe(i, &info)) {
			list_refused(array);
			refused++;
			continue;
		}
		if (json)
			json_array_append_new(array, cmd_device_json(&info));
		else
			printf("%-16s %-20s %2u cores  %8s  %s\n", info.name, info.product, info.cores,
			       cmd_bytes(info.hbm_bytes, memory, sizeof(memory)), info.transport);
	}
	code = json ? cmd_print_json(json_pack("{s:o}", "devices", array)) : CMD_OK;
	return refused == count ? CMD_FAILED : code;
}

static int list_run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_common common = { 0 };

	if (!cmd_options_only(cmd, &common, argc, argv, 0, 0))
		return common.code;
	return list_devices(common.json);
}

const struct cmd cmd_list = {
	.name = "list",
	.summary = "devices on this machine, the embedded one included",
	.text = "One line per device: name, product, cores, memory, how it is reached.\n"
		"Of a card that cannot be opened: why, and the command that mends it.\n",
	.run = list_run,
};
