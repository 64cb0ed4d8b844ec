// SPDX-License-Identifier: MIT
/* gaon-bench: every figure of Documentation/performance.rst that the embedded device gives. */
#include "bench.h"

const char bench_about[] =
	"Measure the embedded device against peers on this machine; ours and theirs in turn.\n"
	"OMP_NUM_THREADS limits the host threads of both sides (default: all processors).";

#define NO_CORETYPE	"OPENBLAS_CORETYPE= OPENBLAS_L2_SIZE="

const struct bench_row bench_rows[] = {
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
	{ .name = "prof_digits", .unit = "s", .ours = "digits_prof", .theirs = "digits",
	  .peer = "gaon-demo-digits without gaon prof", .ratio = 1.05, .at_most = true,
	  .limit = "a note per call, a timestamp per operation" },
	{ .name = "record_digits", .unit = "s", .ours = "digits_record", .theirs = "digits",
	  .peer = "gaon-demo-digits without gaon record", .ratio = 1.2, .at_most = true,
	  .limit = "a record per call and its check sum, data written once" },
	{ .name = "prof_llm", .unit = "s", .ours = "llm_prof", .theirs = "llm",
	  .peer = "gaon-demo-llm --no-processor without gaon prof", .ratio = 1.05, .at_most = true,
	  .limit = "a note per call, a timestamp per operation" },
	{ .name = "record_llm", .unit = "s", .ours = "llm_record", .theirs = "llm",
	  .peer = "gaon-demo-llm --no-processor without gaon record", .ratio = 1.2, .at_most = true,
	  .limit = "a record per call and its check sum, data written once" },
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
	{ .name = "exporter_scrape_8_cards", .unit = "ms of CPU", .ours = "gaon_exporter_scrape", .bound = 5,
	  .at_most = true, .rounds = 3, .limit = "opening and reading 300 files of sysfs" },
	{ .name = "gaon_info", .unit = "ms", .ours = "gaon_info", .bound = 50, .at_most = true,
	  .limit = "opening files: 26 of each card, directories of 308 processes" },
	{ .name = "gaon_top", .unit = "% of a core", .ours = "gaon_top", .bound = 2, .at_most = true, .rounds = 3,
	  .limit = "directories of all processes, once a second" },
	{ .name = NULL },
};

const struct bench_probe *const bench_tables[] = {
	bench_probes_launch, bench_probes_copy, bench_probes_gemm, bench_probes_core,
	bench_probes_pocl, bench_probes_blas, bench_probes_memory, bench_probes_native,
	bench_probes_admin, bench_probes_cards, bench_probes_watch,
	NULL,
};
