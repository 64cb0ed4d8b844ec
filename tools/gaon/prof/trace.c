// SPDX-License-Identifier: MIT
/*
 * A trace for Perfetto (and chrome://tracing): Trace Event Format, JSON. A host process with a track for each
 * thread; for each device another with a track for each stream, each core and the copies; counters;
 * arrows from
 * calls to what they gave the device. Time is the host's, from the first call on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prof.h"

/* Numbers of tracks below a device. */
#define TRACK_STREAM	1u
#define TRACK_CORE	100000u
#define TRACK_COPY	200000u
#define TRACK_BLOCKING	300000u
#define PID_DEVICE	100000000u	/* no process has it; one for each device of each process */

struct writer {
	FILE *out;
	bool some;
	uint64_t origin;
	uint64_t flows;
};

static void text_put(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c == '"' || c == '\\')
			fprintf(out, "\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

/* Microseconds, as the format has them. */
static double when(const struct writer *w, uint64_t ns)
{
	return ns > w->origin ? (double)(ns - w->origin) * 1e-3 : 0;
}

/* The beginning of an event, up to its arguments or end. */
static void event(struct writer *w, char phase, uint32_t pid, uint32_t tid, const char *name)
{
	fprintf(w->out, "%s\n{\"ph\":\"%c\",\"pid\":%u,\"tid\":%u,\"name\":", w->some ? "," : "", phase,
		pid, tid);
	text_put(w->out, name);
	w->some = true;
}

static void name_put(struct writer *w, const char *what, uint32_t pid, uint32_t tid, const char *name)
{
	event(w, 'M', pid, tid, what);
	fputs(",\"args\":{\"name\":", w->out);
	text_put(w->out, name);
	fputs("}}", w->out);
}

static void order_put(struct writer *w, const char *what, uint32_t pid, uint32_t tid, uint32_t index)
{
	event(w, 'M', pid, tid, what);
	fprintf(w->out, ",\"args\":{\"sort_index\":%u}}", index);
}

/* --- the host ------------------------------------------------------------------------------------------ */

static void calls_put(struct writer *w, const struct prof_process *p)
{
	for (size_t i = 0; i < p->lists[PROF_CALL].count; i++) {
		const struct prof_call *c = p->lists[PROF_CALL].at[i];

		event(w, 'X', p->header->pid, c->thread, prof_call_name(c->call));
		fprintf(w->out, ",\"cat\":\"call\",\"ts\":%.3f,\"dur\":%.3f,\"args\":{\"status\":%d,\"calls\":%u}}",
			when(w, c->begin_ns), (double)(c->end_ns - c->begin_ns) * 1e-3, c->status, c->count);
	}
}

/* --- a device ------------------------------------------------------------------------------------------ */

struct device_tracks {
	uint32_t pid;
	uint64_t *core_end;		/* when each core is free, of what was put */
	uint64_t copy_end[64];		/* copies that overlap get tracks of their own */
	uint32_t copy_tracks;
};

static const char *op_name(const struct prof_process *p, const struct prof_op *op)
{
	return op->kind == PROF_LAUNCH ? prof_kernel_name(p, op->kernel) : prof_kind_name(op->kind);
}

static void op_put(struct writer *w, const struct prof_process *p, const struct prof_op *op, uint32_t pid,
		   uint32_t tid, uint64_t begin, uint64_t end)
{
	event(w, 'X', pid, tid, op_name(p, op));
	fprintf(w->out, ",\"cat\":\"%s\",\"ts\":%.3f,\"dur\":%.3f,\"args\":{",
		op->kind == PROF_LAUNCH ? "kernel" : "copy", when(w, begin), (double)(end - begin) * 1e-3);
	if (op->begin_cycle != PROF_NEVER && op->end_cycle != PROF_NEVER)
		fprintf(w->out, "\"device_ns\":%.1f,\"cycle\":%llu,", prof_op_device_ns(p, op),
			(unsigned long long)op->begin_cycle);
	if (op->kind == PROF_LAUNCH)
		fprintf(w->out, "\"grid\":\"%u x %u x %u\",", op->grid[0], op->grid[1], op->grid[2]);
	else
		fprintf(w->out, "\"bytes\":%llu,", (unsigned long long)op->bytes);
	if (op->graph != PROF_NO_GRAPH)
		fprintf(w->out, "\"replay\":%u,", op->graph);
	if (op->counted)
		fprintf(w->out, "\"matrix_cycles\":%llu,\"hbm_bytes\":%llu,\"instructions\":%llu,",
			(unsigned long long)op->matrix_busy, (unsigned long long)op->hbm_bytes,
			(unsigned long long)op->instructions);
	fprintf(w->out, "\"thread\":%u}}", op->thread);
}

static void flow_put(struct writer *w, const struct prof_process *p, const struct prof_op *op, uint32_t pid,
		     uint32_t tid, uint64_t begin)
{
	uint64_t flow = w->flows++;

	event(w, 's', p->header->pid, op->thread, "gives");
	fprintf(w->out, ",\"cat\":\"flow\",\"id\":%llu,\"ts\":%.3f}", (unsigned long long)flow,
		when(w, op->submit_ns));
	event(w, 'f', pid, tid, "gives");
	fprintf(w->out, ",\"cat\":\"flow\",\"bp\":\"e\",\"id\":%llu,\"ts\":%.3f}", (unsigned long long)flow,
		when(w, begin));
}

/*
 * Workgroup i of a launch runs on core i modulo cores (Documentation/hw/queues.rst). When each of them
 * began is not
 * known, only when all had ended; where launches of two streams overlap, the later is drawn from the
 * earlier's end.
 */
static void cores_put(struct writer *w, const struct prof_process *p, const struct prof_op *op,
		      struct device_tracks *t, uint64_t begin, uint64_t end)
{
	uint64_t groups = (uint64_t)op->grid[0] * op->grid[1] * op->grid[2];
	uint32_t cores = p->devices[op->device]->cores;

	for (uint32_t i = 0; i < cores && i < groups; i++) {
		uint64_t from = begin > t->core_end[i] ? begin : t->core_end[i];

		if (from >= end)
			continue;
		op_put(w, p, op, t->pid, TRACK_CORE + i, from, end);
		t->core_end[i] = end;
	}
}

static void copy_put(struct writer *w, const struct prof_process *p, const struct prof_op *op,
		     struct device_tracks *t, uint64_t begin, uint64_t end)
{
	uint32_t i = 0;

	while (i < t->copy_tracks && t->copy_end[i] > begin)
		i++;
	if (i == sizeof(t->copy_end) / sizeof(t->copy_end[0]))
		return;
	if (i == t->copy_tracks)
		name_put(w, "thread_name", t->pid, TRACK_COPY + t->copy_tracks++, "copies");
	t->copy_end[i] = end;
	op_put(w, p, op, t->pid, TRACK_COPY + i, begin, end);
}

static void ops_put(struct writer *w, const struct prof_process *p, uint32_t device, struct device_tracks *t)
{
	for (size_t i = 0; i < p->lists[PROF_OP].count; i++) {
		const struct prof_op *op = p->lists[PROF_OP].at[i];
		uint32_t tid = op->stream == PROF_NO_STREAM ? TRACK_BLOCKING : TRACK_STREAM + op->stream;
		uint64_t begin, end;

		if (op->device != device || !prof_op_when(p, op, &begin, &end))
			continue;
		/* Blocking calls of several threads overlap: they are on the tracks of their threads. */
		if (op->stream != PROF_NO_STREAM) {
			op_put(w, p, op, t->pid, tid, begin, end);
			flow_put(w, p, op, t->pid, tid, begin);
		}
		if (op->kind == PROF_LAUNCH)
			cores_put(w, p, op, t, begin, end);
		else
			copy_put(w, p, op, t, begin, end);
	}
}

/* --- counters ------------------------------------------------------------------------------------------ */

/* Perfetto calls a counter by its name and that of its value, which is the unit for that reason. */
static void counter_put(struct writer *w, uint32_t pid, uint64_t ns, const char *name,
			const char *unit, double value)
{
	event(w, 'C', pid, 0, name);
	fprintf(w->out, ",\"ts\":%.3f,\"args\":{\"%s\":%.6g}}", when(w, ns), unit, value);
}

static void counters_put(struct writer *w, const struct prof_process *p, uint32_t device, uint32_t pid)
{
	const struct prof_device *d = p->devices[device];
	const struct prof_counters *last = NULL;

	for (size_t i = 0; i < p->lists[PROF_COUNTERS].count; i++) {
		const struct prof_counters *c = p->lists[PROF_COUNTERS].at[i];
		double cycles, seconds;

		if (c->device != device)
			continue;
		if (last && c->cycle > last->cycle) {
			cycles = (double)(c->cycle - last->cycle);
			seconds = cycles / d->clock_khz * 1e-3;
			counter_put(w, pid, last->host_ns, "cores busy", "%",
				    (double)(c->core_busy - last->core_busy) / cycles / d->cores * 100);
			counter_put(w, pid, last->host_ns, "HBM", "GB/s of device time",
				    (double)(c->hbm_read - last->hbm_read + c->hbm_written -
					     last->hbm_written) / seconds * 1e-9);
			counter_put(w, pid, last->host_ns, "host memory", "GB/s of device time",
				    (double)(c->host_read - last->host_read + c->host_written -
					     last->host_written) / seconds * 1e-9);
			counter_put(w, pid, last->host_ns, "power", "W", (double)c->power_mw * 1e-3);
		}
		last = c;
	}
}

/* --- all ----------------------------------------------------------------------------------------------- */

static bool device_put(struct writer *w, const struct prof_process *p, uint32_t device, uint32_t pid)
{
	const struct prof_device *d = p->devices[device];
	struct device_tracks t = { .pid = pid, .core_end = calloc(d->cores + 1, sizeof(*t.core_end)) };
	char name[2 * PROF_NAME + 64];

	if (!t.core_end)
		return false;
	snprintf(name, sizeof(name), "%s, %s%s", d->name, d->product, d->modelled ? " (durations: host's)" :
		 "");
	name_put(w, "process_name", pid, 0, name);
	order_put(w, "process_sort_index", pid, 0, 1);
	for (size_t i = 0; i < p->lists[PROF_STREAM].count; i++) {
		const struct prof_stream *s = p->lists[PROF_STREAM].at[i];

		if (s->device != device)
			continue;
		snprintf(name, sizeof(name), "stream %u%s%s", s->stream, s->name[0] ? " " : "", s->name);
		name_put(w, "thread_name", pid, TRACK_STREAM + s->stream, name);
		order_put(w, "thread_sort_index", pid, TRACK_STREAM + s->stream, s->stream);
	}
	for (uint32_t i = 0; i < d->cores; i++) {
		snprintf(name, sizeof(name), "core %u", i);
		name_put(w, "thread_name", pid, TRACK_CORE + i, name);
		order_put(w, "thread_sort_index", pid, TRACK_CORE + i, TRACK_CORE + i);
	}
	ops_put(w, p, device, &t);
	counters_put(w, p, device, pid);
	free(t.core_end);
	return true;
}

static bool process_put(struct writer *w, const struct prof_process *p, uint32_t *pid)
{
	name_put(w, "process_name", p->header->pid, 0, p->header->program);
	calls_put(w, p);
	for (uint32_t d = 0; d < p->device_count; d++)
		if (p->devices[d] && !device_put(w, p, d, (*pid)++))
			return false;
	return true;
}

/* Renamed when it is whole: nobody finds half a trace. */
bool prof_write_trace(const struct prof_trace *trace, const char *path)
{
	struct writer w = { .origin = UINT64_MAX };
	uint32_t pid = PID_DEVICE;
	char part[4096];
	bool good;

	snprintf(part, sizeof(part), "%s.%d.part", path, (int)getpid());
	w.out = fopen(part, "we");
	if (!w.out) {
		fprintf(stderr, "gaon prof: %s: %s\n", path, strerror(errno));
		return false;
	}
	for (size_t i = 0; i < trace->count; i++)
		if (trace->processes[i].begin_ns < w.origin)
			w.origin = trace->processes[i].begin_ns;
	fputs("{\"displayTimeUnit\":\"ns\",\"traceEvents\":[", w.out);
	good = true;
	for (size_t i = 0; i < trace->count && good; i++)
		good = process_put(&w, &trace->processes[i], &pid);
	fputs("\n]}\n", w.out);
	good = !ferror(w.out) && good;
	if (fclose(w.out) || !good || rename(part, path)) {
		fprintf(stderr, "gaon prof: %s: %s\n", path, strerror(errno));
		unlink(part);
		return false;
	}
	return true;
}
