// SPDX-License-Identifier: MIT
/*
 * Ports of links to other cards: who is at the other end, and whether each end hears the other.
 * Documentation/hw/ports.rst.  Frames are from elsewhere: nothing in them is trusted.
 */
#include <string.h>

#include "devside.h"

#define MS	1000000ull

_Static_assert(sizeof(struct gaon_port) == 64 && sizeof(struct gaon_port_frame) == 64, "as specified");

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void port_set(struct gaon_sim *sim, unsigned int number, uint32_t state)
{
	static const char *const names[GAON_PORT_STATES] = { "down", "training", "up", "of another version" };
	struct sim_port *p = &sim->ports[number];
	bool up = state == GAON_PORT_UP;

	p->seen.lanes = up ? least(p->lanes, SIM_PORT_LANES) : 0;
	p->seen.mbps = up ? least(p->mbps, SIM_PORT_MBPS) : 0;
	if (p->seen.state == state)
		return;
	p->seen.state = state;
	p->seen.ups += up;
	sim_log(sim, 7, "port %u is %s", number, names[state]);
}

static bool is_there(const struct gaon_sim *sim, unsigned int port)
{
	return !sim->pulled && port < sim->config.ports;
}

/* --- receiving ---------------------------------------------------------------------------------- */

static bool frame_good(const struct gaon_port_frame *frame)
{
	return frame->magic == GAON_PORT_MAGIC && frame->crc == gaon_port_crc(frame);
}

static bool frame_known(const struct gaon_port_frame *frame)
{
	return frame->version == GAON_PORT_VERSION && frame->port < GAON_PORTS_MAX && frame->lanes &&
	       frame->mbps && frame->heard <= 1;
}

static void port_hear(struct gaon_sim *sim, unsigned int number, const struct gaon_port_frame *frame)
{
	struct sim_port *p = &sim->ports[number];

	p->seen.frames++;
	p->heard = true;
	p->silent = 0;
	if (!frame_known(frame)) {
		port_set(sim, number, GAON_PORT_MISMATCH);
		return;
	}
	p->lanes = frame->lanes;
	p->mbps = frame->mbps;
	p->seen.peer_port = frame->port;
	memcpy(p->seen.peer_serial, frame->serial, sizeof(p->seen.peer_serial));
	port_set(sim, number, frame->heard ? GAON_PORT_UP : GAON_PORT_TRAINING);
}

void gaon_sim_port_receive(struct gaon_sim *sim, unsigned int port, const void *data, size_t bytes)
{
	struct gaon_port_frame frame;

	if (bytes != sizeof(frame))
		return;
	memcpy(&frame, data, sizeof(frame));
	sim_lock(sim);
	if (is_there(sim, port)) {
		if (frame_good(&frame)) {
			port_hear(sim, port, &frame);
		} else {
			sim->ports[port].seen.bad++;
			/* Link 0 is the one to the host. */
			sim_ras_error(sim, GAON_RAS_LINK_CE, 1 + port);
		}
	}
	sim_unlock(sim);
}

/* --- sending ------------------------------------------------------------------------------------ */

/* Silence is counted in the port's own frames: a host that is too busy to send has not missed any. */
static void port_listen(struct gaon_sim *sim, unsigned int number)
{
	struct sim_port *p = &sim->ports[number];

	if (!p->heard || ++p->silent < GAON_PORT_SILENCE_MS / GAON_PORT_PERIOD_MS)
		return;
	p->heard = false;
	port_set(sim, number, GAON_PORT_DOWN);
}

static bool port_due(struct gaon_sim *sim, unsigned int number, uint64_t now, struct gaon_port_frame *frame)
{
	struct sim_port *p = &sim->ports[number];
	bool first = !p->sent_at;

	if (!first && now - p->sent_at < GAON_PORT_PERIOD_MS * MS)
		return false;
	p->sent_at = now;
	port_listen(sim, number);
	*frame = (struct gaon_port_frame){
		.magic = GAON_PORT_MAGIC,
		.version = GAON_PORT_VERSION,
		/* So that the other end notices a reset. */
		.heard = !first && p->heard,
		.port = number,
		.lanes = SIM_PORT_LANES,
		.mbps = SIM_PORT_MBPS,
		.sequence = p->sequence++,
	};
	memcpy(frame->serial, sim->identify.serial, sizeof(frame->serial));
	frame->crc = gaon_port_crc(frame);
	return true;
}

void gaon_sim_ports_tick(struct gaon_sim *sim)
{
	struct gaon_port_frame frames[GAON_PORTS_MAX];
	bool due[GAON_PORTS_MAX] = { false };
	uint64_t now;

	sim_lock(sim);
	now = sim_clock_ns(sim);
	for (unsigned int i = 0; is_there(sim, i); i++)
		due[i] = port_due(sim, i, now, &frames[i]);
	sim_unlock(sim);
	for (unsigned int i = 0; i < GAON_PORTS_MAX; i++)
		if (due[i] && sim->ops.port_send)
			sim->ops.port_send(sim->ops_ctx, i, &frames[i], sizeof(frames[i]));
}

/* --- what is told of them ------------------------------------------------------------------------ */

void sim_ports_latch(struct gaon_sim *sim, struct gaon_ports *out)
{
	memset(out, 0, sizeof(*out));
	out->size = sizeof(*out);
	out->count = sim->config.ports;
	for (unsigned int i = 0; i < sim->config.ports; i++)
		out->port[i] = sim->ports[i].seen;
}

/* Sequence numbers go on, so that the other end can tell. */
void sim_ports_reset(struct gaon_sim *sim)
{
	for (unsigned int i = 0; i < GAON_PORTS_MAX; i++)
		sim->ports[i] = (struct sim_port){
			.seen.peer_port = GAON_PORT_NONE, .sequence = sim->ports[i].sequence,
		};
}
