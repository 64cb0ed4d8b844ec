// SPDX-License-Identifier: MIT
/* gaon-bench: every figure of Documentation/performance.rst, ours and the peer's in turn. */
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench.h"

#define NO_CORETYPE	"OPENBLAS_CORETYPE= OPENBLAS_L2_SIZE="

static const struct bench_row rows[] = {
	{ .name = "launch_roundtrip", .unit = "us", .ours = "gaon_roundtrip", .theirs = "pocl_roundtrip",
	  .peer = "PoCL enqueue + clFinish", .ratio = 0.1, .at_most = true,
	  .limit = "packet checks, entry of the hart, two stores" },
	{ .name = "launch_after_idle", .unit = "us", .ours = "gaon_after_idle", .theirs = "pocl_after_idle",
	  .peer = "PoCL enqueue + clFinish", .ratio = 1.0, .at_most = true,
	  .limit = "cold caches; waking the sleeping worker" },
	{ .name = "launch_enqueue", .unit = "us", .ours = "gaon_enqueue", .theirs = "pocl_enqueue",
	  .peer = "PoCL enqueue", .ratio = 0.25, .bound = 0.5, .at_most = true,
	  .limit = "argument copy, one packet, one release store" },
	{ .name = "open_device", .unit = "ms", .ours = "gaon_open", .bound = 50, .at_most = true,
	  .limit = "Ed25519 check, firmware boot, address space" },
	{ .name = "copy_h2d", .unit = "GB/s", .ours = "gaon_h2d", .theirs = "memory_memcpy",
	  .peer = "memcpy", .ratio = 0.9, .limit = "memory bandwidth of one thread" },
	{ .name = "copy_d2h", .unit = "GB/s", .ours = "gaon_d2h", .theirs = "memory_memcpy",
	  .peer = "memcpy", .ratio = 0.9, .limit = "memory bandwidth of one thread" },
	{ .name = "gemm_f32_2048", .unit = "GFLOP/s", .ours = "gaon_gemm_f32", .theirs = "blas_sgemm",
	  .theirs_env = NO_CORETYPE, .peer = "OpenBLAS sgemm, CPU as it detects it", .ratio = 1.0,
	  .limit = "fused multiply-adds per cycle" },
	{ .name = "gemm_f32_2048_skylakex", .unit = "GFLOP/s", .ours = "gaon_gemm_f32",
	  .theirs = "blas_sgemm", .theirs_env = "OPENBLAS_CORETYPE=SkylakeX OPENBLAS_L2_SIZE=",
	  .peer = "OpenBLAS sgemm, SkylakeX kernels", .ratio = 0.85,
	  .limit = "fused multiply-adds per cycle" },
	{ .name = "gemm_bf16_2048", .unit = "GFLOP/s", .ours = "gaon_gemm_bf16_amx",
	  .ours_env = "GAON_SIM_MATRIX=amx", .theirs = "dnnl_bf16", .peer = "oneDNN matmul bf16",
	  .ratio = 0.7, .limit = "AMX tiles; packing" },
	{ .name = "gemm_bf16_2048_avx512", .unit = "GFLOP/s", .ours = "gaon_gemm_bf16",
	  .ours_env = "GAON_SIM_MATRIX=avx512", .theirs = "gaon_gemm_f32",
	  .theirs_env = "GAON_SIM_MATRIX=avx512", .peer = "our f32 gemm, AVX-512 path", .ratio = 0.8,
	  .limit = "two conversions and an addition per chunk of 32" },
	{ .name = "matvec_q4_1", .unit = "GB/s per core", .ours = "gaon_matvec_q4_1",
	  .theirs = "memory_read", .theirs_env = "OMP_NUM_THREADS=1",
	  .peer = "memory read bandwidth, one thread",
	  .bound = 9, .limit = "memory bandwidth: the weights are read once and copied to the scratchpad" },
	{ .name = "scalar_mips", .unit = "MIPS", .ours = "gaon_scalar", .bound = 300,
	  .limit = "dispatch of the interpreter" },
	{ .name = "vector_saxpy", .unit = "Mel/s", .ours = "gaon_saxpy", .theirs = "native_saxpy",
	  .peer = "the same source natively", .ratio = 0.5, .limit = "memory bandwidth, page look-ups" },
	{ .name = "vector_softmax", .unit = "Mel/s", .ours = "gaon_softmax", .theirs = "native_softmax",
	  .peer = "the same source natively", .ratio = 0.5,
	  .limit = "register file in the first-level cache" },
};

