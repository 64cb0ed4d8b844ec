// SPDX-License-Identifier: MIT
/* gaon replay: make the calls of a recorded program again and compare what comes. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../cmd.h"
#include "replay.h"

#define CMD_DIFFERENT 5 /* besides enum cmd_exit */
#define BAR	      30
#define BAR_AFTER     2.0 /* seconds */

struct replay_options {
	struct cmd_common common;
	struct replay replay;
	bool info;
};

/* --- progress --------------------------------------------------------------------------------- */

static void progress(const struct replay *r, size_t at)
{
	static double start, last;
	double now = cmd_now();
	int filled = (int)(BAR * at / (r->file->call_count + 1));

	if (!start)
		start = last = now;
	if (now - start < BAR_AFTER || now - last < 0.1)
		return;
	last = now;
	fprintf(stderr, "\rreplay [%.*s%*s] %3d %%", filled, "##############################",
		BAR - filled, "", (int)(100 * at / (r->file->call_count + 1)));
	fflush(stderr);
}

static void progress_end(void)
{
	fprintf(stderr, "\r%*s\r", BAR + 20, "");
}

/* --- what the file holds ---------------------------------------------------------------------- */

static json_t *devices_json(const struct record_file *f)
{
	json_t *list = json_array();

	for (size_t i = 0; i < f->call_count; i++) {
		const struct record_call *call = f->calls[i].call;
		struct record_device d;

		if (call->op != RECORD_DEVICE_OPEN || call->data_bytes != sizeof(d))
			continue;
		memcpy(&d, f->calls[i].data, sizeof(d));
		d.name[sizeof(d.name) - 1] = d.product[sizeof(d.product) - 1] =
			d.transport[sizeof(d.transport) - 1] = '\0';
		json_array_append_new(
			list, json_pack("{s:o, s:o, s:o, s:I, s:I}", "name", cmd_json_text(d.name),
					"product", cmd_json_text(d.product), "transport",
					cmd_json_text(d.transport), "cores", (json_int_t)d.cores,
					"vlen", (json_int_t)d.vlen));
	}
	return list;
}

static json_t *calls_json(const struct record_file *f)
{
	uint64_t counts[RECORD_OPS] = { 0 };
	json_t *calls = json_object();

	for (size_t i = 0; i < f->call_count; i++)
		counts[f->calls[i].call->op] +=
			f->calls[i].call->op == RECORD_OTHER ? f->calls[i].call->a : 1;
	for (uint32_t op = 0; op < RECORD_OPS; op++)
		if (counts[op])
			json_object_set_new(calls, record_op_name(op),
					    json_integer((json_int_t)counts[op]));
	return calls;
}

static uint64_t last_number(const struct record_file *f)
{
	uint64_t last = 0;

	for (size_t i = 0; i < f->call_count; i++)
		last = f->calls[i].call->number > last ? f->calls[i].call->number : last;
	return last;
}

static json_t *file_json(const struct record_file *f)
{
	json_t *warnings = json_array();
	struct timespec start = { (time_t)(f->header->start_real_ns / 1000000000),
				  f->header->start_real_ns % 1000000000 };
	char time[64];

	for (size_t i = 0; i < f->warning_count; i++) {
		json_t *text = json_stringn(f->warnings[i].text, f->warnings[i].length);

		json_array_append_new(warnings, text ? text : json_null());
	}
	if (start.tv_nsec < 0)
		start = (struct timespec){ 0 };
	cmd_time_text(&start, time, sizeof(time));
	return json_pack("{s:i, s:o, s:I, s:s, s:I, s:I, s:b, s:b, s:o, s:o, s:o}", "version",
			 f->header->version, "program", cmd_json_text(f->header->program), "pid",
			 (json_int_t)f->header->pid, "started", time, "bytes",
			 (json_int_t)f->header->bytes, "last_call", (json_int_t)last_number(f),
			 "complete", !f->header->lost, "ended", f->ended, "devices",
			 devices_json(f), "calls", calls_json(f), "warnings", warnings);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "?";
}

static void print_devices(const json_t *devices)
{
	for (size_t i = 0; i < json_array_size(devices); i++) {
		const json_t *d = json_array_get(devices, i);

		printf("device    %s: %s, %lld cores, vectors of %lld bits\n", text_of(d, "name"),
		       text_of(d, "product"), (long long)json_integer_value(json_object_get(d, "cores")),
		       (long long)json_integer_value(json_object_get(d, "vlen")));
	}
}

