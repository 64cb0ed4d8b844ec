/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_FW_H_
#define _GAON_FW_H_

#include <linux/types.h>

struct gaon_device;

#define GAON_FWLOG_TEXT		(32 * 1024)	/* of the log, what it holds at most */

int gaon_fw_boot(struct gaon_device *gdev);
int gaon_fw_identify(struct gaon_device *gdev);

/* gaon_fwlog.c */
int gaon_fwlog_init(struct gaon_device *gdev);
void gaon_fwlog_start(struct gaon_device *gdev);
size_t gaon_fwlog_copy(struct gaon_device *gdev, char *text, size_t bytes);
void gaon_fwlog_poll(struct gaon_device *gdev);

#endif
