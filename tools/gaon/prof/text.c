// SPDX-License-Identifier: MIT
/* The summary as text for people. */
#include <string.h>

#include "../cmd.h"
#include "prof.h"

static double number(json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static const char *string(json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "?";
}

static const char *duration(double ns, char text[32])
{
	if (!ns)
		return "-";
	if (ns < 1e3)
		snprintf(text, 32, "%.0f ns", ns);
	else if (ns < 1e6)
		snprintf(text, 32, "%.2f us", ns * 1e-3);
	else if (ns < 1e9)
		snprintf(text, 32, "%.2f ms", ns * 1e-6);
	else
		snprintf(text, 32, "%.2f s", ns * 1e-9);
	return text;
}

static void print_calls(FILE *out, json_t *calls)
{
	char total[32], mean[32], most[32];
	json_t *call;
	size_t i;

	fprintf(out, "\n  %-28s %9s %7s %11s %11s %11s\n", "call", "count", "failed", "total", "mean",
		"longest");
	for (i = 0; (call = json_array_get(calls, i)); i++)
		fprintf(out, "  %-28s %9.0f %7.0f %11s %11s %11s\n", string(call, "name"),
			number(call, "count"), number(call, "failed"), duration(number(call, "total_ns"), total),
			duration(number(call, "mean_ns"), mean), duration(number(call, "max_ns"), most));
}

static void print_kernels(FILE *out, json_t *kernels)
{
	char total[32], mean[32], least[32], most[32];
	json_t *kernel;
	size_t i;

	if (!json_array_size(kernels))
		return;
	fprintf(out, "\n  %-32s %9s %11s %11s %11s %11s %6s\n", "kernel", "launches", "total", "mean",
		"shortest", "longest", "share");
	for (i = 0; (kernel = json_array_get(kernels, i)); i++)
		fprintf(out, "  %-32.32s %9.0f %11s %11s %11s %11s %5.1f%%\n", string(kernel, "name"),
			number(kernel, "count"), duration(number(kernel, "total_ns"), total),
			duration(number(kernel, "mean_ns"), mean), duration(number(kernel, "min_ns"), least),
			duration(number(kernel, "max_ns"), most), number(kernel, "share") * 100);
}

static void print_counted(FILE *out, json_t *kernels)
{
	bool titled = false;
	json_t *kernel;
	char bytes[32];
	size_t i;

	for (i = 0; (kernel = json_array_get(kernels, i)); i++) {
		json_t *c = json_object_get(kernel, "counters");

		if (!json_is_object(c))
			continue;
		if (!titled)
			fprintf(out, "\n  %-32s %14s %10s %12s %10s %12s\n", "kernel, counted alone",
				"matrix TFLOP/s", "HBM GB/s", "HBM bytes", "Ginstr/s", "instructions");
		titled = true;
		fprintf(out, "  %-32.32s %14.3f %10.1f %12s %10.3f %12.0f\n", string(kernel, "name"),
			number(c, "matrix_tflops"), number(c, "hbm_gbps"),
			cmd_bytes((uint64_t)number(c, "hbm_bytes"), bytes, sizeof(bytes)), number(c, "gips"),
			number(c, "instructions"));
	}
}

/* Bytes of 10^9 per second; a nanosecond's are that. */
static void print_rate(FILE *out, double bytes, double ns)
{
	if (ns > 0)
		fprintf(out, " %10.2f", bytes / ns);
	else
		fprintf(out, " %10s", "-");
}

static void print_copies(FILE *out, json_t *copies)
{
	char bytes[32], device[32], host[32];
	json_t *copy;
	size_t i;

	if (!json_array_size(copies))
		return;
	fprintf(out, "\n  %-20s %9s %11s %12s %10s %11s %10s\n", "copies", "count", "bytes", "device time",
		"GB/s", "host time", "GB/s");
	for (i = 0; (copy = json_array_get(copies, i)); i++) {
		fprintf(out, "  %-20s %9.0f %11s %12s", string(copy, "direction"), number(copy, "count"),
			cmd_bytes((uint64_t)number(copy, "bytes"), bytes, sizeof(bytes)),
			duration(number(copy, "device_ns"), device));
		print_rate(out, number(copy, "bytes"), number(copy, "device_ns"));
		fprintf(out, " %11s", duration(number(copy, "host_ns"), host));
		print_rate(out, number(copy, "bytes"), number(copy, "host_ns"));
		fputc('\n', out);
	}
}

static void print_gaps(FILE *out, json_t *device)
{
	double busy = number(device, "busy_host_ns"), idle = number(device, "idle_host_ns");
	json_t *gaps = json_object_get(device, "gaps"), *gap;
	char one[32], two[32];
	size_t i;

	fprintf(out, "\n  had work for %s of the host's time, none for %s in between (%.1f%%)\n",
		duration(busy, one), duration(idle, two), busy + idle > 0 ? idle / (busy + idle) * 100 : 0);
	for (i = 0; (gap = json_array_get(gaps, i)); i++)
		fprintf(out, "    %11s without work at %s, the program was in %s\n",
			duration(number(gap, "ns"), one), duration(number(gap, "at_ns"), two),
			json_is_string(json_object_get(gap, "in")) ? string(gap, "in") : "its own code");
}

static void print_counters(FILE *out, json_t *c)
{
	char one[32], two[32], three[32], four[32];

	if (!json_is_object(c))
		return;
	fprintf(out, "\n  %.0f cycles: %.0f packets, %.0f launches, %.0f workgroups, %.0f instructions\n",
		number(c, "cycles"), number(c, "packets"), number(c, "launches"), number(c, "workgroups"),
		number(c, "instructions"));
	fprintf(out, "  HBM %s read, %s written; host memory %s read, %s written\n",
		cmd_bytes((uint64_t)number(c, "hbm_read"), one, sizeof(one)),
		cmd_bytes((uint64_t)number(c, "hbm_written"), two, sizeof(two)),
		cmd_bytes((uint64_t)number(c, "host_read"), three, sizeof(three)),
		cmd_bytes((uint64_t)number(c, "host_written"), four, sizeof(four)));
	fprintf(out, "  busy: cores %.1f%%, matrix arrays %.1f%%, DMA %.1f%%, copy engines %.1f%%; %.3f J\n",
		number(c, "cores_busy") * 100, number(c, "matrix_busy") * 100, number(c, "dma_busy") * 100,
		number(c, "copy_busy") * 100, number(c, "energy_j"));
}

void prof_print(FILE *out, json_t *summary)
{
	json_t *processes = json_object_get(summary, "processes"), *process, *devices, *device;
	char time[32];
	size_t i, k;

	for (i = 0; (process = json_array_get(processes, i)); i++) {
		fprintf(out, "%sprocess %.0f: %s\n  %s from its first call to the end of its last\n",
			i ? "\n" : "", number(process, "pid"), string(process, "program"),
			duration(number(process, "calls_host_ns"), time));
		print_calls(out, json_object_get(process, "calls"));
		devices = json_object_get(process, "devices");
		for (k = 0; (device = json_array_get(devices, k)); k++) {
			fprintf(out, "\n%s, %s%s\n", string(device, "name"), string(device, "product"),
				json_is_true(json_object_get(device, "modelled_time")) ?
				": device times are modelled" : "");
			print_kernels(out, json_object_get(device, "kernels"));
			print_counted(out, json_object_get(device, "kernels"));
			print_copies(out, json_object_get(device, "copies"));
			print_gaps(out, device);
			print_counters(out, json_object_get(device, "counters"));
		}
	}
}
