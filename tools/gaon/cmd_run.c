// SPDX-License-Identifier: MIT
/* gaon run: load a device program, launch one kernel, show what came of it. */
#include <errno.h>
#include <unistd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hw/gaon_event.h>

#include "cmd.h"

#define ARGS_MAX	64
#define ARGS_BYTES	4096

/* A buffer argument: made from a file, written back to one. */
struct run_buffer {
	struct gaon_mem *mem;
	const char *out;	/* file to write afterwards, or NULL */
	size_t bytes;
};

struct run {
	struct cmd_common common;
	const char *kernel;
	uint32_t grid[3];
	uint32_t spm;
	uint64_t timeout_ns;
	struct gaon_device *dev;
	struct gaon_stream *stream;
	struct gaon_module *module;
	struct run_buffer buffers[ARGS_MAX];
	unsigned int buffer_count;
	unsigned char args[ARGS_BYTES];
	size_t args_size, args_align;
};

static bool complain(const char *what, const char *text)
{
	fprintf(stderr, "gaon run: %s: %s\n", what, text);
	return false;
}

/* Append at natural alignment, as the kernel's argument structure has it. */
static bool args_append(struct run *r, const void *value, size_t size)
{
	size_t at = (r->args_size + size - 1) & ~(size - 1);

	if (at + size > sizeof(r->args))
		return complain("arguments", "more than 4096 bytes");
	memcpy(r->args + at, value, size);
	r->args_size = at + size;
	if (size > r->args_align)
		r->args_align = size;
	return true;
}

static unsigned char *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	unsigned char *data = NULL;
	long length;

	if (!file)
		return NULL;
	if (!fseek(file, 0, SEEK_END) && (length = ftell(file)) >= 0 && !fseek(file, 0, SEEK_SET)) {
		data = malloc((size_t)length + 1);
		if (data && fread(data, 1, (size_t)length, file) != (size_t)length) {
			free(data);
			data = NULL;
		}
		*size = (size_t)length;
	}
	fclose(file);
	return data;
}

static bool buffer_append(struct run *r, const void *data, size_t bytes, const char *out)
{
	struct run_buffer *b = &r->buffers[r->buffer_count];
	uint64_t va;

	if (!bytes)
		return complain("buffer", "has no bytes");
	if (!cmd_ok(gaon_mem_alloc(r->dev, bytes, GAON_MEM_DEVICE, &b->mem), "allocating a buffer"))
		return false;
	b->bytes = bytes;
	b->out = out;
	r->buffer_count++;
	va = gaon_mem_va(b->mem);
	if (data && !cmd_ok(gaon_mem_write(r->dev, va, data, bytes), "uploading a buffer"))
		return false;
	return args_append(r, &va, sizeof(va));
}

static bool buffer_from_file(struct run *r, const char *path, bool back)
{
	size_t size;
	unsigned char *data = read_file(path, &size);
	bool ok;

	if (!data)
		return complain(path, strerror(errno));
	ok = buffer_append(r, data, size, back ? path : NULL);
	free(data);
	return ok;
}

/* out:FILE:BYTES */
static bool buffer_for_output(struct run *r, char *text)
{
	char *colon = strrchr(text, ':');
	uint64_t bytes;

	if (!colon || !cmd_parse_u64(colon + 1, (uint64_t)1 << 40, &bytes))
		return complain(text, "expected out:FILE:BYTES");
	*colon = '\0';
	return buffer_append(r, NULL, bytes, text);
}

static bool number_append(struct run *r, const char *type, const char *text)
{
	bool is_float = type[0] == 'f', is_signed = type[0] == 'i';
	unsigned int bits = (unsigned int)atoi(type + 1);
	char *end;

	errno = 0;
	if (is_float) {
		double d = strtod(text, &end);
		float f = (float)d;

		if (*end || end == text)
			return complain(text, "is not a number");
		return bits == 32 ? args_append(r, &f, 4) : args_append(r, &d, 8);
	}
	if (bits == 8 || bits == 16 || bits == 32 || bits == 64) {
		uint64_t v = is_signed ? (uint64_t)strtoll(text, &end, 0) : strtoull(text, &end, 0);
		uint64_t top = bits == 64 ? 0 : v >> (is_signed ? bits - 1 : bits);

		if (*end || end == text || errno)
			return complain(text, "is not a whole number");
		if (top && !(is_signed && top == UINT64_MAX >> (bits - 1)))
			return complain(text, "does not fit its type");
		return args_append(r, &v, bits / 8);	/* little endian */
	}
	return complain(type, "is no type; see gaon run --help");
}

