// SPDX-License-Identifier: MIT
/*
 * gaon-bench-llm: a language model in llama.cpp on the device and on ggml's processor backend, in
 * turn in the same run, two threads each. Ratios are of pairs that were measured one after the
 * other; the median counts.
 */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench_llm.h"

#define ROUNDS_MAX	32

static const struct llm_row *const tables[] = {
	llm_rows_speed, llm_rows_products, llm_rows_limits, llm_rows_modelled, NULL,
};

static int compare_ratios(const void *a, const void *b)
{
	const struct llm_pair *x = a, *y = b;
	double left = x->peer ? x->gaon / x->peer : x->gaon,
	       right = y->peer ? y->gaon / y->peer : y->gaon;

	return (left > right) - (left < right);
}

/* The pair with the median ratio. */
static bool measure_row(const struct llm_row *row, const struct llm_options *o,
			ggml_backend_dev_t device, struct llm_pair *median)
{
	struct llm_pair pairs[ROUNDS_MAX] = { 0 };
	int rounds = row->once ? 1 : o->rounds;

	for (int i = 0; i < rounds; i++)
		if (!row->measure(o, row, device, &pairs[i]))
			return false;
	qsort(pairs, rounds, sizeof(pairs[0]), compare_ratios);
	*median = pairs[rounds / 2];
	return true;
}

/* What the processor has, out of /proc/cpuinfo. */
static bool has_flag(const char *flag)
{
	FILE *file = fopen("/proc/cpuinfo", "r");
	char *line = NULL, *save, *word;
	bool found = false;
	size_t size = 0;

	while (file && !found && getline(&line, &size, file) > 0) {
		if (strncmp(line, "flags", 5))
			continue;
		for (word = strtok_r(line, " \t\n", &save); word && !found;
		     word = strtok_r(NULL, " \t\n", &save))
			found = !strcmp(word, flag);
		break;
	}
	free(line);
	if (file)
		fclose(file);
	return found;
}

/* ">= 2x on a processor with amx_int8" */
static void reach_text(const struct llm_row *row, char *text, size_t size)
{
	text[0] = '\0';
	if (row->reach)
		snprintf(text, size, "%s %g%s%s%s", row->less_is_better ? "<=" : ">=", row->reach,
			 row->peer ? "x" : row->unit, row->needs ? " on a processor with " : "",
			 row->needs ? row->needs : "");
}

static void verdict_text(const struct llm_row *row, const struct llm_pair *p, char *text, size_t size)
{
	double compared = row->peer ? p->gaon / p->peer : p->gaon;

	if (!row->reach)
		text[0] = '\0';
	else if (row->needs && !has_flag(row->needs))
		snprintf(text, size, "not measured: this processor has no %s", row->needs);
	else
		snprintf(text, size, "%s", (row->less_is_better ? compared <= row->reach :
								   compared >= row->reach) ?
						   "reached" :
						   "missed");
}

static json_t *row_json(const struct llm_row *row, const struct llm_pair *p)
{
	char reach[80], verdict[80], note[320];
	json_t *object;

	reach_text(row, reach, sizeof(reach));
	verdict_text(row, p, verdict, sizeof(verdict));
	snprintf(note, sizeof(note), "%s%s%s%s%s", row->note, p->note[0] ? ": " : "", p->note,
		 verdict[0] ? "; reach " : "", verdict);
	object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:f}", "name", row->name, "unit", row->unit,
			   "peer", row->peer ? row->peer : "", "reach", reach, "note", note, "value",
			   p->gaon);
	json_object_set_new(object, "peer_value", row->peer ? json_real(p->peer) : json_null());
	json_object_set_new(object, "ratio", row->peer ? json_real(p->gaon / p->peer) : json_null());
	return object;
}

