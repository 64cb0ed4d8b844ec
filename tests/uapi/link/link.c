// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "link.h"

#define DEVICES	"/sys/bus/pci/devices"

/* --- functions ------------------------------------------------------------------------------------ */

void link_card(struct card *card, const char *address)
{
	int tries;

	memmove(card->address, address, strlen(address) + 1);
	/* A node may come a little later than the device. */
	for (tries = 0; tries < 200 && !card_find(card); tries++)
		usleep(50000);
	REQUIRE(card->node[0] && card->debugfs[0], "card %s has a node and a directory in debugfs", address);
}

/* As the kernel's drivers/pci/pcie/aer_inject.c reads it. */
struct aer_error {
	uint8_t bus, dev, fn;
	uint32_t uncorrectable, correctable, header[4], domain;
};

bool link_inject(const char *address, uint32_t correctable, uint32_t uncorrectable)
{
	struct aer_error error = { .correctable = correctable, .uncorrectable = uncorrectable };
	int fd = open("/dev/aer_inject", O_WRONLY | O_CLOEXEC);
	unsigned int domain, bus, dev, fn;
	bool good;

	if (sscanf(address, "%x:%x:%x.%x", &domain, &bus, &dev, &fn) != 4)
		return false;
	error.domain = domain;
	error.bus = (uint8_t)bus;
	error.dev = (uint8_t)dev;
	error.fn = (uint8_t)fn;
	/* Busy: the interrupt of the last one has not come yet. */
	do
		good = fd >= 0 && write(fd, &error, sizeof(error)) == (ssize_t)sizeof(error);
	while (fd >= 0 && !good && errno == EBUSY);
	if (fd >= 0)
		close(fd);
	return good;
}

void link_parent(const char *address, char parent[32])
{
	char path[128], *real, *slash;

	snprintf(path, sizeof(path), DEVICES "/%s", address);
	real = realpath(path, NULL);
	REQUIRE(real, "%s is there", address);
	slash = strrchr(real, '/');
	*slash = '\0';
	snprintf(parent, 32, "%s", strrchr(real, '/') + 1);
	free(real);
}

long link_statistic(const char *address, const char *file, const char *name)
{
	struct card card = { 0 };
	const char *text;

	snprintf(card.address, sizeof(card.address), "%s", address);
	text = strstr(attribute(&card, file), name);
	return text ? strtol(text + strlen(name), NULL, 10) : -1;
}

bool link_flr(const struct card *card)
{
	char path[128];

	snprintf(path, sizeof(path), DEVICES "/%s/reset", card->address);
	return write_file(path, "1");
}

/* --- clients -------------------------------------------------------------------------------------- */

void clients_start(struct clients *clients, const struct card *card)
{
	struct gaon_packet packet = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 4);

	user_open(&clients->lr, card, DRM_GAON_VM_LR);
	user_open(&clients->fence, card, 0);
	clients->out = lib_syncobj(clients->fence.fd);
	REQUIRE(!lib_user_queue(&clients->lr, &clients->user, 4, DRM_GAON_PRIORITY_NORMAL, UINT64_MAX) &&
		!lib_kernel_queue(&clients->fence, &clients->kernel, 4, DRM_GAON_PRIORITY_NORMAL,
				  10000000000ull),
		"queues of two clients");
	lib_push(&clients->user, &packet);
	CHECK_ERRNO(run_endless(&clients->kernel, clients->out), 0, "work without end");
}

void clients_check_lost(struct clients *clients, int err)
{
	struct drm_gaon_queue_query query;

	CHECK_ERRNO(lib_wait(&clients->lr, lib_word(&clients->lr, WORD), 1, END_MS), err, "who waits is told");
	CHECK_ERRNO(outcome(&clients->fence, clients->out), err, "the job ends");
	if (err == ENODEV)
		return;
	CHECK_ERRNO(lib_state(&clients->kernel, &query, 0), 0, "state");
	CHECK((query.state & (DRM_GAON_QUEUE_WAS_RESET | DRM_GAON_QUEUE_DEAD | DRM_GAON_QUEUE_GUILTY)) ==
	      (DRM_GAON_QUEUE_WAS_RESET | DRM_GAON_QUEUE_DEAD) && query.lost == 1,
	      "for another's sake: state %#x, %llu lost", query.state, (unsigned long long)query.lost);
}

void clients_check_told(struct clients *clients)
{
	int err = lib_wait(&clients->lr, lib_word(&clients->lr, WORD), 1, END_MS);
	struct drm_gaon_queue_query query;

	CHECK(err == ECANCELED || err == EIO, "who waits is told: %s", strerror(err));
	CHECK_ERRNO(outcome(&clients->fence, clients->out), ECANCELED, "the job ends");
	CHECK_ERRNO(lib_state(&clients->kernel, &query, 0), 0, "state");
	CHECK(query.state & DRM_GAON_QUEUE_WAS_RESET && !(query.state & DRM_GAON_QUEUE_GUILTY) &&
	      query.lost == 1, "for another's sake: state %#x, %llu lost", query.state,
	      (unsigned long long)query.lost);
}

void clients_end(struct clients *clients)
{
	lib_close(&clients->lr);
	lib_close(&clients->fence);
}

void link_check_works(const struct card *card, const char *when)
{
	struct lib_queue queue;
	struct lib lib;
	uint32_t out;

	user_open(&lib, card, 0);
	out = lib_syncobj(lib.fd);
	CHECK_ERRNO(lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), 0, "%s: a queue", when);
	CHECK(!run_copy(&queue, HBM_VA, lib_va(FROM), out) && !run_copy(&queue, lib_va(BACK), HBM_VA, out) &&
	      !memcmp(lib.mem + FROM, lib.mem + BACK, BYTES), "%s: data goes there and comes back", when);
	lib_close(&lib);
}
