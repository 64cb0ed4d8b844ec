// SPDX-License-Identifier: MIT
#include "rom.h"

#include "../../../firmware/keys/development_key.h"

const uint8_t sim_rom_development_key[1][32] = { GAON_FW_DEVELOPMENT_KEY };
