// SPDX-License-Identifier: MIT
/* What a run comes to: calls, kernels, copies, time in which the device had nothing to do, counters. */
#include <stdlib.h>
#include <string.h>

#include "../cmd.h"
#include "prof.h"

#define GAPS	5

/* Times of one kind of thing. */
struct tally {
	uint64_t count, timed, bytes;
	double total, least, most;		/* nanoseconds of the device, or of the host for calls */
	double host;				/* nanoseconds of the host while it was under way */
	uint64_t counted, matrix, hbm, instructions;
	double counted_ns;
};

static void tally_add(struct tally *t, double ns)
{
	if (!t->timed || ns < t->least)
		t->least = ns;
	if (ns > t->most)
		t->most = ns;
	t->total += ns;
	t->timed++;
}

struct row {
	const char *name;
	struct tally tally;
};

static int row_compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->tally.total != y->tally.total)
		return x->tally.total < y->tally.total ? 1 : -1;
	if (x->tally.count != y->tally.count)
		return x->tally.count < y->tally.count ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* --- calls --------------------------------------------------------------------------------------------- */

static json_t *calls_json(const struct prof_process *p)
{
	struct row rows[GAON_CALLS + 1] = { 0 };
	json_t *array = json_array();

	for (uint32_t i = 0; i <= GAON_CALLS; i++)
		rows[i].name = prof_call_name(i < GAON_CALLS ? i : PROF_CALLBACK);
	for (size_t i = 0; i < p->lists[PROF_CALL].count; i++) {
		const struct prof_call *c = p->lists[PROF_CALL].at[i];
		struct tally *t = &rows[c->call < GAON_CALLS ? c->call : GAON_CALLS].tally;

		t->count += c->count;
		if (c->status != GAON_OK && c->status != GAON_ERROR_NOT_READY)
			t->bytes += c->count;
		tally_add(t, (double)(c->end_ns - c->begin_ns));
	}
	qsort(rows, GAON_CALLS + 1, sizeof(rows[0]), row_compare);
	for (uint32_t i = 0; i <= GAON_CALLS && rows[i].tally.count; i++)
		json_array_append_new(array, json_pack("{s:s, s:I, s:I, s:f, s:f, s:f}", "name",
						       rows[i].name, "count",
						       (json_int_t)rows[i].tally.count, "failed",
						       (json_int_t)rows[i].tally.bytes, "total_ns",
						       rows[i].tally.total, "mean_ns",
						       rows[i].tally.total / (double)rows[i].tally.count,
						       "max_ns",
						       rows[i].tally.most));
	return array;
}

/* --- kernels and copies of a device -------------------------------------------------------------------- */

static void op_tally(const struct prof_process *p, const struct prof_op *op, struct tally *t)
{
	uint64_t begin, end;

	t->count++;
	t->bytes += op->bytes;
	if (op->end_cycle != PROF_NEVER && op->begin_cycle != PROF_NEVER)
		tally_add(t, prof_op_device_ns(p, op));
	if (prof_op_when(p, op, &begin, &end))
		t->host += (double)(end - begin);
	if (!op->counted)
		return;
	t->counted++;
	t->matrix += op->matrix_busy;
	t->hbm += op->hbm_bytes;
	t->instructions += op->instructions;
	t->counted_ns += prof_op_device_ns(p, op);
}

static json_t *kernel_json(const struct row *r, const struct prof_device *d, double all)
{
	const struct tally *t = &r->tally;
	double peak = 2.0 * d->matrix_dim * d->matrix_dim, seconds = t->counted_ns * 1e-9;
	json_t *counted = json_null();

	if (t->counted && seconds > 0)
		counted = json_pack("{s:I, s:I, s:I, s:I, s:f, s:f, s:f}", "launches", (json_int_t)t->counted,
				    "matrix_cycles", (json_int_t)t->matrix, "hbm_bytes", (json_int_t)t->hbm,
				    "instructions", (json_int_t)t->instructions, "matrix_tflops",
				    (double)t->matrix * peak / seconds * 1e-12, "hbm_gbps",
				    (double)t->hbm / seconds * 1e-9, "gips",
				    (double)t->instructions / seconds * 1e-9);
	return json_pack("{s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:o}", "name", r->name, "count",
			 (json_int_t)t->count, "timed", (json_int_t)t->timed, "total_ns", t->total, "mean_ns",
			 t->timed ? t->total / (double)t->timed : 0, "min_ns", t->least, "max_ns", t->most,
			 "share",
			 all > 0 ? t->total / all : 0, "counters", counted);
}