static bool parse_argument(struct run *r, char *text)
{
	char *colon = strchr(text, ':');
	uint64_t bytes;

	if (!colon)
		return complain(text, "expected TYPE:VALUE");
	if (r->buffer_count == ARGS_MAX)
		return complain(text, "more than 64 buffers");
	*colon++ = '\0';
	if (!strcmp(text, "in"))
		return buffer_from_file(r, colon, false);
	if (!strcmp(text, "inout"))
		return buffer_from_file(r, colon, true);
	if (!strcmp(text, "out"))
		return buffer_for_output(r, colon);
	if (!strcmp(text, "zero")) {
		if (!cmd_parse_u64(colon, (uint64_t)1 << 40, &bytes))
			return complain(colon, "is not a number of bytes");
		return buffer_append(r, NULL, bytes, NULL);
	}
	if (strlen(text) > 1 && strlen(text) < 4 && strchr("iuf", text[0]))
		return number_append(r, text, colon);
	return complain(text, "is no type; see gaon run --help");
}

static bool parse_grid(const char *text, uint32_t grid[3])
{
	char copy[64], *save = NULL, *word;
	unsigned int i = 0;

	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	for (word = strtok_r(copy, ",x", &save); word; word = strtok_r(NULL, ",x", &save)) {
		uint64_t v;

		if (i == 3 || !cmd_parse_u64(word, UINT32_MAX, &v) || !v)
			return false;
		grid[i++] = (uint32_t)v;
	}
	return i > 0;
}

static bool save_buffers(struct run *r)
{
	for (unsigned int i = 0; i < r->buffer_count; i++) {
		struct run_buffer *b = &r->buffers[i];
		unsigned char *data;
		bool ok = false;
		FILE *file;

		if (!b->out)
			continue;
		data = malloc(b->bytes);
		if (data && cmd_ok(gaon_mem_read(r->dev, data, gaon_mem_va(b->mem), b->bytes),
				   "reading back")) {
			file = fopen(b->out, "wb");
			ok = file && fwrite(data, 1, b->bytes, file) == b->bytes;
			if (file && fclose(file))
				ok = false;
			if (!ok)
				complain(b->out, strerror(errno));
		}
		free(data);
		if (!ok)
			return false;
	}
	return true;
}

static void print_to_stderr(void *arg, const struct gaon_print *print)
{
	(void)arg;
	fputs(print->text, stderr);
}

/* Addresses as text: JSON numbers do not hold 64 bits everywhere. */
static json_t *fault_json(const struct gaon_fault *f)
{
	char pc[32], offset[32], va[32];

	snprintf(pc, sizeof(pc), "0x%llx", (unsigned long long)f->pc);
	snprintf(offset, sizeof(offset), "0x%llx", (unsigned long long)f->pc_offset);
	snprintf(va, sizeof(va), "0x%llx", (unsigned long long)f->va);
	return json_pack("{s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:s}", "type", f->type_name,
			 "kernel", f->kernel, "text", f->text, "core", f->core, "workgroup",
			 f->workgroup, "pc", pc, "pc_offset", offset, "va", va);
}

static int report_fault(struct run *r, enum gaon_status status, const char *name)
{
	struct gaon_fault fault = { .size = sizeof(fault) };

	if (status == GAON_ERROR_FAULT && gaon_stream_get_fault(r->stream, &fault) == GAON_OK) {
		if (r->common.json)
			cmd_print_json(json_pack("{s:s, s:s, s:o}", "kernel", name, "status",
						 gaon_status_name(status), "fault", fault_json(&fault)));
		fprintf(stderr, "gaon run: %s\n", fault.text);
		if (fault.type == GAON_FAULT_WATCHDOG)
			fprintf(stderr, "gaon run: a kernel that honestly needs longer: "
					"GAON_LAUNCH_LIMIT_MS=60000 gaon run ...\n");
		return CMD_FAULT;
	}
	cmd_ok(status, "running the kernel");
	return cmd_exit_code(status);
}

static int launch_and_wait(struct run *r, struct gaon_kernel *kernel)
{
	struct gaon_launch launch = {
		.size = sizeof(launch), .grid = { r->grid[0], r->grid[1], r->grid[2] },
		.args = r->args, .spm_bytes = r->spm,
	};
	struct gaon_kernel_desc desc = { .size = sizeof(desc) };
	struct gaon_event *start, *end;
	int64_t device_ns = 0;
	enum gaon_status status;
	double wall;

	if (!cmd_ok(gaon_kernel_get_desc(kernel, &desc), "reading the kernel's metadata"))
		return CMD_FAILED;
	/* The structure's tail padding is not typed by anyone. */
	if (r->args_align)
		r->args_size = (r->args_size + r->args_align - 1) & ~(r->args_align - 1);
	launch.args_size = r->args_size;
	if (!cmd_ok(gaon_event_create(r->dev, GAON_EVENT_TIMED, &start), "event") ||
	    !cmd_ok(gaon_event_create(r->dev, GAON_EVENT_TIMED, &end), "event"))
		return CMD_FAILED;
	wall = cmd_now();
	if (!cmd_ok(gaon_event_record(r->stream, start), "recording an event"))
		return CMD_FAILED;
	status = gaon_launch(r->stream, kernel, &launch);
	if (!cmd_ok(status, "launching"))
		return cmd_exit_code(status);
	gaon_event_record(r->stream, end);
	status = gaon_stream_wait(r->stream, r->timeout_ns);
	wall = cmd_now() - wall;
	if (status != GAON_OK)
		return report_fault(r, status, desc.name);
	if (!save_buffers(r))
		return CMD_FAILED;
	gaon_event_elapsed(start, end, &device_ns, NULL);
	if (r->common.json)
		return cmd_print_json(json_pack("{s:s, s:s, s:[iii], s:I, s:f}", "kernel", desc.name,
						"status", gaon_status_name(status), "grid",
						r->grid[0], r->grid[1], r->grid[2],
						"device_ns", (json_int_t)device_ns, "wall_ms",
						wall * 1e3));
	printf("%s: %ux%ux%u workgroups, device %.3f us, wall %.3f ms\n", desc.name, r->grid[0], r->grid[1],
	       r->grid[2], (double)device_ns * 1e-3, wall * 1e3);
	return CMD_OK;
}

