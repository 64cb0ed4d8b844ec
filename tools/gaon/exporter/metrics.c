// SPDX-License-Identifier: MIT
/* The two text formats. They differ in what a counter's family is called, in types, units and the end. */
#include "exporter.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void append(struct metrics *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void append(struct metrics *m, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(m->room > m->size ? m->text + m->size : NULL, m->room - m->size, fmt, ap);
	va_end(ap);
	if (n < 0 || m->failed)
		return;
	if ((size_t)n < m->room - m->size) {
		m->size += (size_t)n;
		return;
	}
	text = realloc(m->text, 2 * (m->room + (size_t)n + 1));
	if (!text) {
		m->failed = true;
		return;
	}
	m->text = text;
	m->room = 2 * (m->room + (size_t)n + 1);
	va_start(ap, fmt);
	vsnprintf(m->text + m->size, m->room - m->size, fmt, ap);
	va_end(ap);
	m->size += (size_t)n;
}

static const char *suffix(const struct metric_family *family)
{
	return family->type == METRIC_COUNTER ? "_total" : family->type == METRIC_INFO ? "_info" : "";
}

void metrics_family(struct metrics *m, const struct metric_family *family)
{
	static const char *const types[] = { "gauge", "counter", "info", "stateset" };
	static const char *const old_types[] = { "gauge", "counter", "gauge", "gauge" };
	const char *end = m->open ? "" : suffix(family);

	append(m, "# HELP %s%s %s\n", family->name, end, family->help);
	append(m, "# TYPE %s%s %s\n", family->name, end, (m->open ? types : old_types)[family->type]);
	if (m->open && family->unit)
		append(m, "# UNIT %s %s\n", family->name, family->unit);
	m->families++;
}

/* A value may come from a file of a strange machine: what is not ASCII could be no UTF-8. */
static void append_label(struct metrics *m, const struct metric_label *label, bool first)
{
	char value[256];
	size_t n = 0;

	for (const char *c = label->value; *c && n < sizeof(value) - 2; c++) {
		if (*c == '\\' || *c == '"')
			value[n++] = '\\';
		value[n++] = (unsigned char)*c < ' ' || (unsigned char)*c > '~' ? '?' : *c;
	}
	value[n] = '\0';
	append(m, "%s%s=\"%s\"", first ? "" : ",", label->name, value);
}

void metrics_sample(struct metrics *m, const struct metric_family *family, const struct metric_label *labels,
		    double value)
{
	append(m, "%s%s", family->name, suffix(family));
	for (const struct metric_label *label = labels; label && label->name; label++) {
		if (label == labels)
			append(m, "{");
		append_label(m, label, label == labels);
	}
	append(m, "%s ", labels && labels->name ? "}" : "");
	/* Whole numbers stay whole: bytes and counts are below 2^53. */
	if (value == floor(value) && fabs(value) < 9e15)
		append(m, "%.0f\n", value);
	else
		append(m, "%.12g\n", value);
	m->samples++;
}

void metrics_end(struct metrics *m)
{
	if (m->open)
		append(m, "# EOF\n");
}
