// SPDX-License-Identifier: MIT
/* Cables between the ports of devices of this process, as a torus, and the thread that drives them. */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "server.h"

#define TICK_NS		(GAON_PORT_PERIOD_MS * 1000000l / 4)
#define TORUS_PORTS	6u	/* of a card, even in fewer dimensions */

struct vfu_cables {
	struct vfu_device *devices[VFU_DEVICES_MAX];
	unsigned int count;
	pthread_t thread;
	pthread_mutex_t lock;		/* protects @stop */
	pthread_cond_t changed;
	bool stop;
};

/* --- options ------------------------------------------------------------------------------------ */

bool vfu_torus_parse(struct vfu_torus *torus, const char *text)
{
	unsigned int devices = 1;
	unsigned long size;
	char *end;

	for (unsigned int d = 0; d < VFU_DIMENSIONS; d++)
		torus->size[d] = 0;
	for (unsigned int d = 0; d < VFU_DIMENSIONS; d++) {
		if (*text < '1' || *text > '9')
			return false;
		size = strtoul(text, &end, 10);
		if (size > VFU_DEVICES_MAX / devices)
			return false;
		torus->size[d] = (unsigned int)size;
		devices *= (unsigned int)size;
		if (!*end)
			return true;
		if (*end != 'x')
			return false;
		text = end + 1;
	}
	return false;
}

bool vfu_torus_cut(struct vfu_torus *torus, const char *text)
{
	unsigned long device, port;
	char *end;

	if (torus->cuts == VFU_CUTS_MAX || *text < '0' || *text > '9')
		return false;
	device = strtoul(text, &end, 10);
	if (*end != ':' || end[1] < '0' || end[1] > '9')
		return false;
	port = strtoul(end + 1, &end, 10);
	if (*end || device >= VFU_DEVICES_MAX || port >= GAON_PORTS_MAX)
		return false;
	torus->cut[torus->cuts].device = (unsigned int)device;
	torus->cut[torus->cuts++].port = (unsigned int)port;
	return true;
}

unsigned int vfu_torus_devices(const struct vfu_torus *torus)
{
	unsigned int devices = torus->size[0];

	for (unsigned int d = 1; d < VFU_DIMENSIONS && torus->size[d]; d++)
		devices *= torus->size[d];
	return devices;
}

unsigned int vfu_torus_ports(const struct vfu_torus *torus)
{
	if (!torus->size[0])
		return 0;
	return torus->size[VFU_DIMENSIONS - 1] ? GAON_PORTS_MAX : TORUS_PORTS;
}

/* --- cables ------------------------------------------------------------------------------------- */

/* Up of each to down of the next one, and of the last to the first. A dimension of one has no cables. */
static void cables_join(struct vfu_cables *c, const struct vfu_torus *torus)
{
	unsigned int stride = 1;

	for (unsigned int d = 0; d < VFU_DIMENSIONS && torus->size[d]; d++) {
		unsigned int size = torus->size[d];

		for (unsigned int i = 0; i < c->count && size > 1; i++) {
			unsigned int at = i / stride % size;
			unsigned int next = i - at * stride + (at + 1) % size * stride;
			struct vfu_device *a = c->devices[i], *b = c->devices[next];

			a->peer[2 * d].dev = b;
			a->peer[2 * d].port = 2 * d + 1;
			b->peer[2 * d + 1].dev = a;
			b->peer[2 * d + 1].port = 2 * d;
		}
		stride *= size;
	}
}

static void cables_cut(struct vfu_device *dev, unsigned int port)
{
	if (dev->peer[port].dev)
		dev->peer[port].dev->peer[dev->peer[port].port].dev = NULL;
	dev->peer[port].dev = NULL;
}

static void *cables_thread(void *arg)
{
	struct vfu_cables *c = arg;
	struct timespec until;

	pthread_mutex_lock(&c->lock);
	while (!c->stop) {
		pthread_mutex_unlock(&c->lock);
		for (unsigned int i = 0; i < c->count; i++)
			gaon_sim_ports_tick(c->devices[i]->sim);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += TICK_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_mutex_lock(&c->lock);
		while (!c->stop && pthread_cond_timedwait(&c->changed, &c->lock, &until) != ETIMEDOUT)
			;
	}
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

struct vfu_cables *vfu_cables_start(const struct vfu_torus *torus, struct vfu_device *const *devices)
{
	struct vfu_cables *c = calloc(1, sizeof(*c));
	pthread_condattr_t attr;
	int error;

	if (!c)
		return NULL;
	c->count = vfu_torus_devices(torus);
	for (unsigned int i = 0; i < c->count; i++)
		c->devices[i] = devices[i];
	cables_join(c, torus);
	for (unsigned int i = 0; i < torus->cuts; i++)
		cables_cut(c->devices[torus->cut[i].device], torus->cut[i].port);
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attr);
	pthread_condattr_destroy(&attr);
	error = pthread_create(&c->thread, NULL, cables_thread, c);
	if (!error)
		return c;
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
	errno = error;
	return NULL;
}

void vfu_cables_stop(struct vfu_cables *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	c->stop = true;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c);
}
