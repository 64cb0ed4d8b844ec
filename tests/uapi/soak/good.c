// SPDX-License-Identifier: MIT
/*
 * A client whose work must be right: data goes by copies and by a kernel through several kinds of memory,
 * and what it left there is looked at again later. Whenever it is told of a loss it starts over.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "soak.h"

#define HOPS		6u
#define PAUSE_US	50000
#define GATE_US		60000u

/* One round: data, and the packets that carry it. */
struct round {
	struct gaon_packet packets[HOPS + 2];
	unsigned int count;
	uint64_t bytes;
	uint64_t data[SOAK_MOST / 8];	/* as it must arrive */
	bool touched[SOAK_AREAS];
	unsigned int gate_us;		/* until its work may end; 0: it waits for nothing */
};

static uint64_t sum_of(const void *data, uint64_t bytes)
{
	const volatile uint64_t *words = data;
	uint64_t sum = bytes;

	for (uint64_t i = 0; i < bytes / 8; i++)
		sum = (sum ^ words[i]) * 0x9e3779b97f4a7c15ull + (sum >> 29);
	return sum;
}

static void add(struct round *round, struct gaon_packet packet)
{
	packet.flags |= GAON_PKT_F_BARRIER;
	packet.scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4;
	round->packets[round->count++] = packet;
}

/* From @from to a place in an area, as it is or mixed; returns where it is then. */
static uint64_t hop(struct soak_client *client, struct round *round, uint64_t from, unsigned int area)
{
	struct fuzz_rng *rng = &client->self->rng;
	struct soak_mix_args *args = (struct soak_mix_args *)(client->lib.mem + SOAK_ARGS) + round->count;
	uint32_t groups = 1u << fuzz_below(rng, 3);
	uint64_t to;

	client->areas[area].at = fuzz_below(rng, (uint32_t)((SOAK_AREA_BYTES - round->bytes) / 8) + 1) * 8ull;
	client->areas[area].bytes = round->bytes;
	round->touched[area] = true;
	to = SOAK_AREA_VA(area) + client->areas[area].at;
	if (fuzz_chance(rng, 2)) {
		add(round, lib_copy(to, from, round->bytes));
	} else {
		*args = (struct soak_mix_args){ from, to, round->bytes / 8 / groups, fuzz_next(rng), 0 };
		if (fuzz_chance(rng, 3)) {
			args->gate = lib_va(SOAK_GATE);
			round->gate_us = 1 + fuzz_below(rng, GATE_US);
		}
		add(round, lib_launch(SOAK_CODE_VA, lib_va((uint64_t)((uint8_t *)args - client->lib.mem)),
				      groups));
		soak_mix(round->data, round->bytes / 8, args->key);
	}
	client->areas[area].sum = sum_of(round->data, round->bytes);
	return to;
}

static void round_make(struct soak_client *client, struct round *round)
{
	struct fuzz_rng *rng = &client->self->rng;
	unsigned int hops = 1 + fuzz_below(rng, HOPS), area = SOAK_AREAS, next;
	uint64_t at = lib_va(SOAK_FROM);

	round->count = 0;
	round->gate_us = 0;
	*lib_word(&client->lib, SOAK_GATE) = 0;
	memset(round->touched, 0, sizeof(round->touched));
	round->bytes = 32ull * (1 + fuzz_below(rng, fuzz_chance(rng, 4) ? SOAK_MOST / 32 : 256));
	for (uint64_t i = 0; i < round->bytes / 8; i++)
		round->data[i] = fuzz_next(rng);
	memcpy(client->lib.mem + SOAK_FROM, round->data, round->bytes);
	while (hops--) {
		do
			next = fuzz_below(rng, SOAK_AREAS);
		while (next == area);
		area = next;
		at = hop(client, round, at, area);
	}
	memset(client->lib.mem + SOAK_TO, 0, round->bytes);
	add(round, lib_copy(lib_va(SOAK_TO), at, round->bytes));
}

static void gate_open(struct soak_client *client, struct round *round)
{
	if (round->gate_us)
		usleep(round->gate_us);
	*lib_word(&client->lib, SOAK_GATE) = 1;
}