static void print_file(const struct record_file *f, const json_t *file)
{
	const json_t *warnings = json_object_get(file, "warnings"), *calls = json_object_get(file, "calls");
	char size[32];

	printf("program   %s (process %u)\n", text_of(file, "program"), f->header->pid);
	printf("started   %s\n", text_of(file, "started"));
	printf("size      %s\n", cmd_bytes(f->header->bytes, size, sizeof(size)));
	printf("end       %s\n",
	       f->header->lost ? "what came last is missing: the disk was full, or the limit reached" :
	       f->ended        ? "the program ended in order" :
				 "the program was killed or crashed, or goes on");
	print_devices(json_object_get(file, "devices"));
	for (size_t i = 0; i < json_array_size(warnings); i++) {
		const char *text = json_string_value(json_array_get(warnings, i));

		printf("warning   %s\n", text ? text : "?");
	}
	printf("calls     1 to %llu\n", (unsigned long long)last_number(f));
	for (uint32_t op = 0; op < RECORD_OPS; op++) {
		const json_t *count = json_object_get(calls, record_op_name(op));

		if (count)
			printf("  %10lld %s\n", (long long)json_integer_value(count), record_op_name(op));
	}
}

/* --- what came of it -------------------------------------------------------------------------- */

static json_t *difference_json(const struct replay *r)
{
	const struct replay_difference *d = &r->difference;
	char va[32], buffer[32];

	snprintf(va, sizeof(va), "0x%llx", (unsigned long long)d->va);
	snprintf(buffer, sizeof(buffer), "0x%llx", (unsigned long long)d->buffer_va);
	return json_pack("{s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s}", "call",
			 (json_int_t)d->entry->call->number, "thread",
			 (json_int_t)d->entry->call->thread, "function",
			 record_op_function(d->entry->call->op), "address",
			 d->va ? json_string(va) : json_null(), "buffer",
			 d->va ? json_string(buffer) : json_null(), "buffer_bytes",
			 cmd_json_number((int64_t)d->buffer_bytes, d->va), "offset",
			 cmd_json_number((int64_t)(d->va - d->buffer_va), d->va), "expected",
			 d->expected, "found", d->found, "text", d->text);
}

static void print_difference(const struct replay *r)
{
	const struct replay_difference *d = &r->difference;

	printf("DIFFERENT at call %llu, %s, of thread %u: %s\n",
	       (unsigned long long)d->entry->call->number, record_op_function(d->entry->call->op),
	       d->entry->call->thread, d->text);
	if (d->va)
		printf("  buffer    %#llx, %llu bytes\n  offset    %#llx\n",
		       (unsigned long long)d->buffer_va, (unsigned long long)d->buffer_bytes,
		       (unsigned long long)(d->va - d->buffer_va));
	printf("  expected  %s\n  found     %s\n", d->expected, d->found);
}

static json_t *replayed_json(const struct replay *r, enum replay_result result)
{
	static const char *const names[] = { "same", "different", "failed", "fault", "timeout" };

	return json_pack("{s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "result",
			 names[result], "device", cmd_json_text(r->info.name), "product",
			 cmd_json_text(r->info.product), "calls", (json_int_t)r->calls, "launches",
			 (json_int_t)r->launches, "reads_compared", (json_int_t)r->reads_compared,
			 "buffers_compared", (json_int_t)r->buffers_compared, "bytes_compared",
			 (json_int_t)r->bytes_compared, "program_bytes", (json_int_t)r->host_bytes,
			 "difference",
			 result == REPLAY_DIFFERENT ? difference_json(r) : json_null(), "error",
			 result > REPLAY_DIFFERENT ? json_string(r->why) : json_null());
}

static int show(const struct replay_options *o, enum replay_result result)
{
	static const int codes[] = { CMD_OK, CMD_DIFFERENT, CMD_FAILED, CMD_FAULT, CMD_TIMEOUT };
	const struct replay *r = &o->replay;
	char size[32];

	if (result > REPLAY_DIFFERENT)
		fprintf(stderr, "gaon replay: %s\n", r->why);
	if (o->common.json) {
		json_t *document = file_json(r->file);

		json_object_set_new(document, "replayed", replayed_json(r, result));
		return cmd_print_json(document) ? CMD_FAILED : codes[result];
	}
	if (result == REPLAY_DIFFERENT)
		print_difference(r);
	if (result <= REPLAY_DIFFERENT)
		printf("%s%llu calls, %llu launches on %s (%s); %llu reads and %llu buffers "
		       "compared, %s\n",
		       result ? "" : "the same: ", (unsigned long long)r->calls,
		       (unsigned long long)r->launches, r->info.name, r->info.product,
		       (unsigned long long)r->reads_compared,
		       (unsigned long long)r->buffers_compared,
		       cmd_bytes(r->bytes_compared, size, sizeof(size)));
	return codes[result];
}