#define ROWS	(sizeof(rows) / sizeof(rows[0]))

struct options {
	const char *json, *filter;
	unsigned int rounds;
	bool json_stdout;
};

struct figure {
	double value, peer_value, ratio;
	bool absent, met;
};

static const struct bench_probe *const tables[] = {
	bench_probes_launch, bench_probes_copy, bench_probes_gemm, bench_probes_core,
	bench_probes_pocl, bench_probes_blas, bench_probes_memory, bench_probes_native,
};

static int probe_main(const char *name)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++) {
		for (const struct bench_probe *p = tables[t]; p->name; p++) {
			double value;

			if (strcmp(p->name, name))
				continue;
			value = p->run();
			if (value < 0)
				return 1;
			printf("%.9g\n", value);
			return 0;
		}
	}
	fprintf(stderr, "gaon-bench: no probe named %s\n", name);
	return 2;
}

static bool measure(const struct bench_row *row, const struct options *o, const char *self,
		    struct figure *f)
{
	unsigned int rounds = row->rounds ? row->rounds : o->rounds;
	double ours[64], theirs[64], ratios[64];

	if (rounds > 64)
		rounds = 64;
	for (unsigned int i = 0; i < rounds; i++) {
		ours[i] = bench_spawn(self, row->ours, row->ours_env);
		theirs[i] = row->theirs ? bench_spawn(self, row->theirs, row->theirs_env) : 1;
		if (ours[i] <= 0 || theirs[i] <= 0)
			return false;
		ratios[i] = ours[i] / theirs[i];
	}
	f->value = bench_median(ours, rounds);
	f->peer_value = row->theirs ? bench_median(theirs, rounds) : 0;
	f->ratio = row->theirs ? bench_median(ratios, rounds) : 0;
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
	if (row->theirs)
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
			    f->absent || !row->theirs ? json_null() : json_real(f->peer_value));
	json_object_set_new(o, "ratio", f->absent || !row->theirs ? json_null() : json_real(f->ratio));
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
	for (size_t i = 0; i < ROWS; i++) {
		struct figure f = { 0 };

		if (o->filter && !strstr(rows[i].name, o->filter))
			continue;
		f.absent = !measure(&rows[i], o, self, &f);
		if (!o->json_stdout)
			print_figure(&rows[i], &f);
		json_array_append_new(array, figure_json(&rows[i], &f));
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

static const char usage[] =
	"usage: gaon-bench [OPTION]...\n"
	"Measure the embedded device against peers on this machine; ours and theirs in turn.\n\n"
	"  -f, --filter=TEXT      only figures whose name contains TEXT\n"
	"  -r, --rounds=N         pairs of runs per figure, 1 to 64 (default 5)\n"
	"  -j, --json             print the rows as JSON instead of a table\n"
	"      --json-file=FILE   write the rows to FILE as well\n"
	"  -h, --help             this text\n\n"
	"OMP_NUM_THREADS limits the host threads of both sides (default: all processors).\n"
	"Exit status: 0 measured, 1 something failed, 2 usage. Missing a reach is not a failure.\n";

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
		case 'h': fputs(usage, stdout); return 0;
		default: fputs(usage, stderr); return 2;
		}
	}
	if (optind < argc || o.rounds < 1 || o.rounds > 64) {
		fputs(usage, stderr);
		return 2;
	}
	return run_rows(&o);
}
