// SPDX-License-Identifier: MIT
/*
 * Firmware that lies, for tests of software that must not believe it.
 *
 * The image is signed and runs as it is; what it tells the host is changed on the way: words that it
 * stores to host memory, registers that the host reads, records and numbers that the device stores.
 * Where they belong is known from the registers and from the commands that the firmware fetched.
 * Nothing else of the host's memory is touched: a device that writes where it was not told to is
 * what an IOMMU is for.
 *
 * Every kind has a stream of random numbers of its own, so that a seed repeats it whatever the others do.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "devside.h"
#include "lie.h"
#include "mcubus.h"

#define LIE_EVERY	8
#define LIE_BYTES	65536u			/* the longest DMA of the management core */
#define LIE_LATE_NS	6000000000ull		/* the longest time that a reply is held back */

/* What the host asked to have written where; by the opcodes of the commands. */
enum target {
	TARGET_IDENTIFY, TARGET_TELEMETRY, TARGET_LOG, TARGETS,
};

struct sim_lie {
	uint64_t rng[GAON_SIM_LIES];
	uint64_t told[GAON_SIM_LIES];
	struct { uint64_t pa, bytes; } target[TARGETS];
	struct gaon_admin_reply last;		/* the reply whose index comes next */
	uint64_t held_pa, held_valid, held_until;	/* a reply that is late; pa 0: none */
	uint32_t heartbeat;			/* stands still at this, if @beat_stopped */
	bool beat_stopped;
	bool loosened;				/* the engines were reset since a queue was made */
	bool untangled;				/* or its context was */
	uint8_t scratch[LIE_BYTES];
};

static const char * const names[GAON_SIM_LIES] = {
	"reply", "index", "late", "twice", "never", "identify", "telemetry", "log", "event", "heartbeat",
	"register", "tlbi", "outside", "stuck", "hung", "tangled", "deaf",
};

const char *gaon_sim_lie_name(unsigned int kind)
{
	return kind < GAON_SIM_LIES ? names[kind] : NULL;
}

/* --- chance ------------------------------------------------------------------------------------- */