static int run_program(struct run *r, int argc, char **argv)
{
	struct gaon_kernel *kernel;
	enum gaon_status status;

	if (!cmd_ok(gaon_device_open(r->common.device, &r->dev), "opening the device") ||
	    !cmd_ok(gaon_stream_create(r->dev, NULL, &r->stream), "making a stream") ||
	    !cmd_ok(gaon_module_load_file(r->dev, argv[0], &r->module), "loading"))
		return CMD_FAILED;
	status = r->kernel ? gaon_module_get_kernel(r->module, r->kernel, &kernel) :
			     gaon_module_get_kernel_at(r->module, 0, &kernel);
	if (!cmd_ok(status, r->kernel ? r->kernel : "first kernel"))
		return CMD_FAILED;
	for (int i = 1; i < argc; i++) {
		if (!parse_argument(r, argv[i]))
			return CMD_USAGE;
	}
	return launch_and_wait(r, kernel);
}

static int run_run(const struct cmd *cmd, int argc, char **argv)
{
	struct run *r = calloc(1, sizeof(*r));
	uint64_t v;
	int c, code = -1;

	if (!r)
		return CMD_FAILED;
	r->grid[0] = r->grid[1] = r->grid[2] = 1;
	r->timeout_ns = 60ull * 1000000000;
	while (code < 0 &&
	       (c = cmd_next_option(cmd, &r->common, argc, argv)) != CMD_END) {
		switch (c) {
		case 'k': r->kernel = optarg; break;
		case 'g':
			if (!parse_grid(optarg, r->grid))
				code = cmd_usage(cmd, true);
			break;
		case 't':
			if (!cmd_parse_u64(optarg, UINT32_MAX, &v))
				code = cmd_usage(cmd, true);
			else
				r->timeout_ns = v * 1000000;
			break;
		case 's':
			if (!cmd_parse_u64(optarg, UINT32_MAX, &v))
				code = cmd_usage(cmd, true);
			else
				r->spm = (uint32_t)v;
			break;
		default: code = r->common.code;
		}
	}
	if (code < 0 && optind >= argc)
		code = cmd_usage(cmd, true);
	if (code < 0) {
		if (r->common.json)
			gaon_print_set(print_to_stderr, NULL);
		code = run_program(r, argc - optind, argv + optind);
	}
	if (r->dev)
		gaon_device_close(r->dev);
	free(r);
	return code;
}

static const struct cmd_option run_options[] = {
	{ "kernel", "NAME", "kernel to launch (default: the program's first)", 'k' },
	{ "grid", "X[,Y[,Z]]", "workgroups (default 1)", 'g' },
	{ "timeout", "MS", "how long to wait (default 60000)", 't' },
	{ "scratchpad", "BYTES", "scratchpad of each workgroup (default: the kernel's own)", 's' },
	{ 0 },
};

const struct cmd cmd_run = {
	.name = "run",
	.summary = "load a device program and launch one of its kernels",
	.operands = "KERNEL.elf [ARGUMENT]...",
	.options = run_options,
	.flags = CMD_DEVICE,
	.text = "Arguments, in the order of the kernel's argument structure, at natural alignment:\n"
		"  u8: i8: u16: i16: u32: i32: u64: i64: f32: f64:   a number, f32:2.5\n"
		"  in:FILE                address of a buffer with the file's bytes\n"
		"  inout:FILE             the same, written back to the file afterwards\n"
		"  out:FILE:BYTES         a zeroed buffer, written to the file afterwards\n"
		"  zero:BYTES             a zeroed buffer\n\n"
		"With --json the kernel's printf goes to standard error.\n"
		"Exit status: 0 done, 1 failed, 2 usage, 3 the kernel faulted, 4 timeout.\n",
	.run = run_run,
};