static void print_row(const struct llm_row *row, const struct llm_pair *p)
{
	char reach[80], verdict[80];

	reach_text(row, reach, sizeof(reach));
	verdict_text(row, p, verdict, sizeof(verdict));
	printf("%-26s %10.4g %-10s", row->name, p->gaon, row->unit);
	if (row->peer)
		printf(" %10.4g %7.3fx", p->peer, p->gaon / p->peer);
	else
		printf(" %10s %8s", "", "");
	printf("   %s%s%s\n", reach, verdict[0] ? ": " : "", verdict);
	if (p->note[0])
		printf("%26s %s\n", "", p->note);
	fflush(stdout);
}

/* False: it failed, with a message. */
static bool run_row(const struct llm_row *row, const struct llm_options *o,
		    ggml_backend_dev_t device, json_t *array)
{
	struct llm_pair median;

	if (row->bf16 && !o->bf16) {
		fprintf(stderr, "gaon-bench-llm: %s: no --bf16=FILE\n", row->name);
		return false;
	}
	if (!measure_row(row, o, device, &median)) {
		fprintf(stderr, "gaon-bench-llm: %s failed: the lines above say why\n", row->name);
		return false;
	}
	print_row(row, &median);
	json_array_append_new(array, row_json(row, &median));
	return true;
}

static int run_rows(const struct llm_options *o, ggml_backend_dev_t device)
{
	json_t *array = json_array();
	bool any = false;
	int status = 0;

	printf("%-26s %10s %-10s %10s %8s   reach\n", "figure", "value", "unit", "against", "ratio");
	for (size_t t = 0; tables[t]; t++)
		for (const struct llm_row *row = tables[t]; row->name; row++) {
			if (o->filter && !strstr(row->name, o->filter))
				continue;
			any = true;
			if (!run_row(row, o, device, array))
				status = 1;
		}
	if (!any) {
		fprintf(stderr, "gaon-bench-llm: no figure's name contains %s\n", o->filter);
		status = 2;
	}
	if (o->json && json_dump_file(array, o->json, JSON_INDENT(1))) {
		fprintf(stderr, "gaon-bench-llm: cannot write %s\n", o->json);
		status = 1;
	}
	json_decref(array);
	return status;
}

static void usage(FILE *out)
{
	fputs("Usage: gaon-bench-llm [OPTION]...\n"
	      "A language model on the device and on ggml's processor backend, in turn.\n\n"
	      "  --model=FILE      in GGUF (default: $GAON_LLM)\n"
	      "  --bf16=FILE       the same in bf16 (default: $GAON_LLM_BF16)\n"
	      "  --filter=TEXT     only figures whose name contains TEXT\n"
	      "  --rounds=N        pairs per figure, 1 to 32 (default 3)\n"
	      "  --json-file=FILE  write the rows to FILE as well\n"
	      "  --help            this text\n"
	      "\nExit status: 0 done, also if a figure is missed; 1 failed; 2 wrong usage.\n",
	      out);
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "model", required_argument, NULL, 'm' },
		{ "bf16", required_argument, NULL, 'b' },
		{ "filter", required_argument, NULL, 'f' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "json-file", required_argument, NULL, 'j' },
		{ "probe", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	struct llm_options o = {
		.model = getenv("GAON_LLM"),
		.bf16 = getenv("GAON_LLM_BF16"),
		.rounds = 3,
	};
	ggml_backend_dev_t device;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'm': o.model = optarg; break;
		case 'b': o.bf16 = optarg; break;
		case 'f': o.filter = optarg; break;
		case 'r': o.rounds = atoi(optarg); break;
		case 'j': o.json = optarg; break;
		case 'p': o.probe = optarg; break;
		case 'h': usage(stdout); return 0;
		default: usage(stderr); return 2;
		}
	}
	if (optind < argc || !o.model || o.rounds < 1 || o.rounds > ROUNDS_MAX) {
		usage(stderr);
		return 2;
	}
	unsetenv("GGML_BACKEND_PATH");
	/* The processor by itself has no plug-in to load. */
	if (o.probe && strcmp(o.probe, "gaon")) {
		llm_start(NULL);
		return llm_probe(&o, NULL);
	}
	device = llm_start(GGML_PLUGIN);
	if (!device)
		return 1;
	return o.probe ? llm_probe(&o, device) : run_rows(&o, device);
}
