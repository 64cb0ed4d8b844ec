/* SPDX-License-Identifier: MIT */
/*
 * The signed firmware image as data, for programs that drive the embedded device.  Link the object
 * $(O)/firmware/gaon_fw_embed.o.
 */
#ifndef GAON_FW_EMBED_H
#define GAON_FW_EMBED_H

/* firmware/ga1.bin: struct gaon_fw_header and its payload; 4096-byte aligned. */
extern const unsigned char gaon_fw_image[];
extern const unsigned int gaon_fw_image_size;

/* Public half of firmware/keys/development.pem, the key that signed the image. */
extern const unsigned char gaon_fw_devkey[32];

#endif
