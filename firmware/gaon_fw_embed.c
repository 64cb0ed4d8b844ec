// SPDX-License-Identifier: MIT
/* The signed image as data; the build passes the directory that it lies in. */
#include "gaon_fw_embed.h"

#include "keys/development_key.h"

const unsigned char gaon_fw_image[] __attribute__((aligned(4096))) = {
#embed "firmware/ga1.bin"
};

const unsigned int gaon_fw_image_size = sizeof(gaon_fw_image);

const unsigned char gaon_fw_devkey[32] = GAON_FW_DEVELOPMENT_KEY;