static json_t *kernels_json(const struct prof_process *p, uint32_t device)
{
	struct row *rows = calloc(p->kernel_count + 1, sizeof(*rows));
	json_t *array = json_array();
	uint32_t count = 0;
	double all = 0;

	for (size_t i = 0; rows && i < p->lists[PROF_OP].count; i++) {
		const struct prof_op *op = p->lists[PROF_OP].at[i];
		const char *name = prof_kernel_name(p, op->kernel);
		uint32_t at = 0;

		if (op->device != device || op->kind != PROF_LAUNCH)
			continue;
		/* Handles of one kernel in several modules are one row. Kernels are few, names short. */
		while (at < count && rows[at].name != name && strcmp(rows[at].name, name))
			at++;
		if (at == count)
			rows[count++].name = name;
		op_tally(p, op, &rows[at].tally);
	}
	for (uint32_t i = 0; i < count; i++)
		all += rows[i].tally.total;
	if (rows)
		qsort(rows, count, sizeof(*rows), row_compare);
	for (uint32_t i = 0; i < count; i++)
		json_array_append_new(array, kernel_json(&rows[i], p->devices[device], all));
	free(rows);
	return array;
}

static json_t *copies_json(const struct prof_process *p, uint32_t device)
{
	struct tally tallies[PROF_KINDS] = { 0 };
	json_t *array = json_array();

	for (size_t i = 0; i < p->lists[PROF_OP].count; i++) {
		const struct prof_op *op = p->lists[PROF_OP].at[i];

		if (op->device == device)
			op_tally(p, op, &tallies[op->kind]);
	}
	for (uint32_t kind = PROF_TO_DEVICE; kind < PROF_KINDS; kind++) {
		struct tally *t = &tallies[kind];

		if (!t->count)
			continue;
		json_array_append_new(array, json_pack("{s:s, s:I, s:I, s:f, s:f}", "direction",
						       prof_kind_name(kind),
						       "count", (json_int_t)t->count, "bytes",
						       (json_int_t)t->bytes,
						       "device_ns", t->total, "host_ns", t->host));
	}
	return array;
}

/* --- gaps ---------------------------------------------------------------------------------------------- */

struct interval {
	uint64_t begin, end;
};

static int interval_compare(const void *a, const void *b)
{
	const struct interval *x = a, *y = b;

	return (x->begin > y->begin) - (x->begin < y->begin);
}

static int longest_first(const void *a, const void *b)
{
	const struct interval *x = a, *y = b;

	return (x->end - x->begin < y->end - y->begin) - (x->end - x->begin > y->end - y->begin);
}

/* When the device had work, on the host's clock, without overlaps; how many. */
static size_t busy_times(const struct prof_process *p, uint32_t device, struct interval *out)
{
	size_t count = 0, merged = 0;

	for (size_t i = 0; i < p->lists[PROF_OP].count; i++) {
		const struct prof_op *op = p->lists[PROF_OP].at[i];

		if (op->device == device && prof_op_when(p, op, &out[count].begin, &out[count].end))
			count++;
	}
	qsort(out, count, sizeof(*out), interval_compare);
	for (size_t i = 0; i < count; i++) {
		if (merged && out[i].begin <= out[merged - 1].end) {
			if (out[i].end > out[merged - 1].end)
				out[merged - 1].end = out[i].end;
		} else {
			out[merged++] = out[i];
		}
	}
	return merged;
}

/* The call that the program was in for most of a gap; NULL: its own code. */
static const char *gap_cause(const struct prof_process *p, const struct interval *gap)
{
	uint64_t spent[GAON_CALLS] = { 0 }, all = 0, most = 0;
	const char *name = NULL;

	for (size_t i = 0; i < p->lists[PROF_CALL].count; i++) {
		const struct prof_call *c = p->lists[PROF_CALL].at[i];
		uint64_t begin = c->begin_ns > gap->begin ? c->begin_ns : gap->begin;
		uint64_t end = c->end_ns < gap->end ? c->end_ns : gap->end;

		if (begin >= end || c->call >= GAON_CALLS)
			continue;
		spent[c->call] += end - begin;
		all += end - begin;
	}
	for (uint32_t i = 0; i < GAON_CALLS && 2 * all > gap->end - gap->begin; i++) {
		if (spent[i] > most) {
			most = spent[i];
			name = prof_call_name(i);
		}
	}
	return name;
}

