/* SPDX-License-Identifier: MIT */
/* Text of device kernels: drained from the context's print ring, formatted here. */
#ifndef GAON_RUNTIME_PRINT_H
#define GAON_RUNTIME_PRINT_H

#include "device.h"

enum gaon_status rt_print_start(struct rt_device *dev);
void rt_print_stop(struct rt_device *dev);
/* What is there now; a look at one word if there is nothing. */
void rt_print_drain(struct rt_device *dev);
/* "file:line: text" of the newest assertion that was drained. */
bool rt_print_last_assertion(struct rt_device *dev, char *text, size_t size);

#endif
