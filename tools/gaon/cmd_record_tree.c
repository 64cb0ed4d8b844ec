// SPDX-License-Identifier: MIT
/* gaon record-tree: this machine's cards as files, for a report of what is wrong or a test. */
#include <stdio.h>
#include <unistd.h>

#include "card/record.h"
#include "card/tree.h"
#include "cmd.h"

static int record_tree_run(const struct cmd *cmd, int argc, char **argv)
{
	struct cmd_common common = { 0 };
	struct record record;

	if (!cmd_options_only(cmd, &common, argc, argv, 1, 1))
		return common.code;
	if (!record_tree(&record, argv[optind]))
		return CMD_FAILED;
	if (common.json)
		return cmd_print_json(json_pack("{s:s, s:i, s:i}", "directory", argv[optind], "cards",
						(int)record.cards, "files", (int)record.files));
	printf("%zu files of %zu cards are in %s; `gaon info --root %s` shows them\n", record.files, record.cards,
	       argv[optind], argv[optind]);
	return CMD_OK;
}

const struct cmd cmd_record_tree = {
	.name = "record-tree",
	.summary = "keep what the kernel tells of the cards in a directory, for bug reports and tests",
	.operands = "DIRECTORY",
	.text = "Copies what sysfs, hwmon, fdinfo and debugfs tell of the cards of this machine, as far as the caller may\n"
		"read it, into DIRECTORY, which must not be there yet. Commands with --root then show them anywhere.\n"
		"Of processes names, users and what they use of the cards are kept, no arguments and no environment.\n",
	.run = record_tree_run,
};
