/* SPDX-License-Identifier: MIT */
/*
 * Packets of gdb's remote serial protocol. What comes from the other side may be anything: nothing is
 * written past a buffer, and what is no packet is dropped.
 */
#ifndef GAON_DEBUG_RSP_H
#define GAON_DEBUG_RSP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RSP_MAX		32768u		/* bytes of a packet between '$' and '#' */

enum rsp_event {
	RSP_NOTHING,		/* more bytes are needed */
	RSP_PACKET,		/* rsp_in.data has one, unescaped */
	RSP_BAD,		/* its sum was wrong, or it was too long: ask for it again */
	RSP_INTERRUPT,		/* ^C */
	RSP_ACK,
	RSP_NAK,
};

struct rsp_in {
	uint8_t state, sum, want;
	bool escaped, long_;
	size_t length;
	char data[RSP_MAX + 1];	/* NUL-terminated, besides */
};

/* One byte further. */
enum rsp_event rsp_feed(struct rsp_in *in, uint8_t byte);

/* An answer; what does not fit makes it be told of as an error. */
struct rsp_out {
	size_t length;
	bool full;
	char data[RSP_MAX + 1];
};

void rsp_start(struct rsp_out *out);
void rsp_text(struct rsp_out *out, const char *text);
__attribute__((format(printf, 2, 3))) void rsp_print(struct rsp_out *out, const char *format, ...);
void rsp_hex(struct rsp_out *out, const void *data, size_t bytes);
/* As binary, escaped. */
void rsp_binary(struct rsp_out *out, const void *data, size_t bytes);
/* "E" and the number, instead of anything else. */
void rsp_error(struct rsp_out *out, unsigned int number);
/* The packet around it, into @frame of RSP_FRAME_MAX; its length. */
#define RSP_FRAME_MAX	(RSP_MAX + 8)
size_t rsp_frame(const struct rsp_out *out, char *frame);

/* A hexadecimal number at *@at, which moves behind it; false: there is none, or it has over 64 bits. */
bool rsp_number(const char **at, uint64_t *value);
/* Bytes written as pairs of digits; false: something else, or not as many. */
bool rsp_unhex(const char *text, size_t length, uint8_t *data, size_t bytes);

#endif