static int round_run(struct soak_client *client, struct round *round)
{
	struct gaon_packet *last = &round->packets[round->count - 1];
	struct lib *lib = &client->lib;
	int err;

	last->flags |= GAON_PKT_F_SIGNAL | GAON_PKT_F_EVENT;
	last->signal_va = lib_va(SOAK_WORD);
	last->signal_value = ++client->value;
	if (client->lr) {
		for (unsigned int i = 0; i < round->count; i++)
			lib_push(&client->queue, &round->packets[i]);
		gate_open(client, round);
		return lib_wait(lib, lib_word(lib, SOAK_WORD), client->value, soak_ms(SOAK_PATIENCE_MS));
	}
	memcpy(lib->mem + SOAK_LIST, round->packets, round->count * sizeof(round->packets[0]));
	err = lib_submit(&client->queue, lib_va(SOAK_LIST), round->count, 0, 0, client->done, 0);
	gate_open(client, round);
	if (!err)
		err = lib_syncobj_wait(lib->fd, client->done, 0, soak_ms(SOAK_PATIENCE_MS));
	return err ? err : -lib_syncobj_status(lib->fd, client->done);
}

/* What an area keeps is what was put there, by the CPU if it can see it, or by the device. */
static enum soak_verdict recall(struct soak_client *client, struct round *round)
{
	struct soak_area *area = &client->areas[fuzz_below(&client->self->rng, SOAK_AREAS)];
	enum soak_verdict verdict;
	const uint8_t *seen = client->lib.mem + SOAK_TO;

	if (!area->bytes)
		return SOAK_FINE;
	if (area->cpu && fuzz_chance(&client->self->rng, 2)) {
		seen = area->cpu + area->at;
	} else {
		round->count = 0;
		round->gate_us = 0;
		memset(client->lib.mem + SOAK_TO, 0, area->bytes);
		add(round,
		    lib_copy(lib_va(SOAK_TO), SOAK_AREA_VA(area - client->areas) + area->at, area->bytes));
		verdict = soak_client_judge(client, round_run(client, round), "reading back");
		if (verdict != SOAK_FINE)
			return verdict;
	}
	if (sum_of(seen, area->bytes) != area->sum)
		return soak_client_doubt(client, area->name, seen, area->bytes);
	client->self->shared->jobs++;
	return SOAK_FINE;
}

static enum soak_verdict forward(struct soak_client *client, struct round *round)
{
	enum soak_verdict verdict;

	round_make(client, round);
	verdict = soak_client_judge(client, round_run(client, round), "a round");
	if (verdict == SOAK_FINE && memcmp(client->lib.mem + SOAK_TO, round->data, round->bytes))
		verdict = soak_client_doubt(client, "at the end of a round", client->lib.mem + SOAK_TO,
					    round->bytes);
	if (verdict == SOAK_FINE) {
		client->self->shared->jobs++;
		client->self->shared->bytes += round->bytes * round->count;
	} else {
		for (unsigned int i = 0; i < SOAK_AREAS; i++) {
			if (round->touched[i])
				client->areas[i].bytes = 0;
		}
	}
	return verdict;
}

/* Until it has to be opened anew. */
static void work(struct soak_client *client, struct round *round)
{
	struct soak_self *self = client->self;
	enum soak_verdict verdict = SOAK_FINE;

	while (verdict < SOAK_LOST && !soak_stopped(self)) {
		self->round++;
		if (fuzz_chance(&self->rng, 3))
			verdict = recall(client, round);
		else
			verdict = forward(client, round);
		if (verdict == SOAK_RETRY)
			usleep(PAUSE_US);
		else
			self->shared->rounds[self->kind]++;
		if (verdict == SOAK_FINE)
			soak_beat(self);
	}
}

void soak_good(struct soak_self *self)
{
	static struct soak_client client;
	static struct round round;
	int err;

	while (!soak_stopped(self)) {
		err = soak_client_open(&client, self, self->kind == SOAK_GOOD_USER);
		if (!err) {
			work(&client, &round);
		} else if (err == ENOENT || err == EACCES || err == ENXIO) {
			soak_told(self, "no node");
			usleep(PAUSE_US);
		} else {
			soak_client_judge(&client, err, "opening");
			usleep(PAUSE_US);
		}
		soak_client_close(&client);
	}
}
