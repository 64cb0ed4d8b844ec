// SPDX-License-Identifier: MIT
/*
 * Files of the profiler from anywhere: read, summed up, drawn. The bytes are the records behind a header
 * that is
 * right, so that they are reached; the first byte spoils the header now and then.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../tools/gaon/cmd.h"
#include "../../tools/gaon/prof/prof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What cmd.o wants besides; nothing here calls libgaon. */
const struct cmd *const cmd_table[] = { NULL };

const struct gaon_error *gaon_last_error(void)
{
	abort();
}

const char *gaon_status_name(enum gaon_status status)
{
	(void)status;
	abort();
}

static void look(struct prof_process *p)
{
	struct prof_trace trace = { calloc(1, sizeof(*p)), 1 };
	json_t *summary;
	FILE *null;

	if (!trace.processes)
		return;
	*trace.processes = *p;
	summary = prof_summary(&trace);
	if (!json_is_array(json_object_get(summary, "processes")))
		abort();
	null = fopen("/dev/null", "we");
	if (null) {
		prof_print(null, summary);
		fclose(null);
	}
	json_decref(summary);
	prof_write_trace(&trace, "/dev/shm/fuzz_prof.json");
	prof_write_roofline(&trace, "/dev/shm/fuzz_prof.svg");
	prof_free(&trace);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct watch_header header = { .version = PROF_VERSION, .bytes = sizeof(header) + size, .program =
				       "p" };
	static FILE *quiet;
	struct prof_trace trace = { NULL, 0 };
	struct prof_process p;
	char path[64];
	int fd;

	memcpy(header.magic, PROF_MAGIC, sizeof(header.magic));
	/* Refusals are many; the fuzzer has its own idea of standard error. */
	if (!quiet) {
		quiet = fopen("/dev/null", "we");
		if (quiet)
			stderr = quiet;
	}
	fd = memfd_create("prof", MFD_CLOEXEC);
	if (fd < 0)
		return 0;
	if (size && data[0] == 0xff)
		((unsigned char *)&header)[data[size - 1]] ^= 1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, &header, sizeof(header)) == (ssize_t)sizeof(header) && write(fd, data,
										   size) == (ssize_t)size) {
		if (prof_load_file(&p, path)) {
			look(&p);
		} else {
			trace.processes = malloc(sizeof(p));
			if (trace.processes) {
				*trace.processes = p;
				trace.count = 1;
				prof_free(&trace);
			}
		}
	}
	close(fd);
	return 0;
}
