// SPDX-License-Identifier: MIT
/* Results of `gaon diag`: a line for monitoring, lines for people, JSON. */
#include "output.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "../cmd.h"

const char *const diag_verdict_names[] = {
	[DIAG_OK] = "ok", [DIAG_WARNING] = "warning", [DIAG_CRITICAL] = "critical", [DIAG_UNKNOWN] = "unknown",
};

static bool is_skipped(const struct diag_result *r)
{
	return !r->ran || (r->skipped[0] && r->verdict == DIAG_OK);
}

static const struct diag_finding *worst_finding(const struct diag *d, enum diag_verdict verdict)
{
	for (size_t i = 0; i < d->count; i++) {
		if (d->findings[i].verdict == verdict)
			return &d->findings[i];
	}
	return NULL;
}

void diag_conclude(struct diag_run *run)
{
	static const enum diag_verdict order[] = { DIAG_CRITICAL, DIAG_UNKNOWN, DIAG_WARNING };
	unsigned int tests = 0, of[4] = { 0 };
	const struct diag_finding *f;

	for (size_t i = 0; diag_tests[i].name; i++) {
		if (run->asked[i] && !is_skipped(&run->results[i])) {
			tests++;
			of[run->results[i].verdict]++;
		}
	}
	run->verdict = tests && !run->interrupted ? DIAG_OK : DIAG_UNKNOWN;
	for (size_t i = 3; i--;) {
		if (of[order[i]] && !(order[i] == DIAG_WARNING && run->interrupted))
			run->verdict = order[i];
	}
	f = run->verdict == DIAG_OK ? NULL : worst_finding(&run->d, run->verdict);
	if (f)
		snprintf(run->summary, sizeof(run->summary), "%u of %u tests, %s: %s", tests - of[DIAG_OK], tests, f->test,
			 f->text);
	else if (run->interrupted)
		snprintf(run->summary, sizeof(run->summary), "interrupted, %u tests were good", of[DIAG_OK]);
	else if (!tests)
		snprintf(run->summary, sizeof(run->summary), "no test could be run");
	else
		snprintf(run->summary, sizeof(run->summary), "%u tests good in %.1f s", tests, run->seconds);
}

/* --- text ------------------------------------------------------------------------------------ */

/* A bar ends the text for those who read it. */
static void print_safe(const char *text)
{
	for (; *text; text++)
		putchar(*text == '|' ? '/' : isprint((unsigned char)*text) ? *text : ' ');
}

static void print_limit(double limit)
{
	if (isfinite(limit))
		printf(";%.4g:", limit);
	else
		printf(";");
}

/* 'label'=value;warning;critical;minimum;maximum */
static void print_figures(const struct diag_run *run)
{
	unsigned int failed = 0, tests = 0;

	for (size_t i = 0; diag_tests[i].name; i++) {
		tests += run->asked[i] && !is_skipped(&run->results[i]);
		failed += run->asked[i] && run->results[i].verdict != DIAG_OK;
	}
	printf(" | tests=%u;;;0 failed=%u;;0;0 seconds=%.3fs;;;0", tests, failed, run->seconds);
	for (size_t i = 0; i < run->d.figure_count; i++) {
		const struct diag_figure *g = &run->d.figures[i];

		printf(" %s=%.6g", g->name, g->value);
		print_limit(g->warning);
		print_limit(g->critical);
		printf(";0;");
		if (isfinite(g->most))
			printf("%.6g", g->most);
	}
}

static void print_test(const struct diag_run *run, size_t i)
{
	const struct diag_result *r = &run->results[i];
	const char *name = diag_tests[i].name;
	unsigned long long kept = 0;

	if (is_skipped(r)) {
		printf("%-8s  %-14s %s\n", "skipped", name, r->skipped);
		return;
	}
	printf("%-8s  %-14s %.3f s\n", diag_verdict_names[r->verdict], name, r->seconds);
	for (size_t n = 0; n < run->d.count; n++) {
		if (run->d.findings[n].test != name)
			continue;
		printf("          ");
		print_safe(run->d.findings[n].text);
		printf("\n");
		kept++;
	}
	if (r->wrong > kept && r->verdict != DIAG_OK)
		printf("          %llu more are wrong\n", (unsigned long long)(r->wrong - kept));
}

