// SPDX-License-Identifier: MIT
/* One timer for everything: the main loop arms it for the earliest deadline, or switches it off. */
#include "fw.h"

static uint64_t armed = FW_TIME_NEVER;

uint64_t timer_now(void)
{
	return reg_read64(GAON_MCU_TIME_LO);
}

void timer_arm(uint64_t when)
{
	if (when == armed)
		return;
	armed = when;
	/* Never a moment with a compare value that is neither the old nor the new one nor off. */
	reg_write(GAON_MCU_TIMECMP_HI, UINT32_MAX);
	reg_write64(GAON_MCU_TIMECMP_LO, when);
}

bool timer_due(void)
{
	return armed != FW_TIME_NEVER && timer_now() >= armed;
}
