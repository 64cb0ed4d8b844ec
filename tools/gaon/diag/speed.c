// SPDX-License-Identifier: MIT
/*
 * How fast the device is by its own clock, against what it says of itself: link, memory, core
 * clock, matrix arrays. Starts and ends of launches and copies are left out by measuring a short
 * and a long one.
 */
#include <stdio.h>
#include <stdlib.h>

#include <hw/gaon_xgaon.h>

#include "diag.h"
#include "matrix.h"

#define WARNING_PART	0.9
#define CRITICAL_PART	0.75

static bool has_time(struct diag *d, int64_t ns)
{
	if (ns > 0)
		return true;
	if (!d->result->wrong)
		diag_skip(d, "the device measures no time");
	return false;
}

/* --- link ------------------------------------------------------------------------------------ */

static bool copy_timed(struct diag *d, uint64_t to, uint64_t from, uint64_t bytes, int64_t *ns)
{
	struct gaon_event *start = NULL, *end = NULL;
	bool good;

	good = diag_good(d, gaon_event_create(d->dev, GAON_EVENT_TIMED, &start), "making an event") &&
	       diag_good(d, gaon_event_create(d->dev, GAON_EVENT_TIMED, &end), "making an event") &&
	       diag_good(d, gaon_event_record(d->stream, start), "recording") &&
	       diag_good(d, gaon_mem_copy_async(d->stream, to, from, bytes), "copying") &&
	       diag_good(d, gaon_event_record(d->stream, end), "recording") &&
	       diag_good(d, gaon_stream_wait(d->stream, DIAG_WAIT_NS), "copying") &&
	       diag_good(d, gaon_event_elapsed(start, end, ns, NULL), "reading the device's time");
	if (start)
		gaon_event_destroy(start);
	if (end)
		gaon_event_destroy(end);
	return good;
}

static bool copy_speed(struct diag *d, const char *name, uint64_t to, uint64_t from, uint64_t bytes,
		       double most)
{
	int64_t small, large;

	if (!copy_timed(d, to, from, bytes / 4, &small) || !copy_timed(d, to, from, bytes, &large) ||
	    !has_time(d, large - small))
		return false;
	diag_measure(d, name, "GB/s", (double)(bytes - bytes / 4) / (double)(large - small), most, WARNING_PART,
		     CRITICAL_PART);
	return true;
}

static void check_lanes(struct diag *d)
{
	struct gaon_device_board board = { .size = sizeof(board) };

	if (!diag_good(d, gaon_device_get_board(d->dev, &board), "reading the board") || !board.link_mtps)
		return;
	if (board.link_mtps < board.link_mtps_max || board.link_width < board.link_width_max)
		diag_find(d, DIAG_WARNING, "the PCIe link has %u lanes of %.1f GT/s; the card can do %u of %.1f", board.link_width,
			  board.link_mtps / 1e3, board.link_width_max, board.link_mtps_max / 1e3)->unit = "link";
}

void diag_link_speed(struct diag *d)
{
	const uint64_t bytes = 8ull << 20;
	struct gaon_mem *mem = diag_memory(d, bytes, NULL), *host = NULL;
	double most = d->info.host_mbps / 1e3;

	if (mem && diag_good(d, gaon_mem_alloc(d->dev, bytes, GAON_MEM_HOST, &host), "allocating host memory") &&
	    copy_speed(d, "link_to_device_gbps", gaon_mem_va(mem), gaon_mem_va(host), bytes, most) &&
	    copy_speed(d, "link_to_host_gbps", gaon_mem_va(host), gaon_mem_va(mem), bytes, most))
		check_lanes(d);
	if (host)
		gaon_mem_free(host);
	if (mem)
		gaon_mem_free(mem);
}

/* --- memory ---------------------------------------------------------------------------------- */

/* Of @cores cores' @channels channels together, each @bytes; 0: it cannot be known. */
static double load_speed(struct diag *d, struct gaon_mem *mem, uint64_t bytes, uint32_t cores,
			 uint32_t channels)
{
	struct diag_dma_speed_args args = { .base = gaon_mem_va(mem), .cores = cores, .channels = channels };
	int64_t ns[2];

	for (unsigned int i = 0; i < 2; i++) {
		args.bytes = i ? bytes : bytes / 4;
		if (!diag_launch_timed(d, "diag_dma_speed", &args, sizeof(args), 0, &ns[i]))
			return 0;
	}
	if (!has_time(d, ns[1] - ns[0]))
		return 0;
	return (double)(bytes - bytes / 4) * cores * channels / (double)(ns[1] - ns[0]);
}

/*
 * A device of few channels cannot ask for all that its memory has: then it is what one of them can,
 * times all.
 */
void diag_memory_speed(struct diag *d)
{
	const uint64_t lanes = (uint64_t)d->info.cores * d->info.dma_channels;
	uint64_t bytes = 32ull << 20, free_bytes, total, each;
	double one, all, most = d->info.hbm_mbps / 1e3;
	struct gaon_mem *mem;

	if (!diag_good(d, gaon_device_get_memory(d->dev, &free_bytes, &total), "asking for free memory"))
		return;
	bytes = bytes < free_bytes / 2 ? bytes : free_bytes / 2;
	each = bytes / lanes & ~(4ull * DIAG_DMA_PIECE - 1);
	if (!each) {
		diag_skip(d, "%llu bytes of device memory are free: too few to measure", (unsigned long long)free_bytes);
		return;
	}
	mem = diag_memory(d, each * lanes, NULL);
	if (!mem)
		return;
	one = load_speed(d, mem, each, 1, 1);
	all = one > 0 ? load_speed(d, mem, each, d->info.cores, d->info.dma_channels) : 0;
	if (all > 0)
		diag_measure(d, "memory_gbps", "GB/s", all,
			     most < one * (double)lanes ? most : one * (double)lanes, WARNING_PART,
			     CRITICAL_PART);
	gaon_mem_free(mem);
}

