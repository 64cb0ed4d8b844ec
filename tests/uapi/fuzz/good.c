// SPDX-License-Identifier: MIT
/* The client whose work must come out right, whatever others do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define LIST		0x1000
#define WORD		0x2000
#define FROM		0x10000
#define TO		0x20000
#define BYTES		0x10000u
#define CARD_VA		0x300000000ull
#define PATIENCE_MS	120000		/* everything is slow: one processor emulates another */

struct good {
	struct fuzz_shared *shared;
	struct fuzz_rng rng;
	struct lib lib;
	struct lib_queue queue;
	uint32_t done;			/* a syncobj */
	uint64_t round;
};

static bool complain(struct good *good, const char *what, int err)
{
	snprintf(good->shared->good_text, FUZZ_TEXT, "%s queue, round %llu: %s: %s",
		 good->lib.lr ? "user-mode" : "kernel-owned", (unsigned long long)good->round, what,
		 err ? strerror(err) : "wrong data");
	good->shared->good_wrong++;
	return false;
}

static void good_open(struct good *good, struct fuzz_shared *shared, uint64_t seed, bool lr)
{
	uint32_t bo;

	good->shared = shared;
	good->rng = fuzz_rng_make(seed, lr ? 1000001 : 1000002);
	lib_open(&good->lib, lr ? DRM_GAON_VM_LR : 0);
	bo = uapi_bo(good->lib.fd, BYTES, DRM_GAON_BO_HBM, good->lib.vm);
	REQUIRE(bo && !uapi_map(good->lib.fd, good->lib.vm, bo, 0, CARD_VA, BYTES, 0), "memory of the card");
	if (lr) {
		REQUIRE(!lib_user_queue(&good->lib, &good->queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	} else {
		REQUIRE(!lib_kernel_queue(&good->lib, &good->queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
		good->done = lib_syncobj(good->lib.fd);
	}
}

/* There, and back to another place; the second packet stores the round. */
static void packets(struct good *good, struct gaon_packet packet[2])
{
	packet[0] = lib_nop(0, 0, 0);
	packet[0].type = GAON_PKT_COPY;
	packet[0].copy = (struct gaon_pkt_copy){ .dst_va = CARD_VA, .src_va = lib_va(FROM), .bytes = BYTES };
	packet[1] = lib_nop(lib_va(WORD), good->round, GAON_PKT_F_EVENT);
	packet[1].type = GAON_PKT_COPY;
	packet[1].copy = (struct gaon_pkt_copy){ .dst_va = lib_va(TO), .src_va = CARD_VA, .bytes = BYTES };
}

static int run_user(struct good *good)
{
	struct gaon_packet packet[2];

	packets(good, packet);
	lib_push(&good->queue, &packet[0]);
	lib_push(&good->queue, &packet[1]);
	return lib_wait(&good->lib, lib_word(&good->lib, WORD), good->round, PATIENCE_MS);
}

static int run_kernel(struct good *good)
{
	struct gaon_packet packet[2];
	int err;

	packets(good, packet);
	memcpy(good->lib.mem + LIST, packet, sizeof(packet));
	err = lib_submit(&good->queue, lib_va(LIST), 2, 0, 0, good->done, 0);
	if (!err)
		err = lib_syncobj_wait(good->lib.fd, good->done, 0, PATIENCE_MS);
	return err ? err : -lib_syncobj_status(good->lib.fd, good->done);
}

static bool good_round(struct good *good)
{
	uint64_t *from = (uint64_t *)(good->lib.mem + FROM), *to = (uint64_t *)(good->lib.mem + TO);
	unsigned int i;
	int err;

	good->round++;
	for (i = 0; i < BYTES / 8; i++)
		from[i] = fuzz_next(&good->rng);
	memset(to, 0, BYTES);
	err = good->lib.lr ? run_user(good) : run_kernel(good);
	if (err)
		return complain(good, "a copy to the card and back", err);
	if (*lib_word(&good->lib, WORD) != good->round)
		return complain(good, "the value at the end", 0);
	return !memcmp(from, to, BYTES) || complain(good, "a copy to the card and back", 0);
}

int fuzz_good(struct fuzz_shared *shared, uint64_t seed)
{
	struct good user = { 0 }, kernel = { 0 };

	good_open(&user, shared, seed, true);
	good_open(&kernel, shared, seed, false);
	while (!shared->stop) {
		if (!good_round(&user) || !good_round(&kernel))
			return 1;
		shared->good_rounds++;
	}
	lib_close(&user.lib);
	lib_close(&kernel.lib);
	return 0;
}
