// SPDX-License-Identifier: MIT
/*
 * Log lines "<level> cycle text\n" to a ring in host memory.  Lines from before LOG_SETUP wait in
 * SRAM; so do those of one pass of the main loop, to make one transfer of them.
 */
#include <stdarg.h>

#include "fw.h"

#define LOG_PENDING	4096u
#define LOG_LINE	128u
#define LOG_DATA_MIN	256u

static struct {
	uint64_t pa;			/* of the ring's header; 0: no ring */
	uint64_t written;
	uint32_t bytes;			/* of the ring's data */
	uint32_t level;
	uint32_t used;			/* of pending[] */
} ring = { .level = LOG_INFO };

static char pending[LOG_PENDING];

struct line {
	char text[LOG_LINE];
	uint32_t len;
};

static void put_char(struct line *line, char c)
{
	if (line->len < LOG_LINE - 1)
		line->text[line->len++] = c;
}

static void put_string(struct line *line, const char *s)
{
	while (*s)
		put_char(line, *s++);
}

/* Long division by ten: there is no 64-bit divide and no library to do it. */
static uint32_t divide_by_ten(uint64_t *value)
{
	uint64_t quotient = 0;
	uint32_t remainder = 0;

	for (int bit = 63; bit >= 0; bit--) {
		remainder = remainder << 1 | ((uint32_t)(*value >> bit) & 1);
		quotient <<= 1;
		if (remainder >= 10) {
			remainder -= 10;
			quotient |= 1;
		}
	}
	*value = quotient;
	return remainder;
}

static void put_decimal(struct line *line, uint64_t value)
{
	char digits[20];
	uint32_t count = 0;

	do {
		digits[count++] = (char)('0' + divide_by_ten(&value));
	} while (value);
	while (count)
		put_char(line, digits[--count]);
}

static void put_hex(struct line *line, uint32_t value)
{
	int shift = 28;

	while (shift && !(value >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put_char(line, "0123456789abcdef"[(value >> shift) & 15]);
}

static void put_format(struct line *line, const char *format, va_list args)
{
	for (; *format; format++) {
		if (*format != '%' || !format[1]) {
			put_char(line, *format);
			continue;
		}
		format++;
		if (*format == 'u')
			put_decimal(line, va_arg(args, uint32_t));
		else if (*format == 'x')
			put_hex(line, va_arg(args, uint32_t));
		else if (*format == 's')
			put_string(line, va_arg(args, const char *));
		else
			put_char(line, *format);
	}
}

void log_line(enum log_level level, const char *format, ...)
{
	struct line line = { .len = 0 };
	va_list args;

	if (level > ring.level)
		return;
	put_char(&line, '<');
	put_char(&line, (char)('0' + level));
	put_string(&line, "> ");
	put_decimal(&line, reg_read64(GAON_MCU_CYCLE_LO));
	put_char(&line, ' ');
	va_start(args, format);
	put_format(&line, format, args);
	va_end(args);
	line.text[line.len++] = '\n';
	if (line.len > LOG_PENDING - ring.used)
		log_flush();
	/* Without a ring the oldest lines are the ones worth keeping: how the device booted. */
	if (line.len > LOG_PENDING - ring.used)
		return;
	memcpy(pending + ring.used, line.text, line.len);
	ring.used += line.len;
}

static bool write_data(const char *text, uint32_t len)
{
	while (len) {
		uint32_t offset = (uint32_t)(ring.written & (ring.bytes - 1));
		uint32_t run = ring.bytes - offset < len ? ring.bytes - offset : len;

		if (!dma_write(ring.pa + sizeof(struct gaon_log_ring) + offset, text, run))
			return false;
		ring.written += run;
		text += run;
		len -= run;
	}
	return true;
}

void log_flush(void)
{
	if (!ring.pa || !ring.used)
		return;
	/* The data first, then the index that says it is there. */
	if (!write_data(pending, ring.used) ||
	    !dma_write(ring.pa, &ring.written, sizeof(ring.written)))
		ring.pa = 0;
	ring.used = 0;
}

/* The largest power of two that fits: positions are then a mask of a 64-bit count. */
static uint32_t data_bytes(uint32_t bytes)
{
	uint32_t size = LOG_DATA_MIN;

	while (size <= (bytes - (uint32_t)sizeof(struct gaon_log_ring)) / 2)
		size *= 2;
	return size;
}

uint32_t log_setup(uint64_t pa, uint32_t bytes, uint32_t level)
{
	struct gaon_log_ring header = { 0 };

	if (level > LOG_DEBUG)
		return GAON_ADMIN_ERR_RANGE;
	if (!pa && !bytes) {
		log_flush();
		ring.pa = 0;
		ring.level = level;
		return GAON_ADMIN_OK;
	}
	if (pa % 8)
		return GAON_ADMIN_ERR_ALIGN;
	if (!pa || bytes < sizeof(header) + LOG_DATA_MIN || bytes > INT32_MAX ||
	    pa > GAON_PA_MASK - bytes)
		return GAON_ADMIN_ERR_RANGE;
	header.bytes = data_bytes(bytes);
	if (!dma_write(pa, &header, sizeof(header)))
		return GAON_ADMIN_ERR_DMA;
	ring.pa = pa;
	ring.bytes = header.bytes;
	ring.written = 0;
	ring.level = level;
	return GAON_ADMIN_OK;
}
