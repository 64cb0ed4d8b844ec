// SPDX-License-Identifier: MIT
/* gaon topo: what lies between cards, and between them and the host. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "topo/topo.h"

static int topo_run(const struct cmd *cmd, int argc, char **argv)
{
	struct topo *topo = calloc(1, sizeof(*topo));
	struct cmd_common common = { 0 };
	int code = CMD_FAILED;

	if (!cmd_options_only(cmd, &common, argc, argv, 0, 0)) {
		code = common.code;
	} else if (!topo) {
		fprintf(stderr, "gaon: no memory for the places of cards\n");
	} else if (topo_read(topo)) {
		code = CMD_OK;
		if (common.json) {
			code = cmd_print_json(topo_json(topo));
		} else if (topo->list.count) {
			topo_print(topo);
		} else {
			fprintf(stderr, "gaon: topo: this machine shows no card; `gaon doctor` says why\n");
			code = CMD_FAILED;
		}
	}
	if (topo)
		topo_free(topo);
	free(topo);
	return code;
}

const struct cmd cmd_topo = {
	.name = "topo",
	.summary = "what lies between cards, and between them and the host",
	.flags = CMD_ROOT,
	.text = "A matrix of what data passes from one card to another, with each card's NUMA node, its slowest link to the\n"
		"host, and the processors that are near; the tree of bridges and cards with their links. Of cards with\n"
		"ports of their own the torus that their cables make, with what is wrong with a link. No card is opened.\n",
	.run = topo_run,
};
