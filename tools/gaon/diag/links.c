// SPDX-License-Identifier: MIT
/*
 * Links that last: both directions of that to the host at a time, and the ways to the machine's other
 * cards, with data that is compared.
 */
#include <stdio.h>
#include <string.h>

#include "../cmd.h"
#include "diag.h"

#define LINKS_S		20.0
#define BLOCK_BYTES	(4ull << 20)
#define WORDS		(BLOCK_BYTES / 8)
#define LANES		64		/* bytes side by side: of a wrong one it is told which */
#define PEERS_MAX	16u

struct peer {
	struct gaon_device *dev;
	struct gaon_mem *mem;
	char name[sizeof(((struct gaon_device_info *)0)->name)];
};

struct links {
	/*
	 * The other way is the test's own stream: what follows on it would be in the past of a device
	 * whose time is modelled, and its power on top of what was taken then.
	 */
	struct gaon_stream *down;
	struct gaon_mem *there[2];	/* in turns: one is filled while the other is read */
	struct gaon_mem *out, *in;	/* of the host */
	struct peer peers[PEERS_MAX];
	uint32_t peer_count;
	uint64_t bytes;			/* that have crossed, all ways together */
};

static bool peer_open(struct peer *p, const char *name)
{
	snprintf(p->name, sizeof(p->name), "%s", name);
	/* One that may not be opened, is broken or full: its own test says so. */
	if (gaon_device_open(name, &p->dev) != GAON_OK)
		return false;
	if (gaon_mem_alloc(p->dev, BLOCK_BYTES, GAON_MEM_DEVICE, &p->mem) == GAON_OK)
		return true;
	gaon_device_close(p->dev);
	return false;
}

/* The other cards of this machine; the embedded device is no card. */
static void peers_open(struct diag *d, struct links *l)
{
	uint32_t count = 0;

	if (d->embedded || !diag_good(d, gaon_device_count(&count), "counting devices"))
		return;
	for (uint32_t i = 0; i < count && l->peer_count < PEERS_MAX; i++) {
		struct gaon_device_info info = { .size = sizeof(info) };

		if (gaon_device_describe(i, &info) == GAON_OK && strcmp(info.name, d->info.name) &&
		    strcmp(info.name, "embedded") && peer_open(&l->peers[l->peer_count], info.name))
			l->peer_count++;
	}
}

static bool links_begin(struct diag *d, struct links *l)
{
	*l = (struct links){ 0 };
	if (!diag_good(d, gaon_stream_create(d->dev, NULL, &l->down), "making a stream") ||
	    !diag_good(d, gaon_mem_alloc(d->dev, BLOCK_BYTES, GAON_MEM_HOST, &l->out), "allocating host memory") ||
	    !diag_good(d, gaon_mem_alloc(d->dev, BLOCK_BYTES, GAON_MEM_HOST, &l->in), "allocating host memory"))
		return false;
	l->there[0] = diag_memory(d, BLOCK_BYTES, NULL);
	l->there[1] = l->there[0] ? diag_memory(d, BLOCK_BYTES, NULL) : NULL;
	if (!l->there[1])
		return false;
	peers_open(d, l);
	return true;
}

static void links_end(struct links *l)
{
	struct gaon_mem *const mems[] = { l->there[0], l->there[1], l->out, l->in };

	for (uint32_t i = 0; i < l->peer_count; i++) {
		gaon_mem_free(l->peers[i].mem);
		gaon_device_close(l->peers[i].dev);
	}
	if (l->down)
		gaon_stream_destroy(l->down);
	for (size_t i = 0; i < sizeof(mems) / sizeof(mems[0]); i++) {
		if (mems[i])
			gaon_mem_free(mems[i]);
	}
}

/* What block number @round holds. */
static uint64_t block_seed(const struct diag *d, uint64_t round)
{
	return d->seed + round * 0xd1342543de82ef95ull;
}

