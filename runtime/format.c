// SPDX-License-Identifier: MIT
#include "format.h"

#include <stdio.h>
#include <string.h>

#define WIDTH_MAX	512

struct format_state {
	char *out;
	size_t size, len;
	const uint64_t *args;
	size_t count, used;
	format_string_fn string;
	void *ctx;
};

struct format_spec {
	char flags[8];
	int width, precision;		/* precision -1: none */
	int length;			/* hh -2, h -1, none 0, l ll j z t 1 */
	char conversion;
};

static uint64_t next_arg(struct format_state *s)
{
	return s->used < s->count ? s->args[s->used++] : 0;
}

static void emit(struct format_state *s, const char *text, size_t len)
{
	size_t room = s->size - 1 - s->len;

	if (len > room)
		len = room;
	memcpy(s->out + s->len, text, len);
	s->len += len;
}

static const char *parse_number(struct format_state *s, const char *at, int *out)
{
	int value = 0;

	if (*at == '*') {
		int64_t arg = (int32_t)next_arg(s);

		*out = arg < 0 ? 0 : arg > WIDTH_MAX ? WIDTH_MAX : (int)arg;
		return at + 1;
	}
	for (; *at >= '0' && *at <= '9'; at++)
		value = value > WIDTH_MAX ? WIDTH_MAX : value * 10 + (*at - '0');
	*out = value > WIDTH_MAX ? WIDTH_MAX : value;
	return at;
}

static const char *parse_spec(struct format_state *s, const char *at, struct format_spec *spec)
{
	size_t n = 0;

	*spec = (struct format_spec){ .precision = -1 };
	for (; *at && strchr("-+ #0", *at); at++) {
		if (n < sizeof(spec->flags) - 1 && !strchr(spec->flags, *at))
			spec->flags[n++] = *at;
	}
	at = parse_number(s, at, &spec->width);
	if (*at == '.')
		at = parse_number(s, at + 1, &spec->precision);
	for (; *at && strchr("hlLqjzt", *at); at++)
		spec->length += *at == 'h' ? -1 : spec->length <= 0 ? 1 : 0;
	spec->conversion = *at;
	return *at ? at + 1 : at;
}

static int64_t signed_of(uint64_t value, int length)
{
	return length <= -2 ? (int8_t)value : length == -1 ? (int16_t)value :
	       length == 0 ? (int32_t)value : (int64_t)value;
}

static uint64_t unsigned_of(uint64_t value, int length)
{
	return length <= -2 ? (uint8_t)value : length == -1 ? (uint16_t)value :
	       length == 0 ? (uint32_t)value : value;
}

/* The host's own printf does one conversion, from a format that is built here. */
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-nonliteral"
static void emit_conversion(struct format_state *s, const struct format_spec *spec)
{
	char host[32], text[1200], string[1024] = "";
	uint64_t arg = 0;
	double number;
	int n = 0;

	if (spec->precision >= 0)
		snprintf(host, sizeof(host), "%%%s*.*", spec->flags);
	else
		snprintf(host, sizeof(host), "%%%s*", spec->flags);
#define HOST_FORMAT(suffix, value)							\
	(strcat(host, suffix), spec->precision >= 0 ?					\
	 snprintf(text, sizeof(text), host, spec->width, spec->precision, value) :	\
	 snprintf(text, sizeof(text), host, spec->width, value))
	switch (spec->conversion) {
	case 'd': case 'i':
		n = HOST_FORMAT("lld", (long long)signed_of(next_arg(s), spec->length));
		break;
	case 'u':
		n = HOST_FORMAT("llu", (unsigned long long)unsigned_of(next_arg(s), spec->length));
		break;
	case 'x':
		n = HOST_FORMAT("llx", (unsigned long long)unsigned_of(next_arg(s), spec->length));
		break;
	case 'X':
		n = HOST_FORMAT("llX", (unsigned long long)unsigned_of(next_arg(s), spec->length));
		break;
	case 'o':
		n = HOST_FORMAT("llo", (unsigned long long)unsigned_of(next_arg(s), spec->length));
		break;
	case 'f': case 'F': case 'e': case 'E': case 'g': case 'G': case 'a': case 'A':
		arg = next_arg(s);
		memcpy(&number, &arg, sizeof(number));
		n = HOST_FORMAT(((char[]){ spec->conversion, 0 }), number);
		break;
	case 's':
		arg = next_arg(s);
		if (!s->string || !s->string(s->ctx, arg, string, sizeof(string)))
			snprintf(string, sizeof(string), "(%#llx)", (unsigned long long)arg);
		n = HOST_FORMAT("s", string);
		break;
	case 'p':
		n = snprintf(text, sizeof(text), "%#llx", (unsigned long long)next_arg(s));
		break;
	case 'c':
		text[0] = (char)next_arg(s);
		n = 1;
		break;
	case '%':
		text[0] = '%';
		n = 1;
		break;
	}
#undef HOST_FORMAT
	if (n > 0)
		emit(s, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}
#pragma clang diagnostic pop

void gaon_format(char *out, size_t size, const char *format, const uint64_t *args, size_t count,
		 format_string_fn string, void *ctx)
{
	struct format_state s = { out, size, 0, args, count, 0, string, ctx };
	const char *at = format;

	while (*at) {
		size_t plain = strcspn(at, "%");
		struct format_spec spec;

		emit(&s, at, plain);
		at += plain;
		if (!*at)
			break;
		at = parse_spec(&s, at + 1, &spec);
		emit_conversion(&s, &spec);
	}
	out[s.len] = '\0';
}