static json_t *gaps_json(const struct prof_process *p, struct interval *busy, size_t count, uint64_t *idle_ns)
{
	json_t *array = json_array();
	size_t gaps = 0;

	*idle_ns = 0;
	for (size_t i = 1; i < count; i++) {
		struct interval gap = { busy[i - 1].end, busy[i].begin };

		*idle_ns += gap.end - gap.begin;
		busy[gaps++] = gap;	/* that time was looked at already */
	}
	qsort(busy, gaps, sizeof(*busy), longest_first);
	for (size_t i = 0; i < gaps && i < GAPS; i++)
		json_array_append_new(array, json_pack("{s:I, s:I, s:s?}", "at_ns",
						       (json_int_t)(busy[i].begin - p->begin_ns), "ns",
						       (json_int_t)(busy[i].end - busy[i].begin), "in",
						       gap_cause(p, &busy[i])));
	return array;
}

/* --- counters ------------------------------------------------------------------------------------------ */

static double part(uint64_t busy, double cycles, uint32_t units)
{
	return cycles > 0 && units ? (double)busy / cycles / units : 0;
}

static json_t *counters_json(const struct prof_process *p, uint32_t device)
{
	const struct prof_counters *first = NULL, *last = NULL;
	const struct prof_device *d = p->devices[device];
	double cycles;

	for (size_t i = 0; i < p->lists[PROF_COUNTERS].count; i++) {
		const struct prof_counters *c = p->lists[PROF_COUNTERS].at[i];

		if (c->device == device && !first)
			first = c;
		if (c->device == device)
			last = c;
	}
	if (!first || first == last)
		return json_null();
	cycles = (double)(last->cycle - first->cycle);
	return json_pack("{s:f, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f}", "cycles",
			 cycles,
			 "packets", (json_int_t)(last->packets - first->packets), "launches",
			 (json_int_t)(last->launches - first->launches), "workgroups",
			 (json_int_t)(last->workgroups - first->workgroups), "instructions",
			 (json_int_t)(last->instructions - first->instructions), "hbm_read",
			 (json_int_t)(last->hbm_read - first->hbm_read), "hbm_written",
			 (json_int_t)(last->hbm_written - first->hbm_written), "host_read",
			 (json_int_t)(last->host_read - first->host_read), "host_written",
			 (json_int_t)(last->host_written - first->host_written), "cores_busy",
			 part(last->core_busy - first->core_busy, cycles, d->cores), "matrix_busy",
			 part(last->matrix_busy - first->matrix_busy, cycles, d->cores * d->matrix_arrays),
			 "dma_busy",
			 part(last->dma_busy - first->dma_busy, cycles, d->cores), "copy_busy",
			 part(last->copy_busy - first->copy_busy, cycles, d->copy_engines), "energy_j",
			 (double)(last->energy_uj - first->energy_uj) * 1e-6);
}

/* --- all ----------------------------------------------------------------------------------------------- */

static json_t *device_json(const struct prof_process *p, uint32_t device)
{
	struct interval *busy = malloc((p->lists[PROF_OP].count + 1) * sizeof(*busy));
	size_t count = busy ? busy_times(p, device, busy) : 0;
	const struct prof_device *d = p->devices[device];
	uint64_t busy_ns = 0, idle_ns = 0;
	json_t *out, *gaps;

	for (size_t i = 0; i < count; i++)
		busy_ns += busy[i].end - busy[i].begin;
	gaps = gaps_json(p, busy, count, &idle_ns);
	out = json_pack("{s:s, s:s, s:b, s:i, s:o, s:o, s:I, s:I, s:o, s:o}", "name", d->name, "product",
			d->product,
			"modelled_time", d->modelled != 0, "clock_khz", (int)d->clock_khz, "kernels",
			kernels_json(p, device), "copies", copies_json(p, device), "busy_host_ns",
			(json_int_t)busy_ns,
			"idle_host_ns", (json_int_t)idle_ns, "gaps", gaps, "counters", counters_json(p,
												     device));
	free(busy);
	return out;
}

json_t *prof_summary(const struct prof_trace *trace)
{
	json_t *processes = json_array();

	for (size_t i = 0; i < trace->count; i++) {
		const struct prof_process *p = &trace->processes[i];
		json_t *devices = json_array();

		for (uint32_t d = 0; d < p->device_count; d++)
			if (p->devices[d])
				json_array_append_new(devices, device_json(p, d));
		json_array_append_new(processes, json_pack("{s:i, s:o, s:I, s:I, s:b, s:o, s:o}", "pid",
							   (int)p->header->pid, "program",
							   cmd_json_text(p->header->program), "calls_host_ns",
							   (json_int_t)(p->end_ns - p->begin_ns),
							   "operations",
							   (json_int_t)p->lists[PROF_OP].count, "complete",
							   !p->header->lost, "calls", calls_json(p),
							   "devices",
							   devices));
	}
	return json_pack("{s:o}", "processes", processes);
}
