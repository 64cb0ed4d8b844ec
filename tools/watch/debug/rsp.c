// SPDX-License-Identifier: MIT
#include "rsp.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { OUTSIDE, INSIDE, SUM_HIGH, SUM_LOW };

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static enum rsp_event feed_outside(struct rsp_in *in, uint8_t byte)
{
	switch (byte) {
	case '$':
		in->state = INSIDE;
		in->sum = 0;
		in->length = 0;
		in->escaped = in->long_ = false;
		return RSP_NOTHING;
	case 3:
		return RSP_INTERRUPT;
	case '+':
		return RSP_ACK;
	case '-':
		return RSP_NAK;
	default:
		return RSP_NOTHING;
	}
}

static void take(struct rsp_in *in, uint8_t byte)
{
	if (in->length == RSP_MAX) {
		in->long_ = true;
		return;
	}
	in->data[in->length++] = (char)byte;
}

static enum rsp_event feed_inside(struct rsp_in *in, uint8_t byte)
{
	/* A packet that was cut off: this one counts. */
	if (byte == '$')
		return feed_outside(in, byte);
	if (byte == '#') {
		in->state = SUM_HIGH;
		return RSP_NOTHING;
	}
	in->sum = (uint8_t)(in->sum + byte);
	if (byte == '}' && !in->escaped) {
		in->escaped = true;
		return RSP_NOTHING;
	}
	take(in, in->escaped ? byte ^ 0x20 : byte);
	in->escaped = false;
	return RSP_NOTHING;
}

enum rsp_event rsp_feed(struct rsp_in *in, uint8_t byte)
{
	int value;

	switch (in->state) {
	case INSIDE:
		return feed_inside(in, byte);
	case SUM_HIGH:
		value = digit((char)byte);
		in->want = (uint8_t)((unsigned int)value << 4);
		in->long_ |= value < 0;
		in->state = SUM_LOW;
		return RSP_NOTHING;
	case SUM_LOW:
		value = digit((char)byte);
		in->state = OUTSIDE;
		in->data[in->length] = '\0';
		if (value < 0 || in->long_ || in->escaped || (in->want | value) != in->sum)
			return RSP_BAD;
		return RSP_PACKET;
	default:
		return feed_outside(in, byte);
	}
}

/* --- answers --------------------------------------------------------------------------------- */

void rsp_start(struct rsp_out *out)
{
	out->length = 0;
	out->full = false;
}

static void put(struct rsp_out *out, const char *data, size_t bytes)
{
	if (out->full || bytes > RSP_MAX - out->length) {
		out->full = true;
		return;
	}
	memcpy(out->data + out->length, data, bytes);
	out->length += bytes;
}

void rsp_text(struct rsp_out *out, const char *text)
{
	put(out, text, strlen(text));
}

void rsp_print(struct rsp_out *out, const char *format, ...)
{
	char text[512];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(text))
		out->full = true;
	else
		put(out, text, (size_t)n);
}

void rsp_hex(struct rsp_out *out, const void *data, size_t bytes)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *from = data;

	for (size_t i = 0; i < bytes && !out->full; i++) {
		const char pair[2] = { digits[from[i] >> 4], digits[from[i] & 15] };

		put(out, pair, 2);
	}
}

void rsp_binary(struct rsp_out *out, const void *data, size_t bytes)
{
	const char *from = data;

	for (size_t i = 0; i < bytes && !out->full; i++) {
		const char escaped[2] = { '}', (char)(from[i] ^ 0x20) };

		if (from[i] == '#' || from[i] == '$' || from[i] == '}' || from[i] == '*')
			put(out, escaped, 2);
		else
			put(out, from + i, 1);
	}
}

void rsp_error(struct rsp_out *out, unsigned int number)
{
	rsp_start(out);
	rsp_print(out, "E%02x", number & 0xff);
}

size_t rsp_frame(const struct rsp_out *out, char *frame)
{
	static const char too_long[] = "E16";
	const char *data = out->full ? too_long : out->data;
	size_t length = out->full ? sizeof(too_long) - 1 : out->length;
	uint8_t sum = 0;

	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + (uint8_t)data[i]);
	frame[0] = '$';
	memcpy(frame + 1, data, length);
	snprintf(frame + 1 + length, 4, "#%02x", sum);
	return length + 4;
}

/* --- numbers --------------------------------------------------------------------------------- */

bool rsp_number(const char **at, uint64_t *value)
{
	const char *p = *at;

	*value = 0;
	for (; digit(*p) >= 0; p++) {
		if (*value >> 60)
			return false;
		*value = *value << 4 | (uint64_t)digit(*p);
	}
	if (p == *at)
		return false;
	*at = p;
	return true;
}

bool rsp_unhex(const char *text, size_t length, uint8_t *data, size_t bytes)
{
	if (length % 2 || length / 2 != bytes)
		return false;
	for (size_t i = 0; i < bytes; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		data[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