/* What kernels print is part of what the program did, not of what we say. */
static void print_to_stderr(void *arg, const struct gaon_print *print)
{
	(void)arg;
	fputs(print->text, stderr);
}

static int replay(struct replay_options *o, const char *path)
{
	enum replay_result result;
	struct record_file file;
	int code;

	if (!record_load(&file, path))
		return CMD_FAILED;
	o->replay.file = &file;
	for (size_t i = 0; i < file.warning_count; i++)
		fprintf(stderr, "gaon replay: %s: when it was recorded: %.*s\n", path,
			(int)file.warnings[i].length, file.warnings[i].text);
	if (o->info) {
		json_t *document = file_json(&file);

		code = CMD_OK;
		json_object_set_new(document, "replayed", json_null());
		if (o->common.json) {
			code = cmd_print_json(document);
		} else {
			print_file(&file, document);
			json_decref(document);
		}
	} else {
		gaon_print_set(print_to_stderr, NULL);
		if (isatty(STDERR_FILENO))
			o->replay.progress = progress;
		result = replay_run(&o->replay);
		if (o->replay.progress)
			progress_end();
		code = show(o, result);
	}
	record_unload(&file);
	return code;
}

static bool parse_number(const char *text, uint64_t *value)
{
	return cmd_parse_u64(text, UINT64_MAX, value) && *value;
}

/* False: the option's value is wrong. */
static bool take_option(struct replay_options *o, int c)
{
	uint64_t ms;

	switch (c) {
	case 'i': o->info = true; return true;
	case 'c':
		o->replay.reads_only = !strcmp(optarg, "reads");
		return o->replay.reads_only || !strcmp(optarg, "all");
	case 'f': return parse_number(optarg, &o->replay.from);
	case 't': return parse_number(optarg, &o->replay.to);
	case 'T':
		if (!cmd_parse_u64(optarg, UINT32_MAX, &ms) || !ms)
			return false;
		o->replay.timeout_ns = ms * 1000000;
		return true;
	default: return true;
	}
}

static int replay_run_command(const struct cmd *cmd, int argc, char **argv)
{
	struct replay_options o = { .replay = { .timeout_ns = 60000000000ull, .to = UINT64_MAX } };
	int c;

	while ((c = cmd_next_option(cmd, &o.common, argc, argv)) >= 0) {
		if (take_option(&o, c))
			continue;
		fprintf(stderr, "gaon replay: -%c %s: %s\n", c, optarg,
			c == 'c' ? "it is reads or all" : "it is no number from 1 on");
		return cmd_usage(cmd, true);
	}
	if (c == CMD_STOP)
		return o.common.code;
	if (argc - optind != 1)
		return cmd_usage(cmd, true);
	o.replay.device = o.common.device;
	return replay(&o, argv[optind]);
}

static const struct cmd_option replay_options[] = {
	{ "info", NULL, "tell what the file holds, replay nothing", 'i' },
	{ "check", "WHAT", "compare all that the file has (default), or reads only", 'c' },
	{ "from-call", "NUMBER", "compare nothing before this call", 'f' },
	{ "to-call", "NUMBER", "stop after this call", 't' },
	{ "timeout", "MS", "how long to wait where the program waited (default 60000)", 'T' },
	{ 0 },
};

const struct cmd cmd_replay = {
	.name = "replay",
	.summary = "make the calls of a recorded program again and compare what comes",
	.operands = "FILE",
	.flags = CMD_DEVICE,
	.options = replay_options,
	.text = "Makes the calls of a file of `gaon record` again, on the device that --device "
		"names, with memory at the same\n"
		"addresses, and compares each read of the program, and its buffers, bit by bit. "
		"The first difference is told:\n"
		"call, buffer, offset, what was expected and what was found. What kernels print "
		"goes to standard error.\n"
		"Exit status: 0 the same, 1 failed, 2 usage, 3 a fault that the program did not "
		"have, 4 timeout, 5 different.\n",
	.run = replay_run_command,
};
