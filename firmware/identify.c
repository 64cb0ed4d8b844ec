// SPDX-License-Identifier: MIT
/* The hardware says what it is; the firmware adds what it is itself. */
#include "fw.h"
#include "version.h"

struct gaon_identify identify;

void identify_init(void)
{
	uint32_t *words = (uint32_t *)&identify;

	for (uint32_t i = 0; i < sizeof(identify) / 4; i++) {
		reg_write(GAON_MCU_IDENT_INDEX, i);
		words[i] = reg_read(GAON_MCU_IDENT_VALUE);
	}
	identify.size = sizeof(identify);
	identify.abi_min = GAON_ABI_MIN;
	identify.abi_max = GAON_ABI_MAX;
	identify.fw_version = FW_VERSION;
	memset(identify.fw_build, 0, sizeof(identify.fw_build));
	memcpy(identify.fw_build, FW_BUILD, sizeof(FW_BUILD));
}
