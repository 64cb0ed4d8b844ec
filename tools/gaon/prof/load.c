// SPDX-License-Identifier: MIT
/* Files of the profiler, checked: a program that died, or a full disk, may have cut them short. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "prof.h"

/* What is believed: devices and kernels of a process, cores of a device. */
#define NUMBERS_MOST	(1u << 16)
#define CORES_MOST	4096

static const size_t sizes[PROF_TYPES] = {
	[PROF_CALL] = sizeof(struct prof_call), [PROF_DEVICE] = sizeof(struct prof_device),
	[PROF_STREAM] = sizeof(struct prof_stream), [PROF_KERNEL] = sizeof(struct prof_kernel),
	[PROF_OP] = sizeof(struct prof_op), [PROF_COUNTERS] = sizeof(struct prof_counters),
};

static bool complain(const char *path, const char *what)
{
	fprintf(stderr, "gaon prof: %s: %s\n", path, what);
	return false;
}

static bool list_add(struct prof_list *list, const void *record)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 256;
		const void **at = realloc(list->at, room * sizeof(*at));

		if (!at)
			return false;
		list->at = at;
		list->room = room;
	}
	list->at[list->count++] = record;
	return true;
}

static bool text_ends(const char *text)
{
	return memchr(text, '\0', PROF_NAME);
}

/* Numbers of what it speaks of are in range; names end. */
static bool record_sound(const void *record, uint32_t type)
{
	const struct prof_op *op = record;

	switch (type) {
	case PROF_CALL:
		return ((const struct prof_call *)record)->count;
	case PROF_DEVICE: {
		const struct prof_device *d = record;

		return d->device < NUMBERS_MOST && text_ends(d->name) && text_ends(d->product) &&
			d->clock_khz && d->cores && d->cores <= CORES_MOST;
	}
	case PROF_STREAM:
		return ((const struct prof_stream *)record)->device < NUMBERS_MOST &&
		       text_ends(((const struct prof_stream *)record)->name);
	case PROF_KERNEL:
		return ((const struct prof_kernel *)record)->kernel < NUMBERS_MOST &&
		       text_ends(((const struct prof_kernel *)record)->name);
	case PROF_COUNTERS:
		return ((const struct prof_counters *)record)->device < NUMBERS_MOST;
	case PROF_OP:
		return op->kind < PROF_KINDS && op->device < NUMBERS_MOST &&
		       (op->begin_cycle == PROF_NEVER || op->end_cycle == PROF_NEVER ||
			op->begin_cycle <= op->end_cycle);
	default:
		return true;
	}
}

static bool size_sound(const struct watch_record *r, const struct prof_op *op)
{
	uint64_t bytes = r->bytes - sizeof(*r);

	if (r->type == PROF_OP && bytes == PROF_OP_UNCOUNTED)
		return !op->counted;
	return bytes == sizes[r->type];
}

static const char *records_read(struct prof_process *p)
{
	uint64_t at = sizeof(struct watch_header), end = p->header->bytes;

	while (at < end) {
		const struct watch_record *r = (const void *)((const char *)p->file + at);
		const void *body = r + 1;

		if (end - at < sizeof(*r) || r->bytes < sizeof(*r) || r->bytes > end - at)
			return "a record runs past the end";
		if (r->type && r->type < PROF_TYPES) {
			if (!size_sound(r, body) || !record_sound(body, r->type))
				return "a record is damaged";
			if (!list_add(&p->lists[r->type], body))
				return "no memory for it";
		}
		at += (r->bytes + WATCH_ALIGN - 1) & ~(uint64_t)(WATCH_ALIGN - 1);
	}
	return NULL;
}

/* Kernels and devices by their numbers, so that every operation finds its own. */
static const char *numbers_read(struct prof_process *p)
{
	const struct prof_list *kernels = &p->lists[PROF_KERNEL], *devices = &p->lists[PROF_DEVICE];

	for (size_t i = 0; i < kernels->count; i++)
		if (((const struct prof_kernel *)kernels->at[i])->kernel >= p->kernel_count)
			p->kernel_count = ((const struct prof_kernel *)kernels->at[i])->kernel + 1;
	for (size_t i = 0; i < devices->count; i++)
		if (((const struct prof_device *)devices->at[i])->device >= p->device_count)
			p->device_count = ((const struct prof_device *)devices->at[i])->device + 1;
	p->kernels = calloc(p->kernel_count + 1, sizeof(*p->kernels));
	p->devices = calloc(p->device_count + 1, sizeof(*p->devices));
	if (!p->kernels || !p->devices)
		return "no memory for it";
	for (size_t i = 0; i < kernels->count; i++)
		p->kernels[((const struct prof_kernel *)kernels->at[i])->kernel] = kernels->at[i];
	for (size_t i = 0; i < devices->count; i++)
		p->devices[((const struct prof_device *)devices->at[i])->device] = devices->at[i];
	for (size_t i = 0; i < p->lists[PROF_OP].count; i++) {
		const struct prof_op *op = p->lists[PROF_OP].at[i];

		if (op->device >= p->device_count || !p->devices[op->device])
			return "an operation is of no device";
	}
	for (size_t i = 0; i < p->lists[PROF_COUNTERS].count; i++) {
		const struct prof_counters *c = p->lists[PROF_COUNTERS].at[i];

		if (c->device >= p->device_count || !p->devices[c->device])
			return "counters are of no device";
	}
	return NULL;
}