void diag_print_text(const struct diag_run *run)
{
	char word[16] = "";

	for (size_t i = 0; diag_verdict_names[run->verdict][i]; i++)
		word[i] = (char)toupper((unsigned char)diag_verdict_names[run->verdict][i]);
	printf("GAON %s - %s: ", word, run->d.info.name[0] ? run->d.info.name : run->d.device ? run->d.device : "device");
	print_safe(run->summary);
	print_figures(run);
	printf("\n");
	for (size_t i = 0; diag_tests[i].name; i++) {
		if (run->asked[i])
			print_test(run, i);
	}
	for (size_t i = 0; i < run->d.figure_count; i++) {
		const struct diag_figure *g = &run->d.figures[i];

		printf("%-26s %12.6g %s", g->name, g->value, g->unit);
		if (isfinite(g->most))
			printf(", %.0f %% of %.6g", 100 * g->value / g->most, g->most);
		printf("\n");
	}
	printf("seed %llu\n", (unsigned long long)run->d.seed);
}

/* --- JSON ------------------------------------------------------------------------------------ */

static json_t *number_or_null(uint64_t v)
{
	return v == DIAG_NONE ? json_null() : json_integer((json_int_t)v);
}

static json_t *hex_or_null(uint64_t v, bool known)
{
	char text[32];

	snprintf(text, sizeof(text), "%#llx", (unsigned long long)v);
	return known ? json_string(text) : json_null();
}

static json_t *real_or_null(double v)
{
	return isfinite(v) ? json_real(v) : json_null();
}

static json_t *finding_json(const struct diag_finding *f)
{
	return json_pack("{s:s, s:s, s:o, s:s?, s:s?, s:o, s:o, s:o, s:o, s:o}", "test", f->test,
			 "verdict", diag_verdict_names[f->verdict], "text", cmd_json_text(f->text),
			 "unit", f->unit, "instruction", f->instruction, "core",
			 number_or_null(f->core), "channel", number_or_null(f->channel), "address",
			 hex_or_null(f->address, f->address != DIAG_NONE), "expected",
			 hex_or_null(f->expected, f->values), "found",
			 hex_or_null(f->found, f->values));
}

static json_t *tests_json(const struct diag_run *run)
{
	json_t *array = json_array();

	for (size_t i = 0; diag_tests[i].name; i++) {
		const struct diag_result *r = &run->results[i];

		if (run->asked[i])
			json_array_append_new(
				array, json_pack("{s:s, s:i, s:s, s:o, s:f, s:I}", "name",
						 diag_tests[i].name, "level",
						 (int)diag_tests[i].level, "verdict",
						 is_skipped(r) ? "skipped"
							       : diag_verdict_names[r->verdict],
						 "skipped", cmd_json_text(r->skipped), "seconds",
						 r->seconds, "wrong", (json_int_t)r->wrong));
	}
	return array;
}

void diag_print_json(const struct diag_run *run)
{
	const struct diag *d = &run->d;
	json_t *findings = json_array(), *figures = json_array();

	for (size_t i = 0; i < d->count; i++)
		json_array_append_new(findings, finding_json(&d->findings[i]));
	for (size_t i = 0; i < d->figure_count; i++) {
		const struct diag_figure *g = &d->figures[i];

		json_array_append_new(figures,
				      json_pack("{s:s, s:s, s:s, s:f, s:o, s:o, s:o}", "name",
						g->name, "test", g->test, "unit", g->unit, "value",
						g->value, "warning", real_or_null(g->warning),
						"critical", real_or_null(g->critical), "most",
						real_or_null(g->most)));
	}
	cmd_print_json(json_pack(
		"{s:o, s:o, s:i, s:o, s:s, s:o, s:b, s:f, s:o, s:o, s:o}", "device",
		cmd_json_text(d->info.name), "transport", cmd_json_text(d->info.transport), "level",
		(int)d->level, "seed", hex_or_null(d->seed, true), "verdict",
		diag_verdict_names[run->verdict], "summary", cmd_json_text(run->summary),
		"interrupted", run->interrupted, "seconds", run->seconds, "tests", tests_json(run),
		"findings", findings, "figures", figures));
}

void diag_print_list(bool json)
{
	json_t *array = json_array();

	for (size_t i = 0; diag_tests[i].name; i++) {
		if (json)
			json_array_append_new(array, json_pack("{s:s, s:i, s:s}", "name",
							       diag_tests[i].name, "level",
							       (int)diag_tests[i].level, "help",
							       diag_tests[i].help));
		else
			printf("%u  %-14s %s\n", diag_tests[i].level, diag_tests[i].name, diag_tests[i].help);
	}
	if (json)
		cmd_print_json(json_pack("{s:O}", "tests", array));
	json_decref(array);
}
