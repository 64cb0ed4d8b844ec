/* SPDX-License-Identifier: MIT */
/* gaon diag: tests of one device, what they found, and what they measured. */
#ifndef GAON_TOOLS_DIAG_H
#define GAON_TOOLS_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <gaon/gaon.h>

#include "../card/card.h"
#include "diag_args.h"

#define DIAG_FINDINGS	64		/* that are kept; all are counted */
#define DIAG_FIGURES	48
#define DIAG_NONE	UINT64_MAX	/* no address, no core, no channel, no value */
#define DIAG_WAIT_NS	(120ull * 1000000000)	/* longer than any launch may take: a device that hangs */

/* As for Nagios: the exit status, too. */
enum diag_verdict { DIAG_OK, DIAG_WARNING, DIAG_CRITICAL, DIAG_UNKNOWN };

struct diag_finding {
	const char *test;		/* static, as what follows */
	enum diag_verdict verdict;
	const char *unit;		/* "integer", "matrix", ...: class of instruction or engine; NULL */
	const char *instruction;	/* NULL */
	uint64_t core, channel;		/* channel: of HBM */
	uint64_t address;		/* of the device, or offset in a scratchpad */
	bool values;			/* the next two are known */
	uint64_t expected, found;
	char text[256];
};

/* What was measured, and from where on it is bad. NAN: no such limit. */
struct diag_figure {
	char name[32];
	const char *test, *unit;	/* "GB/s" */
	double value, warning, critical, most;	/* below these; the most is what the device says of itself */
};

struct diag;

struct diag_test {
	const char *name;
	unsigned int level;		/* from which on it is run */
	const char *help;
	void (*run)(struct diag *d);
};

struct diag_result {
	bool ran;
	char skipped[128];		/* why it was not run; "" */
	enum diag_verdict verdict;
	double seconds;
	uint64_t wrong;			/* findings, those that are not kept as well */
};

struct diag {
	/* What was asked for. */
	const char *device;
	unsigned int level;
	uint64_t memory;		/* bytes to test; 0: as the level has it */
	uint64_t seed;
	double seconds;			/* of what lasts; 0: as the level has it */
	bool embedded;
	const struct card *card;	/* NULL for the embedded device */
	/* The device, from the test "open" on. */
	struct gaon_device *dev;
	struct gaon_stream *stream;
	struct gaon_module *module;
	struct gaon_device_info info;
	struct gaon_device_counters before;
	/* The test that runs. */
	const struct diag_test *test;
	struct diag_result *result;
	double shown;			/* when progress was shown last; 0: not yet */
	double began;
	/* What came of it. */
	struct diag_finding findings[DIAG_FINDINGS];
	size_t count;
	struct diag_figure figures[DIAG_FIGURES];
	size_t figure_count;
};

/* All, up to one without a name, in the order in which they are run. */
extern const struct diag_test diag_tests[];
/* Set by a signal: what runs ends soon. */
extern volatile int diag_stopped;

/* --- found, measured (found.c) --------------------------------------------------------------- */

/*
 * A finding of the test that runs, to be filled further by the caller. Never NULL: when there is no
 * room, it is one that nobody reads.
 */
struct diag_finding *diag_find(struct diag *d, enum diag_verdict verdict, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void diag_skip(struct diag *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* True if @status is OK; else a finding: critical if the device is at fault. */
bool diag_good(struct diag *d, enum gaon_status status, const char *what);
/* A figure, and a finding if it is below @warning or @critical parts of @most; @most 0: it is only told. */
void diag_measure(struct diag *d, const char *name, const char *unit, double value, double most,
		  double warning, double critical);
/* On a terminal, after two seconds; @part 0 to 1. False: a signal says that it is enough. */
bool diag_progress(struct diag *d, double part);

/* --- the device (device.c) ------------------------------------------------------------------- */

extern const unsigned char gaon_diag_kernels[];
extern const unsigned int gaon_diag_kernels_size;

bool diag_open(struct diag *d);
void diag_close(struct diag *d);
/*
 * One workgroup on each core, until it has ended; what goes wrong is a finding. @spm_bytes 0: the
 * kernel's own.
 */
bool diag_launch(struct diag *d, const char *kernel, const void *args, size_t size, uint32_t spm_bytes);
/* The same, and how long it took by the device's clock; 0: it has none. */
bool diag_launch_timed(struct diag *d, const char *kernel, const void *args, size_t size, uint32_t spm_bytes,
		       int64_t *device_ns);
/* Device memory with @bytes of @data in it, if that is not NULL; NULL: a finding says why. */
struct gaon_mem *diag_memory(struct diag *d, uint64_t bytes, const void *data);
bool diag_read(struct diag *d, void *to, struct gaon_mem *from, uint64_t bytes);
/* Channel of HBM of a byte of a large allocation. */
uint64_t diag_channel(const struct diag *d, uint64_t va);

/* Bytes of this machine's memory that nobody uses. */
uint64_t diag_host_memory(void);
/* Next number of a sequence that @state begins. */
uint64_t diag_random(uint64_t *state);

/* --- tests ----------------------------------------------------------------------------------- */

void diag_software(struct diag *d);	/* software.c */
void diag_open_test(struct diag *d);
void diag_copy(struct diag *d);
void diag_launch_test(struct diag *d);
void diag_errors(struct diag *d);
void diag_integer(struct diag *d);	/* compute.c */
void diag_float(struct diag *d);
void diag_atomic(struct diag *d);
void diag_vector(struct diag *d);
void diag_matrix(struct diag *d);	/* engines.c */
void diag_dma(struct diag *d);
void diag_copies(struct diag *d);	/* copies.c */
void diag_contend(struct diag *d);	/* of all priorities, with launches between them: a round of queues */
void diag_memory_short(struct diag *d);	/* memory.c */
void diag_scratchpad(struct diag *d);
void diag_stress(struct diag *d);	/* stress.c */
void diag_queues(struct diag *d);
void diag_march(struct diag *d);
void diag_soak(struct diag *d);
void diag_links(struct diag *d);	/* links.c */
void diag_ports(struct diag *d);	/* ports.c */
void diag_link_speed(struct diag *d);	/* speed.c */
void diag_memory_speed(struct diag *d);
void diag_clock(struct diag *d);
void diag_matrix_speed(struct diag *d);

/* --- what is right (golden_scalar.c, golden_vector.c) ---------------------------------------- */

/* Results of all instructions in the kernel's order; a name for each. */
struct diag_golden {
	const char *unit, *name;
};
extern const struct diag_golden diag_integer_names[DIAG_INTEGERS], diag_float_names[DIAG_FLOATS],
	diag_atomic_names[DIAG_ATOMICS], diag_vector_names[DIAG_VECTORS];
/* @out as the kernels' is for one core. */
void diag_golden_integer(const uint64_t *a, const uint64_t *b, uint64_t n, uint64_t *out);
void diag_golden_float(const double *a, const double *b, uint64_t n, uint64_t *out);
void diag_golden_atomic(const uint64_t *a, const uint64_t *b, uint64_t n, uint64_t *out);
void diag_golden_vector(const uint8_t *a, const uint8_t *b, const uint8_t *fa, const uint8_t *fb,
			uint64_t bytes, uint8_t *out);

#endif