static uint64_t lie_random(struct gaon_sim *sim, unsigned int kind)
{
	uint64_t z = sim->lie->rng[kind] += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* Is it time for a lie of that kind? */
static bool lie_now(struct gaon_sim *sim, unsigned int kind)
{
	uint32_t every = sim->config.lie_every ? sim->config.lie_every : LIE_EVERY;

	if (!(sim->config.lies & 1u << kind) || lie_random(sim, kind) % every)
		return false;
	sim->lie->told[kind]++;
	sim_log(sim, 7, "lie %s, number %llu", names[kind], (unsigned long long)sim->lie->told[kind]);
	return true;
}

/* Random, or where comparisons and sums go wrong. */
static uint64_t lie_value(struct gaon_sim *sim, unsigned int kind)
{
	static const uint64_t values[] = {
		0, 1, 2, 0x7f, 0x80, 0xff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000ull,
		0x7fffffffffffffffull, 0x8000000000000000ull, 0xffffffffffffffffull,
	};
	uint64_t pick = lie_random(sim, kind);

	if (pick & 1)
		return lie_random(sim, kind) >> (pick >> 8 & 63);
	return values[(pick >> 1) % (sizeof(values) / sizeof(values[0]))];
}

/* A few fields of @data, of 1, 2, 4 or 8 bytes; all of them now and then. */
static void lie_fields(struct gaon_sim *sim, unsigned int kind, void *data, size_t bytes)
{
	uint64_t pick = lie_random(sim, kind), value;
	unsigned int fields = 1 + (pick & 3);

	if (!(pick >> 2 & 7))
		fields = bytes;
	while (fields--) {
		size_t width = (size_t)1 << (lie_random(sim, kind) & 3);

		if (width > bytes)
			continue;
		value = lie_value(sim, kind);
		memcpy((uint8_t *)data + lie_random(sim, kind) % (bytes / width) * width, &value, width);
	}
}

/* --- what the firmware stores -------------------------------------------------------------------- */

void sim_lie_fetched(struct gaon_sim *sim, uint64_t pa, const void *data, size_t len)
{
	struct sim_mcu_bus *bus = sim->mcu;
	struct gaon_admin_cmd cmd;

	if (!sim->lie || len != sizeof(cmd) ||
	    pa - (bus->admin_sq & GAON_PA_MASK) >= sizeof(cmd) << bus->admin_log2)
		return;
	memcpy(&cmd, data, sizeof(cmd));
	switch (cmd.opcode) {
	case GAON_ADMIN_QUEUE_CREATE:
		sim->lie->loosened = false;
		sim->lie->untangled = false;
		break;
	case GAON_ADMIN_IDENTIFY:
		sim->lie->target[TARGET_IDENTIFY].pa = cmd.identify.data_pa & GAON_PA_MASK;
		sim->lie->target[TARGET_IDENTIFY].bytes = sizeof(struct gaon_identify);
		break;
	case GAON_ADMIN_TELEMETRY:
		/* Drivers may use one buffer for both. */
		sim->lie->target[TARGET_IDENTIFY].bytes = 0;
		sim->lie->target[TARGET_TELEMETRY].pa = cmd.buffer.pa & GAON_PA_MASK;
		sim->lie->target[TARGET_TELEMETRY].bytes = cmd.buffer.bytes;
		break;
	case GAON_ADMIN_LOG_SETUP:
		sim->lie->target[TARGET_LOG].pa = cmd.buffer.pa & GAON_PA_MASK;
		sim->lie->target[TARGET_LOG].bytes = cmd.buffer.bytes;
		break;
	}
}

static bool store_valid(struct gaon_sim *sim, uint64_t pa, uint64_t valid)
{
	return sim_phys_store64(sim, pa, valid);
}

void sim_lie_poll(struct gaon_sim *sim)
{
	struct sim_lie *lie = sim->lie;

	if (!lie || !lie->held_pa || sim_clock_ns(sim) < lie->held_until)
		return;
	store_valid(sim, lie->held_pa, lie->held_valid);
	lie->held_pa = 0;
	sim_msix_raise(sim, 0);
}

/* The same reply once more, where the next one belongs. */
static void reply_again(struct gaon_sim *sim, uint64_t valid)
{
	struct sim_mcu_bus *bus = sim->mcu;
	struct gaon_admin_reply reply = sim->lie->last;
	uint64_t mask = (1ull << bus->admin_log2) - 1;
	uint64_t pa = (bus->admin_cq & GAON_PA_MASK) + (valid & mask) * sizeof(reply);

	if (sim_phys_write(sim, pa, &reply, offsetof(struct gaon_admin_reply, valid)))
		store_valid(sim, pa + offsetof(struct gaon_admin_reply, valid), valid + 1);
}

/* The index that makes a reply one. */
static bool write_index(struct gaon_sim *sim, uint64_t pa, uint64_t valid)
{
	struct sim_lie *lie = sim->lie;
	bool good;

	if (lie_now(sim, GAON_SIM_LIE_NEVER))
		return true;
	if (!lie->held_pa && lie_now(sim, GAON_SIM_LIE_LATE)) {
		lie->held_pa = pa;
		lie->held_valid = valid;
		lie->held_until = sim_clock_ns(sim) + lie_random(sim, GAON_SIM_LIE_LATE) % LIE_LATE_NS;
		return true;
	}
	if (lie_now(sim, GAON_SIM_LIE_INDEX))
		valid = lie_random(sim, GAON_SIM_LIE_INDEX) & 1 ? lie_value(sim, GAON_SIM_LIE_INDEX) :
			valid + (lie_random(sim, GAON_SIM_LIE_INDEX) % 5 - 2);
	good = store_valid(sim, pa, valid);
	if (lie_now(sim, GAON_SIM_LIE_TWICE))
		reply_again(sim, valid);
	return good;
}

/* A queue that the firmware denies to run, and work that does not stop. */
static void lie_of_queue(struct gaon_sim *sim, struct gaon_admin_reply *reply)
{
	struct sim_lie *lie = sim->lie;
	bool refused = false;

	switch (reply->opcode) {
	case GAON_ADMIN_QUEUE_QUERY:
		if (!lie_now(sim, GAON_SIM_LIE_OUTSIDE))
			return;
		reply->value[0] = GAON_SLOT_EMPTY;
		reply->value[2] = UINT64_MAX;
		return;
	case GAON_ADMIN_QUEUE_RESET:
		refused = (!lie->loosened && lie_now(sim, GAON_SIM_LIE_STUCK)) ||
			  (!lie->untangled && lie_now(sim, GAON_SIM_LIE_TANGLED)) ||
			  lie_now(sim, GAON_SIM_LIE_HUNG);
		break;
	case GAON_ADMIN_CONTEXT_RESET:
		refused = (!lie->loosened && lie_now(sim, GAON_SIM_LIE_STUCK)) ||
			  lie_now(sim, GAON_SIM_LIE_HUNG);
		lie->untangled = !refused;
		break;
	case GAON_ADMIN_ENGINE_RESET:
		refused = lie_now(sim, GAON_SIM_LIE_HUNG);
		lie->loosened = !refused;
		break;
	case GAON_ADMIN_CONTEXT_SUSPEND:
		if (!reply->status && lie_now(sim, GAON_SIM_LIE_STUCK))
			reply->status = GAON_ADMIN_ERR_TIMEOUT;
		return;
	}
	if (refused)
		reply->status = GAON_ADMIN_ERR_OPCODE;
}

static bool write_reply(struct gaon_sim *sim, uint64_t pa, uint64_t at, const uint8_t *data, size_t len)
{
	struct gaon_admin_reply reply;
	uint64_t valid;

	if (at % sizeof(reply) == offsetof(struct gaon_admin_reply, valid) && len == sizeof(valid)) {
		memcpy(&valid, data, sizeof(valid));
		return write_index(sim, pa, valid);
	}
	if (at % sizeof(reply) || len > sizeof(reply))
		return sim_phys_write(sim, pa, data, len);
	memset(&reply, 0, sizeof(reply));
	memcpy(&reply, data, len);
	lie_of_queue(sim, &reply);
	if (lie_now(sim, GAON_SIM_LIE_REPLY))
		lie_fields(sim, GAON_SIM_LIE_REPLY, &reply, len);
	sim->lie->last = reply;
	return sim_phys_write(sim, pa, &reply, len);
}

static bool is_target(const struct sim_lie *lie, enum target target, uint64_t pa)
{
	return pa - lie->target[target].pa < lie->target[target].bytes;
}

bool sim_lie_write(struct gaon_sim *sim, uint64_t pa, const void *data, size_t len)
{
	static const unsigned int kinds[TARGETS] = {
		GAON_SIM_LIE_IDENTIFY, GAON_SIM_LIE_TELEMETRY, GAON_SIM_LIE_LOG,
	};
	struct sim_mcu_bus *bus = sim->mcu;
	struct sim_lie *lie = sim->lie;
	uint64_t at;

	if (!lie || len > LIE_BYTES)
		return sim_phys_write(sim, pa, data, len);
	sim_lie_poll(sim);
	at = pa - (bus->admin_cq & GAON_PA_MASK);
	if (bus->admin_log2 && at < sizeof(struct gaon_admin_reply) << bus->admin_log2)
		return write_reply(sim, pa, at, data, len);
	for (unsigned int t = 0; t < TARGETS; t++) {
		if (!is_target(lie, t, pa) || !lie_now(sim, kinds[t]))
			continue;
		memcpy(lie->scratch, data, len);
		lie_fields(sim, kinds[t], lie->scratch, len);
		return sim_phys_write(sim, pa, lie->scratch, len);
	}
	return sim_phys_write(sim, pa, data, len);
}

/* --- registers ------------------------------------------------------------------------------------ */

uint32_t sim_lie_heartbeat(struct gaon_sim *sim, uint32_t value)
{
	struct sim_lie *lie = sim->lie;

	if (!lie)
		return value;
	sim_lie_poll(sim);
	if (!lie->beat_stopped && lie_now(sim, GAON_SIM_LIE_HEARTBEAT)) {
		/* For good, or a leap. */
		lie->beat_stopped = lie_random(sim, GAON_SIM_LIE_HEARTBEAT) & 1;
		lie->heartbeat = lie_value(sim, GAON_SIM_LIE_HEARTBEAT);
		return lie->heartbeat;
	}
	return lie->beat_stopped ? lie->heartbeat : value;
}

uint32_t sim_lie_register(struct gaon_sim *sim, uint64_t offset, uint32_t value)
{
	if (!sim->lie)
		return value;
	switch (offset) {
	case GAON_REG_STATE:
	case GAON_REG_BOOT_ERROR:
	case GAON_REG_FW_VERSION:
	case GAON_REG_FW_ABI:
	case GAON_REG_HEARTBEAT:
		return lie_now(sim, GAON_SIM_LIE_REGISTER) ? lie_value(sim, GAON_SIM_LIE_REGISTER) : value;
	default:
		return value;
	}
}

bool sim_lie_deaf(struct gaon_sim *sim)
{
	return sim->lie && lie_now(sim, GAON_SIM_LIE_DEAF);
}

/* --- records and numbers -------------------------------------------------------------------------- */

enum sim_lie_told sim_lie_event(struct gaon_sim *sim, struct gaon_event *event, uint64_t *valid)
{
	uint64_t pick;

	if (!sim->lie || !lie_now(sim, GAON_SIM_LIE_EVENT))
		return SIM_LIE_STORE;
	pick = lie_random(sim, GAON_SIM_LIE_EVENT);
	switch (pick % 8) {
	case 0:
		return SIM_LIE_DROP;
	case 1:
		*valid = lie_value(sim, GAON_SIM_LIE_EVENT);
		return SIM_LIE_STORE;
	case 2:
		return SIM_LIE_REPEAT;
	case 3:
		/* Of a queue that did nothing wrong. */
		event->type = GAON_EVENT_FAULT;
		event->fault.type = pick >> 8 & 31;
		event->fault.sequence = lie_value(sim, GAON_SIM_LIE_EVENT);
		return SIM_LIE_STORE;
	case 4:
		event->type = pick >> 8 & 7;
		event->flags = pick >> 16 & 3;
		event->queue = pick >> 24 & 7;
		return SIM_LIE_STORE;
	default:
		lie_fields(sim, GAON_SIM_LIE_EVENT, event, sizeof(*event));
		return SIM_LIE_STORE;
	}
}

bool sim_lie_tlbi(struct gaon_sim *sim, uint64_t *done)
{
	if (!sim->lie || !lie_now(sim, GAON_SIM_LIE_TLBI))
		return true;
	if (lie_random(sim, GAON_SIM_LIE_TLBI) & 1)
		return false;
	*done = lie_value(sim, GAON_SIM_LIE_TLBI);
	return true;
}

/* --- life ----------------------------------------------------------------------------------------- */

int sim_lie_create(struct gaon_sim *sim)
{
	if (!sim->config.lies)
		return 0;
	sim->lie = calloc(1, sizeof(*sim->lie));
	if (!sim->lie)
		return -1;
	for (unsigned int i = 0; i < GAON_SIM_LIES; i++)
		sim->lie->rng[i] = sim->config.lie_seed + (i + 1) * 0xd1342543de82ef95ull;
	return 0;
}

void sim_lie_reset(struct gaon_sim *sim)
{
	struct sim_lie *lie = sim->lie;

	if (!lie)
		return;
	/* The streams go on: the next life's lies are others. */
	memset(lie->target, 0, sizeof(lie->target));
	lie->held_pa = 0;
	lie->beat_stopped = false;
	lie->loosened = false;
	lie->untangled = false;
}

void sim_lie_destroy(struct gaon_sim *sim)
{
	free(sim->lie);
	sim->lie = NULL;
}
