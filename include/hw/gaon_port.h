/* SPDX-License-Identifier: MIT */
/* Ports of the links between cards. Specification: Documentation/hw/ports.rst. */
#ifndef GAON_HW_PORT_H
#define GAON_HW_PORT_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stdint.h>
#endif

#define GAON_PORTS_MAX		8	/* ports 2d and 2d + 1 lead up and down in dimension d */

#define GAON_PORT_DOWN		0	/* nothing is heard */
#define GAON_PORT_TRAINING	1	/* the other end is heard, and does not hear this one */
#define GAON_PORT_UP		2
#define GAON_PORT_MISMATCH	3	/* what is heard is of another version */
#define GAON_PORT_STATES	4
#define GAON_PORT_NONE		0xffffffffu	/* peer_port: nobody was heard */

struct gaon_port {			/* 64 bytes */
	uint32_t state;			/* GAON_PORT_* */
	uint32_t lanes;			/* in use; 0 unless UP */
	uint32_t mbps;			/* 10^6 bytes per second each way; 0 unless UP */
	uint32_t peer_port;		/* of who was heard last */
	uint8_t peer_serial[16];
	uint64_t ups;			/* times that it came up */
	uint64_t frames;		/* good ones that were received */
	uint64_t bad;			/* with a wrong check sum */
	uint64_t reserved;
};

/* PORTS: all since chip reset */
struct gaon_ports {
	uint32_t size;			/* of what was written */
	uint32_t count;			/* how many ports there are */
	uint64_t reserved;
	struct gaon_port port[GAON_PORTS_MAX];
};

#define GAON_PORT_MAGIC		0x4c4e4b47u	/* "GKNL" */
#define GAON_PORT_VERSION	1
#define GAON_PORT_PERIOD_MS	100	/* each end sends a frame so often */
#define GAON_PORT_SILENCE_MS	500	/* who has not been heard for so long is gone */

/* What ports send to each other, little endian as all else. */
struct gaon_port_frame {		/* 64 bytes */
	uint32_t magic;
	uint16_t version;
	uint16_t heard;			/* 1: the sender hears the other end */
	uint32_t port;			/* the sender's */
	uint32_t lanes, mbps;		/* that it can do */
	uint32_t reserved0;
	uint8_t serial[16];		/* the sender's, as in IDENTIFY */
	uint64_t sequence;
	uint32_t reserved1[3];
	uint32_t crc;			/* of all before it */
};

/**
 * gaon_port_crc() - the check sum of a frame
 * @frame: as it is sent
 *
 * CRC-32 of IEEE 802.3: polynomial 0x04c11db7, reflected, starting from ones, inverted at the end.
 *
 * Return: what @frame's last field must be.
 */
static inline uint32_t gaon_port_crc(const struct gaon_port_frame *frame)
{
	const uint8_t *bytes = (const uint8_t *)frame;
	uint32_t crc = 0xffffffffu;
	unsigned int i, bit;

	for (i = 0; i < __builtin_offsetof(struct gaon_port_frame, crc); i++) {
		crc ^= bytes[i];
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	return ~crc;
}

#endif
