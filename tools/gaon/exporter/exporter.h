/* SPDX-License-Identifier: MIT */
/* gaon exporter: metrics of all cards as text, in files and over HTTP. */
#ifndef GAON_TOOLS_EXPORTER_H
#define GAON_TOOLS_EXPORTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../card/card.h"

/* --- text: metrics.c ---------------------------------------------------------------------------- */

enum metric_type {
	METRIC_GAUGE,
	METRIC_COUNTER,
	METRIC_INFO,
	METRIC_STATESET,
};

/* @open: OpenMetrics 1.0; else the text format 0.0.4 of Prometheus, which node_exporter's files have. */
struct metrics {
	char *text;
	size_t size, room;
	size_t families, samples;
	bool open, failed;	/* failed: no memory */
};

/* @unit: NULL or the end of @name; neither _total nor _info belongs to @name. */
struct metric_family {
	const char *name, *unit, *help;
	enum metric_type type;
};

struct metric_label {
	const char *name, *value;
};

/* Starts a family that has samples; those follow before the next one starts. */
void metrics_family(struct metrics *m, const struct metric_family *family);
/* @labels end with one without a name. */
void metrics_sample(struct metrics *m, const struct metric_family *family, const struct metric_label *labels,
		    double value);
void metrics_end(struct metrics *m);

/* --- what is in it: collect.c ------------------------------------------------------------------- */

/* All metrics of now; false without memory, with a message. The caller frees m->text. */
bool exporter_collect(struct metrics *m, bool open, bool processes);

/* Of ports of links to other cards (ports.c); false without memory, with a message. */
bool exporter_ports(struct metrics *m, const struct card_list *cards);

/* Errors of a card as of the last half minute, or of when it was awake; false: not known. */
bool exporter_errors_read(const struct card *card, struct card_errors *out);

/* --- over HTTP: serve.c ------------------------------------------------------------------------- */

struct exporter_options {
	const char *listen;
	bool processes, json;
};

/* Until SIGINT or SIGTERM. Returns the exit code. */
int exporter_serve(const struct exporter_options *options);

#endif