/* What has come back of block @round; @way: which way it went. */
static void block_compare(struct diag *d, const uint64_t *found, uint64_t round, const char *way)
{
	uint64_t state = block_seed(d, round), wrong = 0, first = 0, expected = 0, lanes = 0;
	struct diag_finding *f;

	for (uint64_t i = 0; i < WORDS; i++) {
		uint64_t want = diag_random(&state), bits = found[i] ^ want;

		if (!bits)
			continue;
		if (!wrong++) {
			first = i;
			expected = want;
		}
		for (unsigned int byte = 0; byte < 8; byte++)
			lanes |= (bits >> 8 * byte & 0xff ? 1ull : 0) << (i % (LANES / 8) * 8 + byte);
	}
	if (!wrong)
		return;
	f = diag_find(d, DIAG_CRITICAL, "%s: %llu of %llu words of block %llu are wrong, in %u of %u byte lanes, the first of which is %u; word %llu is %#llx and should be %#llx",
		      way, (unsigned long long)wrong, (unsigned long long)WORDS, (unsigned long long)round,
		      (unsigned int)__builtin_popcountll(lanes), LANES,
		      (unsigned int)__builtin_ctzll(lanes), (unsigned long long)first,
		      (unsigned long long)found[first], (unsigned long long)expected);
	f->unit = "link";
	f->values = true;
	f->expected = expected;
	f->found = found[first];
}

static bool block_copy(struct diag *d, struct gaon_stream *stream, struct gaon_mem *to,
		       struct gaon_mem *from)
{
	return diag_good(d, gaon_mem_copy_async(stream, gaon_mem_va(to), gaon_mem_va(from), BLOCK_BYTES),
			 "copying over the link");
}

/* Block @round goes to the device while the one before comes back. */
static bool host_round(struct diag *d, struct links *l, uint64_t round)
{
	uint64_t *out = gaon_mem_ptr(l->out), state = block_seed(d, round);

	for (uint64_t i = 0; i < WORDS; i++)
		out[i] = diag_random(&state);
	if (!block_copy(d, d->stream, l->there[round % 2], l->out) ||
	    (round && !block_copy(d, l->down, l->in, l->there[(round + 1) % 2])) ||
	    !diag_good(d, gaon_stream_wait(d->stream, DIAG_WAIT_NS), "copying to the device") ||
	    !diag_good(d, gaon_stream_wait(l->down, DIAG_WAIT_NS), "copying from the device"))
		return false;
	l->bytes += BLOCK_BYTES * (round ? 2 : 1);
	if (round)
		block_compare(d, gaon_mem_ptr(l->in), round - 1, "there and back over the link to the host");
	return true;
}

/* Block @round goes on to another card, and back to where the one before was. */
static bool peer_round(struct diag *d, struct links *l, struct peer *p, uint64_t round)
{
	struct gaon_mem *from = l->there[round % 2], *back = l->there[(round + 1) % 2];
	char way[sizeof(p->name) + 32];

	snprintf(way, sizeof(way), "there and back to %s", p->name);
	if (!diag_good(d, gaon_mem_copy_peer(p->dev, gaon_mem_va(p->mem), d->dev, gaon_mem_va(from),
					     BLOCK_BYTES), way) ||
	    !diag_good(d, gaon_mem_copy_peer(d->dev, gaon_mem_va(back), p->dev, gaon_mem_va(p->mem),
					     BLOCK_BYTES), way) ||
	    !block_copy(d, l->down, l->in, back) ||
	    !diag_good(d, gaon_stream_wait(l->down, DIAG_WAIT_NS), way))
		return false;
	l->bytes += 2 * BLOCK_BYTES;
	block_compare(d, gaon_mem_ptr(l->in), round, way);
	return true;
}

void diag_links(struct diag *d)
{
	double start = cmd_now(), seconds = d->seconds > 0 ? d->seconds : LINKS_S;
	bool good = true;
	struct links l;

	if (links_begin(d, &l)) {
		for (uint64_t round = 0; good && !d->result->wrong; round++) {
			double part = (cmd_now() - start) / seconds;

			/* Twice at least, so that all of the ways have been gone. */
			if (!diag_progress(d, part) || (part >= 1 && round > 1))
				break;
			good = host_round(d, &l, round);
			for (uint32_t i = 0; i < l.peer_count && good && !diag_stopped; i++)
				good = peer_round(d, &l, &l.peers[i], round);
		}
		diag_measure(d, "links_mib", "MiB", (double)(l.bytes >> 20), 0, 0, 0);
		diag_measure(d, "links_peers", "cards", l.peer_count, 0, 0, 0);
	}
	links_end(&l);
}
