// SPDX-License-Identifier: MIT
/* What tests find and measure, and how far they are. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../cmd.h"
#include "diag.h"

#define SHOW_AFTER_S	2.0
#define SHOW_EVERY_S	0.1

volatile int diag_stopped;

/* Unknown is worse than a warning, and not as bad as what is known to be. */
static int rank(enum diag_verdict v)
{
	static const int ranks[] = {
		[DIAG_OK] = 0, [DIAG_WARNING] = 1, [DIAG_UNKNOWN] = 2, [DIAG_CRITICAL] = 3
	};

	return ranks[v];
}

struct diag_finding *diag_find(struct diag *d, enum diag_verdict verdict, const char *fmt, ...)
{
	static struct diag_finding nowhere;
	struct diag_finding *f = d->count < DIAG_FINDINGS ? &d->findings[d->count++] : &nowhere;
	va_list ap;

	*f = (struct diag_finding){
		.test = d->test->name, .verdict = verdict, .core = DIAG_NONE, .channel = DIAG_NONE,
		.address = DIAG_NONE,
	};
	va_start(ap, fmt);
	vsnprintf(f->text, sizeof(f->text), fmt, ap);
	va_end(ap);
	d->result->wrong++;
	if (rank(verdict) > rank(d->result->verdict))
		d->result->verdict = verdict;
	return f;
}

void diag_skip(struct diag *d, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(d->result->skipped, sizeof(d->result->skipped), fmt, ap);
	va_end(ap);
}

static enum diag_verdict verdict_of(enum gaon_status status)
{
	switch (status) {
	case GAON_ERROR_FAULT:
	case GAON_ERROR_DEVICE_LOST:
	case GAON_ERROR_TIMEOUT:
	case GAON_ERROR_FIRMWARE:
	case GAON_ERROR_INTERNAL:
		return DIAG_CRITICAL;
	default:
		return DIAG_UNKNOWN;
	}
}

bool diag_good(struct diag *d, enum gaon_status status, const char *what)
{
	struct gaon_fault fault = { .size = sizeof(fault) };
	struct diag_finding *f;

	if (status == GAON_OK)
		return true;
	if (status == GAON_ERROR_FAULT && d->stream && gaon_stream_get_fault(d->stream, &fault) == GAON_OK) {
		f = diag_find(d, DIAG_CRITICAL, "%s: %s", what, fault.text);
		if (fault.core != 255)
			f->core = fault.core;
		f->address = fault.va ? fault.va : DIAG_NONE;
		gaon_stream_clear_fault(d->stream);
		return false;
	}
	diag_find(d, verdict_of(status), "%s: %s (%s)", what, gaon_last_error()->text, gaon_status_name(status));
	return false;
}

void diag_measure(struct diag *d, const char *name, const char *unit, double value, double most,
		  double warning, double critical)
{
	struct diag_figure *g;

	if (d->figure_count < DIAG_FIGURES) {
		g = &d->figures[d->figure_count++];
		*g = (struct diag_figure){
			.test = d->test->name,
			.unit = unit,
			.value = value,
			.warning = most > 0 ? most * warning : NAN,
			.critical = most > 0 ? most * critical : NAN,
			.most = most > 0 ? most : NAN,
		};
		snprintf(g->name, sizeof(g->name), "%s", name);
	}
	if (most <= 0 || value >= most * warning)
		return;
	diag_find(d, value < most * critical ? DIAG_CRITICAL : DIAG_WARNING,
		  "%s is %.4g %s, %.0f %% of the %.4g %s that by the device's own word it should be; good is %.0f %%", name, value, unit,
		  100 * value / most, most, unit, 100 * warning);
}

bool diag_progress(struct diag *d, double part)
{
	const int width = 30;
	double now = cmd_now();
	int full = (int)(part * width);

	if (now - d->began < SHOW_AFTER_S || now - d->shown < SHOW_EVERY_S || !isatty(STDERR_FILENO))
		return !diag_stopped;
	d->shown = now;
	full = full < 0 ? 0 : full > width ? width : full;
	fprintf(stderr, "\r%-16s [%.*s%.*s] %3.0f %%  %.0f s \033[K", d->test->name, full,
		"##############################", width - full, "..............................",
		100 * (part < 1 ? part : 1), now - d->began);
	fflush(stderr);
	return !diag_stopped;
}
