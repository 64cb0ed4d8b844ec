/* SPDX-License-Identifier: MIT */
/* What `gaon info` has found out of one device. */
#ifndef GAON_TOOLS_INFO_H
#define GAON_TOOLS_INFO_H

#include "card/card.h"
#include "card/client.h"
#include "cmd.h"

struct info {
	const struct card *card;	/* NULL: the embedded device */
	bool opened;			/* the following group is there */
	struct gaon_device_info device;
	struct gaon_device_counters counters;
	struct gaon_device_board board;
	uint64_t free_bytes;
	bool errors_known;		/* without having opened it */
	struct card_errors errors;
	const char *why;		/* it was not opened */
	char text[512];
};

/* Names of the bits of enum gaon_throttle, NULL behind the last. */
void info_throttles(uint32_t bits, const char *names[CARD_THROTTLES]);
json_t *info_json(const struct info *info, const struct client_list *clients);
void info_print(const struct info *info, const struct client_list *clients);

#endif