static void times_read(struct prof_process *p)
{
	p->begin_ns = p->end_ns = p->header->start_ns;
	for (size_t i = 0; i < p->lists[PROF_CALL].count; i++) {
		const struct prof_call *c = p->lists[PROF_CALL].at[i];

		if (!i || c->begin_ns < p->begin_ns)
			p->begin_ns = c->begin_ns;
		if (c->end_ns > p->end_ns)
			p->end_ns = c->end_ns;
	}
}

bool prof_load_file(struct prof_process *p, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const char *why;
	struct stat st;

	*p = (struct prof_process){ 0 };
	if (fd < 0 || fstat(fd, &st)) {
		complain(path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	p->bytes = (size_t)st.st_size;
	p->file = p->bytes >= sizeof(*p->header) ? mmap(NULL, p->bytes, PROT_READ, MAP_PRIVATE, fd, 0) :
	MAP_FAILED;
	close(fd);
	if (p->file == MAP_FAILED) {
		p->file = NULL;
		return complain(path, "is shorter than a file of the profiler");
	}
	p->header = p->file;
	if (memcmp(p->header->magic, PROF_MAGIC, sizeof(p->header->magic)))
		return complain(path, "is no file of the profiler");
	if (p->header->version != PROF_VERSION)
		return complain(path,
				"is of another version of the profiler: install gaon and libgaon from the "
				"same release");
	if (p->header->bytes > p->bytes || p->header->bytes < sizeof(*p->header) ||
	    !memchr(p->header->program, '\0', sizeof(p->header->program)))
		return complain(path, "has a damaged header");
	why = records_read(p);
	if (!why)
		why = numbers_read(p);
	if (why)
		return complain(path, why);
	times_read(p);
	if (!prof_maps_make(p))
		return complain(path, "no memory for it");
	if (p->header->lost)
		fprintf(stderr, "gaon prof: process %u: what came last is missing: it could not be written\n",
			p->header->pid);
	return true;
}

static int is_trace(const struct dirent *entry)
{
	size_t length = strlen(entry->d_name);

	return length > 5 && !strcmp(entry->d_name + length - 5, ".prof");
}

bool prof_load(struct prof_trace *trace, const char *directory)
{
	struct dirent **names;
	int count = scandir(directory, &names, is_trace, alphasort), i;
	bool good = count > 0;
	char path[4096];

	*trace = (struct prof_trace){ 0 };
	if (count < 0)
		return complain(directory, strerror(errno));
	trace->processes = calloc((size_t)count + 1, sizeof(*trace->processes));
	for (i = 0; i < count; i++) {
		snprintf(path, sizeof(path), "%s/%s", directory, names[i]->d_name);
		if (good && trace->processes)
			good = prof_load_file(&trace->processes[trace->count++], path);
		free(names[i]);
	}
	free(names);
	return good && trace->processes;
}

void prof_free(struct prof_trace *trace)
{
	for (size_t i = 0; i < trace->count; i++) {
		struct prof_process *p = &trace->processes[i];

		for (uint32_t d = 0; p->maps && d < p->device_count; d++)
			free(p->maps[d].points);
		free(p->maps);
		free(p->kernels);
		free(p->devices);
		for (int type = 0; type < PROF_TYPES; type++)
			free(p->lists[type].at);
		if (p->file)
			munmap(p->file, p->bytes);
	}
	free(trace->processes);
}

const char *prof_kernel_name(const struct prof_process *p, uint32_t kernel)
{
	return kernel < p->kernel_count && p->kernels[kernel] ? p->kernels[kernel]->name : "?";
}

const char *prof_call_name(uint32_t call)
{
	static const char *const names[] = { GAON_CALL_NAMES };

	if (call == PROF_CALLBACK)
		return "callback";
	return call < GAON_CALLS ? names[call] : "?";
}

const char *prof_kind_name(uint32_t kind)
{
	static const char *const names[PROF_KINDS] = {
		"launch", "host to device", "device to host", "within the device", "between devices", "fill",
	};

	return kind < PROF_KINDS ? names[kind] : "?";
}