/* --- clock of the cores ---------------------------------------------------------------------- */

/*
 * MHz by the cycles that the core counts and the time that the device takes for them; 0: it cannot
 * be known.
 */
static double core_clock(struct diag *d, struct gaon_mem *mem, uint32_t core)
{
	struct diag_spin_args args = { .result = gaon_mem_va(mem), .rounds = 200000, .core = core };
	uint64_t cycles[2][2];
	int64_t ns[2];

	for (unsigned int i = 0; i < 2; i++, args.rounds /= 4) {
		if (!diag_launch_timed(d, "diag_spin", &args, sizeof(args), 0, &ns[i]) ||
		    !diag_good(d, gaon_mem_read(d->dev, cycles[i], args.result + 16ull * core, 16), "reading device memory"))
			return 0;
	}
	if (!has_time(d, ns[0] - ns[1]))
		return 0;
	return (double)(cycles[0][0] - cycles[1][0]) / (double)(ns[0] - ns[1]) * 1e3;
}

/* That it is slowed down on purpose is something else than that it is not as fast as it says. */
static void check_told_clock(struct diag *d, double told)
{
	static const struct { uint32_t bit; const char *why; } reasons[] = {
		{ GAON_THROTTLED_CRITICAL, "it is far too hot" }, { GAON_THROTTLED_HEAT, "it is hot" },
		{ GAON_THROTTLED_POWER, "of the cap of power" }, { GAON_THROTTLED_LIMIT, "an administrator says so" },
	};
	struct gaon_device_board board = { .size = sizeof(board) };
	const char *why = "nobody says why";

	if (told >= d->info.clock_khz / 1e3 * WARNING_PART ||
	    !diag_good(d, gaon_device_get_board(d->dev, &board), "reading the board"))
		return;
	for (unsigned int i = 4; i--;) {
		if (board.throttle & reasons[i].bit)
			why = reasons[i].why;
	}
	diag_find(d, DIAG_WARNING, "the cores' clock is %.0f MHz of %.0f MHz, because %s", told, d->info.clock_khz / 1e3,
		  why)->unit = "clock";
}

void diag_clock(struct diag *d)
{
	struct gaon_device_board board = { .size = sizeof(board) };
	struct gaon_mem *mem = diag_memory(d, 16ull * d->info.cores, NULL);
	double told, slowest = 0;

	if (!mem || !diag_good(d, gaon_device_get_board(d->dev, &board), "reading the board"))
		goto out;
	told = board.clock_khz ? board.clock_khz / 1e3 : d->info.clock_khz / 1e3;
	for (uint32_t core = 0; core < d->info.cores; core++) {
		double mhz = core_clock(d, mem, core);
		struct diag_finding *f;

		if (mhz <= 0)
			goto out;
		slowest = core && slowest < mhz ? slowest : mhz;
		if (mhz >= told * 0.98)
			continue;
		f = diag_find(d, DIAG_CRITICAL, "core %u runs at %.0f MHz, and its clock is said to be %.0f MHz", core, mhz, told);
		f->unit = "clock";
		f->core = core;
	}
	diag_measure(d, "clock_mhz", "MHz", slowest, 0, 0, 0);
	check_told_clock(d, told);
out:
	if (mem)
		gaon_mem_free(mem);
}

/* --- matrix arrays --------------------------------------------------------------------------- */

void diag_matrix_speed(struct diag *d)
{
	const uint32_t dim = diag_matrix_size(d), few = 16, many = 80;
	const double arrays = (double)d->info.cores * d->info.matrix_arrays;
	const uint64_t in = 2ull * dim * dim, out = 4ull * dim * dim * d->info.matrix_arrays;
	struct gaon_mem *mem = diag_memory(d, 2 * in + out * d->info.cores, NULL);
	struct diag_matrix_args args = {
		.arrays = d->info.matrix_arrays, .dim = dim, .k = dim, .repeat = few,
		.type_a = GAON_TYPE_BF16, .type_b = GAON_TYPE_BF16, .type_c = GAON_TYPE_F32,
		.a_row = 2 * dim, .b_row = 2 * dim, .b_bytes = (uint32_t)in,
	};
	int64_t small, large;
	double most = arrays * 2 * d->info.matrix_dim * d->info.matrix_dim * d->info.clock_khz / 1e9;

	if (!mem)
		return;
	args.a = gaon_mem_va(mem);
	args.b = args.a + in;
	args.c = args.b + in;
	/*
	 * Products that do not fill the array, since the scratchpad is small, leave a part of it
	 * without work.
	 */
	if (dim < d->info.matrix_dim)
		most = 0;
	if (diag_launch_timed(d, "diag_matrix", &args, sizeof(args), (uint32_t)(2 * in + out), &small)) {
		args.repeat = many;
		if (diag_launch_timed(d, "diag_matrix", &args, sizeof(args), (uint32_t)(2 * in + out), &large) &&
		    has_time(d, large - small))
			diag_measure(d, "matrix_bf16_tflops", "TFLOP/s", arrays * 2 * dim * dim * dim * (many - few) /
				     (double)(large - small) / 1e3, most, WARNING_PART, CRITICAL_PART);
	}
	gaon_mem_free(mem);
}
