// SPDX-License-Identifier: MIT
/* What benchmark programs share: the table of their rows, ours and the peer's in turn. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

struct options {
	const char *json, *filter;
	unsigned int rounds;
	bool json_stdout;
};

struct figure {
	double value, peer_value, ratio;
	bool absent, met;
};

static int probe_main(const char *name)
{
	int out;

	for (const struct bench_probe *const *table = bench_tables; *table; table++) {
		for (const struct bench_probe *p = *table; p->name; p++) {
			double value;

			if (strcmp(p->name, name))
				continue;
			/* Probes may print; the figures are all that the pipe carries. */
			out = dup(STDOUT_FILENO);
			if (out < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
				return 1;
			value = p->run();
			if (value < 0)
				return 1;
			dprintf(out, "%.9g %.9g\n", value, bench_peer_figure);
			return 0;
		}
	}
	fprintf(stderr, "gaon-bench: no probe named %s\n", name);
	return 2;
}

static bool has_peer(const struct bench_row *row)
{
	return row->theirs || row->pair;
}

static bool measure(const struct bench_row *row, const struct options *o, const char *self,
		    struct figure *f)
{
	unsigned int rounds = row->rounds ? row->rounds : o->rounds;
	double ours[64], theirs[64], ratios[64];

	if (rounds > 64)
		rounds = 64;
	for (unsigned int i = 0; i < rounds; i++) {
		ours[i] = bench_spawn(self, row->ours, row->ours_env, &theirs[i]);
		if (!row->pair)
			theirs[i] = row->theirs ? bench_spawn(self, row->theirs, row->theirs_env, NULL) : 1;
		if (ours[i] <= 0 || theirs[i] <= 0)
			return false;
		ratios[i] = ours[i] / theirs[i];
	}
	f->value = bench_median(ours, rounds);
	f->peer_value = has_peer(row) ? bench_median(theirs, rounds) : 0;
	f->ratio = has_peer(row) ? bench_median(ratios, rounds) : 0;
	f->met = true;
	if (row->ratio > 0)
		f->met = row->at_most ? f->ratio <= row->ratio : f->ratio >= row->ratio;
	if (row->bound > 0)
		f->met = f->met && (row->at_most ? f->value <= row->bound : f->value >= row->bound);
	return true;
}

static void reach_text(const struct bench_row *row, char *text, size_t size)
{
	const char *sign = row->at_most ? "<=" : ">=";

	if (row->ratio > 0 && row->bound > 0)
		snprintf(text, size, "%s %gx, %s %g %s", sign, row->ratio, sign, row->bound, row->unit);
	else if (row->ratio > 0)
		snprintf(text, size, "%s %gx", sign, row->ratio);
	else
		snprintf(text, size, "%s %g %s", sign, row->bound, row->unit);
}

static void print_figure(const struct bench_row *row, const struct figure *f)
{
	bool colour = isatty(STDOUT_FILENO);
	char reach[80], peer[96] = "";

	reach_text(row, reach, sizeof(reach));
	if (f->absent) {
		printf("%-24s %41s  this host lacks what it needs, or it failed (see above)\n",
		       row->name, "-");
		return;
	}
	if (has_peer(row))
		snprintf(peer, sizeof(peer), "%10.4g  %6.3fx", f->peer_value, f->ratio);
	printf("%-24s %10.4g %-14s %-20s  %-22s %s%s%s\n", row->name, f->value, row->unit, peer, reach,
	       colour ? (f->met ? "\033[32m" : "\033[31m") : "", f->met ? "reached" : "missed",
	       colour ? "\033[0m" : "");
	fflush(stdout);
}

static json_t *figure_json(const struct bench_row *row, const struct figure *f)
{
	char reach[80];
	json_t *o;

	reach_text(row, reach, sizeof(reach));
	o = json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", row->name, "unit", row->unit, "peer",
		      row->peer ? row->peer : "", "reach", reach, "note",
		      f->absent ? "not measured: the host lacks what it needs" : row->limit);
	json_object_set_new(o, "value", f->absent ? json_null() : json_real(f->value));
	json_object_set_new(o, "peer_value",
			    f->absent || !has_peer(row) ? json_null() : json_real(f->peer_value));
	json_object_set_new(o, "ratio", f->absent || !has_peer(row) ? json_null() : json_real(f->ratio));
	return o;
}

static int run_rows(const struct options *o)
{
	json_t *array = json_array();
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	int status = 0;

	if (length <= 0)
		return 1;
	self[length] = '\0';
	if (!o->json_stdout)
		printf("%-24s %10s %-14s %-20s  %-22s\n", "figure", "value", "unit", "      peer   ratio",
		       "reach");
	for (const struct bench_row *row = bench_rows; row->name; row++) {
		struct figure f = { 0 };

		if (o->filter && !strstr(row->name, o->filter))
			continue;
		f.absent = !measure(row, o, self, &f);
		if (!o->json_stdout)
			print_figure(row, &f);
		json_array_append_new(array, figure_json(row, &f));
	}
	if (o->json && json_dump_file(array, o->json, JSON_INDENT(1))) {
		fprintf(stderr, "gaon-bench: cannot write %s\n", o->json);
		status = 1;
	}
	if (o->json_stdout) {
		json_dumpf(array, stdout, JSON_INDENT(1));
		printf("\n");
	}
	json_decref(array);
	return status;
}

static const char options_text[] =
	"  -f, --filter=TEXT      only figures whose name contains TEXT\n"
	"  -r, --rounds=N         pairs of runs per figure, 1 to 64 (default 5)\n"
	"  -j, --json             print the rows as JSON instead of a table\n"
	"      --json-file=FILE   write the rows to FILE as well\n"
	"  -h, --help             this text\n\n"
	"Exit status: 0 measured, 1 something failed, 2 usage. Missing a reach is not a failure.\n";

static void print_usage(FILE *to)
{
	fprintf(to, "usage: %s [OPTION]...\n%s\n\n%s", program_invocation_short_name, bench_about,
		options_text);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "filter", required_argument, NULL, 'f' }, { "rounds", required_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' },	    { "json-file", required_argument, NULL, 'J' },
		{ "probe", required_argument, NULL, 'p' },  { "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .rounds = 5 };
	int c;

	while ((c = getopt_long(argc, argv, "f:r:jh", longs, NULL)) != -1) {
		switch (c) {
		case 'f': o.filter = optarg; break;
		case 'r': o.rounds = (unsigned int)atoi(optarg); break;
		case 'j': o.json_stdout = true; break;
		case 'J': o.json = optarg; break;
		case 'p': return probe_main(optarg);
		case 'h': print_usage(stdout); return 0;
		default: print_usage(stderr); return 2;
		}
	}
	if (optind < argc || o.rounds < 1 || o.rounds > 64) {
		print_usage(stderr);
		return 2;
	}
	return run_rows(&o);
}
