/* SPDX-License-Identifier: MIT */
/* Between the two halves of the fake device. */
#ifndef GAON_TESTS_FIRMWARE_FAKE_REGS_H
#define GAON_TESTS_FIRMWARE_FAKE_REGS_H

#include "firmware_fake.h"

bool fake_reg_read(void *ctx, uint32_t addr, unsigned int len, uint32_t *value);
bool fake_reg_write(void *ctx, uint32_t addr, unsigned int len, uint32_t value);
void fake_update_irq(struct fake *f);
/* The slot goes on: IDLE, WAITING or ACTIVE, as its ring says. */
void fake_start(struct fake *f, uint32_t slot);

#endif
