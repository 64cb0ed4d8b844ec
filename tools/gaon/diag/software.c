// SPDX-License-Identifier: MIT
/* Whether the software is there and the device does anything at all. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../card/tree.h"
#include "../doctor/doctor.h"
#include "diag.h"

#define COPY_BYTES	65536u
#define LAUNCHES	16u

/* What `gaon doctor` finds of this card, or of the process alone. */
void diag_software(struct diag *d)
{
	struct doctor *doctor = calloc(1, sizeof(*doctor));

	if (!doctor) {
		diag_find(d, DIAG_UNKNOWN, "no host memory");
		return;
	}
	tree_read_line(doctor->release, sizeof(doctor->release), "/proc/sys/kernel/osrelease");
	if (d->card) {
		doctor->cards.cards = (struct card *)d->card;
		doctor->cards.count = 1;
		doctor_kernel(doctor);
		doctor_firmware(doctor);
		doctor_cards(doctor);
	}
	doctor_process(doctor);
	for (size_t i = 0; i < doctor->count; i++) {
		const struct doctor_finding *f = &doctor->findings[i];

		/* Whether the library opens it is the next test. */
		if (f->verdict == DOCTOR_BAD && strcmp(f->check, "runtime") != 0)
			diag_find(d, DIAG_CRITICAL, "%s: %.160s; %.60s", f->check, f->text,
				  f->mend[0] ? f->mend : "`gaon doctor` tells more");
	}
	free(doctor);
}

void diag_open_test(struct diag *d)
{
	struct gaon_device_board board = { .size = sizeof(board) };

	if (!diag_open(d)) {
		diag_close(d);
		return;
	}
	if (!d->info.cores || !d->info.hbm_bytes || !d->info.clock_khz)
		diag_find(d, DIAG_CRITICAL, "it says of itself: %u cores, %llu bytes of memory, a clock of %u kHz",
			  d->info.cores, (unsigned long long)d->info.hbm_bytes, d->info.clock_khz);
	if (!diag_good(d, gaon_device_get_board(d->dev, &board), "reading the board"))
		return;
	if (board.state[0] && strcmp(board.state, "ready") != 0)
		diag_find(d, !strcmp(board.state, "degraded") ? DIAG_WARNING : DIAG_CRITICAL, "its driver calls it '%s'",
			  board.state);
}

void diag_copy(struct diag *d)
{
	uint64_t there[COPY_BYTES / 8], back[COPY_BYTES / 8], state = d->seed;
	struct gaon_mem *mem;

	for (size_t i = 0; i < COPY_BYTES / 8; i++)
		there[i] = diag_random(&state);
	memset(back, 0, sizeof(back));
	mem = diag_memory(d, COPY_BYTES, there);
	if (!mem)
		return;
	if (diag_read(d, back, mem, COPY_BYTES)) {
		for (size_t i = 0; i < COPY_BYTES / 8; i++) {
			struct diag_finding *f;

			if (back[i] == there[i])
				continue;
			f = diag_find(d, DIAG_CRITICAL, "copied to the device and back: %#llx became %#llx",
				      (unsigned long long)there[i], (unsigned long long)back[i]);
			f->unit = "copy";
			f->address = gaon_mem_va(mem) + 8 * i;
			f->channel = diag_channel(d, f->address);
			f->values = true;
			f->expected = there[i];
			f->found = back[i];
		}
	}
	gaon_mem_free(mem);
}

/* A few launches of the shortest useful kernel on every core. */
void diag_launch_test(struct diag *d)
{
	uint64_t *result = calloc(d->info.cores, 2 * sizeof(*result));
	struct gaon_mem *mem = diag_memory(d, 16ull * d->info.cores, NULL);
	struct diag_spin_args args = { .core = DIAG_NONE, .rounds = 100 };

	for (unsigned int n = 0; mem && result && n < LAUNCHES; n++) {
		args.result = gaon_mem_va(mem);
		if (!diag_launch(d, "diag_spin", &args, sizeof(args), 0) ||
		    !diag_read(d, result, mem, 16ull * d->info.cores))
			break;
		for (uint32_t i = 0; i < d->info.cores; i++) {
			uint64_t expected = i + 100 * 99 / 2;
			struct diag_finding *f;

			if (result[2 * i + 1] == expected)
				continue;
			f = diag_find(d, DIAG_CRITICAL, "core %u adds up to %llu and should to %llu", i,
				      (unsigned long long)result[2 * i + 1], (unsigned long long)expected);
			f->core = i;
			f->unit = "integer";
			f->values = true;
			f->expected = expected;
			f->found = result[2 * i + 1];
		}
	}
	if (mem)
		gaon_mem_free(mem);
	free(result);
}

/* What the device counted itself, before and meanwhile. The last test of all. */
void diag_errors(struct diag *d)
{
	struct gaon_device_counters now = { .size = sizeof(now) };
	uint64_t corrected, uncorrected;

	if (!diag_good(d, gaon_device_get_counters(d->dev, &now), "reading its counters"))
		return;
	corrected = now.errors_corrected - d->before.errors_corrected;
	uncorrected = now.errors_uncorrected - d->before.errors_uncorrected;
	diag_measure(d, "errors_corrected", "errors", (double)now.errors_corrected, 0, 0, 0);
	diag_measure(d, "errors_uncorrected", "errors", (double)now.errors_uncorrected, 0, 0, 0);
	diag_measure(d, "retired_pages", "pages", (double)now.retired_pages, 0, 0, 0);
	if (uncorrected)
		diag_find(d, DIAG_CRITICAL, "%llu errors that could not be corrected came during the tests",
			  (unsigned long long)uncorrected);
	else if (now.errors_uncorrected)
		diag_find(d, DIAG_WARNING, "%llu errors that could not be corrected since the device was reset; none during the tests",
			  (unsigned long long)now.errors_uncorrected);
	if (corrected)
		diag_find(d, DIAG_WARNING, "%llu errors came during the tests, and were corrected", (unsigned long long)corrected);
}
