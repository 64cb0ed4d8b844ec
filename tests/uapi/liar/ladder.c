// SPDX-License-Identifier: MIT
/*
 * The rungs of resets, one after the other, on cards whose firmware says that the lower ones do not help
 * (gaon-sim --lie outside, stuck, hung, tangled, deaf): who is at fault is told so, everybody else goes on
 * or is told that his work is lost, and a card that fails again and again is given up, and can be brought
 * back.
 *
 *   ladder honest outside stuck hung tangled deaf	the cards, in the order of their addresses
 *
 * As root, with the module loaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netlink.h>

#include "cards.h"

#define BURST		4		/* failures that are forgiven */

/* At least one of queues; exactly so many of engines, or at least if they did not help anybody. */
static void check_counts(const struct card *card, struct counts before, int engines, int device)
{
	struct counts now = counts(card);
	int got = now.engines - before.engines;

	CHECK(now.queues > before.queues && (device ? got >= engines : got == engines) &&
	      now.device - before.device == device && atoi(attribute(card, "resets")) == now.device,
	      "resets: %d of queues, %d of engines, %d of the device", now.queues - before.queues,
	      got, now.device - before.device);
}

static bool data_is_right(struct lib *lib)
{
	return !memcmp(lib->mem + FROM, lib->mem + BACK, BYTES);
}

/* New files, queues and data: the card works. */
static void check_works(const struct card *card, const char *what)
{
	struct lib_queue queue;
	struct lib lib;
	uint32_t out;

	user_open(&lib, card, 0);
	out = lib_syncobj(lib.fd);
	CHECK_ERRNO(lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), 0, "%s: a queue", what);
	CHECK(!run_copy(&queue, HBM_VA, lib_va(FROM), out) && !run_copy(&queue, lib_va(BACK), HBM_VA, out) &&
	      data_is_right(&lib), "%s: data goes there and comes back", what);
	lib_close(&lib);
}

static uint32_t state_of(struct lib_queue *queue, struct drm_gaon_queue_query *query)
{
	CHECK_ERRNO(lib_state(queue, query, 0), 0, "state");
	return query->state & (DRM_GAON_QUEUE_FAULTED | DRM_GAON_QUEUE_WAS_RESET | DRM_GAON_QUEUE_GUILTY |
			       DRM_GAON_QUEUE_DEAD);
}

/* --- a queue of which the firmware says that it is in no slot ------------------------------------ */

static void test_outside(const struct card *card)
{
	struct counts before = counts(card);
	struct drm_gaon_queue_query query;
	struct lib_queue queue;
	struct lib lib;
	uint32_t out[2];
	int64_t start;

	user_open(&lib, card, 0);
	out[0] = lib_syncobj(lib.fd);
	out[1] = lib_syncobj(lib.fd);
	REQUIRE(write_file(TIMEOUT, "500"), "a time limit of 0.5 s");
	REQUIRE(!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 10000000000ull), "a queue");
	start = lib_now();
	CHECK_ERRNO(run_endless(&queue, out[0]), 0, "outside: an endless job");
	list_set(&lib, LIST2, lib_nop(lib_va(WORD), 7, 0));
	CHECK_ERRNO(lib_submit(&queue, lib_va(LIST2), 1, 0, 0, out[1], 0), 0, "one behind it");
	CHECK_ERRNO(outcome(&lib, out[0]), ECANCELED, "it is dropped");
	CHECK(lib_now() - start >= 1900000000, "after four times the limit: %lld ms",
	      (long long)(lib_now() - start) / 1000000);
	CHECK_ERRNO(outcome(&lib, out[1]), ECANCELED, "so is the other");
	CHECK(state_of(&queue, &query) == DRM_GAON_QUEUE_WAS_RESET && query.fault.type == GAON_FAULT_RESET &&
	      query.lost == 2, "neither is to blame: state %#x, fault %u, %llu lost", query.state,
	      query.fault.type, (unsigned long long)query.lost);
	CHECK_ERRNO(lib_clear(&queue), 0, "clear");
	CHECK_ERRNO(run_copy(&queue, HBM_VA, lib_va(FROM), out[0]), 0, "the queue goes on");
	check_counts(card, before, 0, 0);
	lib_close(&lib);
}

/* --- work that only a reset of its context stops -------------------------------------------------- */

static void test_tangled(const struct card *card)
{
	struct lib_queue queue, beside, user;
	struct drm_gaon_queue_query query;
	struct gaon_packet packet;
	struct lib lib, lr;
	uint32_t out[2];

	user_open(&lib, card, 0);
	user_open(&lr, card, DRM_GAON_VM_LR);
	out[0] = lib_syncobj(lib.fd);
	out[1] = lib_syncobj(lib.fd);
	REQUIRE(write_file(TIMEOUT, "4000"), "a time limit of 4 s");
	REQUIRE(!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 10000000000ull) &&
		!lib_kernel_queue(&lib, &beside, 4, DRM_GAON_PRIORITY_NORMAL, 10000000000ull) &&
		!lib_user_queue(&lr, &user, 4, DRM_GAON_PRIORITY_NORMAL, UINT64_MAX), "queues");
	packet = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 1);
	lib_push(&user, &packet);
	CHECK_ERRNO(run_endless(&queue, out[0]), 0, "tangled: an endless job");
	/* Later, so that it is still within its time. */
	usleep(3000000);
	CHECK_ERRNO(run_endless(&beside, out[1]), 0, "another one of the same context");
	CHECK_ERRNO(outcome(&lib, out[0]), EIO, "the first fails");
	CHECK_ERRNO(outcome(&lib, out[1]), ECANCELED, "the other is dropped");
	CHECK(state_of(&queue, &query) == (DRM_GAON_QUEUE_WAS_RESET | DRM_GAON_QUEUE_GUILTY),
	      "who is to blame: state %#x", query.state);
	CHECK(state_of(&beside, &query) == DRM_GAON_QUEUE_WAS_RESET && query.lost == 1,
	      "who is not: state %#x, %llu lost", query.state, (unsigned long long)query.lost);
	CHECK(!state_of(&user, &query), "another context's queue knows nothing of it: state %#x", query.state);
	CHECK(recovered(card, "context", NULL) == 1 && !counts(card).engines && !counts(card).device,
	      "one context was reset, and nothing else");
	CHECK_ERRNO(lib_clear(&queue), 0, "clear");
	CHECK_ERRNO(lib_clear(&beside), 0, "clear");
	CHECK_ERRNO(run_copy(&beside, HBM_VA, lib_va(FROM), out[1]), 0, "both go on");
	CHECK_ERRNO(run_copy(&queue, lib_va(BACK), HBM_VA, out[0]), 0, "both go on");
	lib_close(&lib);
	lib_close(&lr);
}

/* --- work that only a reset of the engines stops ------------------------------------------------- */

static void test_stuck(const struct card *card)
{
	struct lib_queue queue, busy, idle, user;
	struct counts before = counts(card);
	struct drm_gaon_queue_query query;
	struct gaon_packet packet;
	struct lib lib, other, lr;
	uint32_t out[4];

	user_open(&lib, card, 0);
	user_open(&other, card, 0);
	user_open(&lr, card, DRM_GAON_VM_LR);
	out[0] = lib_syncobj(lib.fd);
	out[1] = lib_syncobj(lib.fd);
	out[2] = lib_syncobj(other.fd);
	out[3] = lib_syncobj(other.fd);
	REQUIRE(write_file(TIMEOUT, "4000"), "a time limit of 4 s");
	REQUIRE(!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 10000000000ull) &&
		!lib_kernel_queue(&other, &busy, 4, DRM_GAON_PRIORITY_NORMAL, 10000000000ull) &&
		!lib_kernel_queue(&other, &idle, 4, DRM_GAON_PRIORITY_NORMAL, 0) &&
		!lib_user_queue(&lr, &user, 4, DRM_GAON_PRIORITY_NORMAL, UINT64_MAX), "queues");
	CHECK_ERRNO(run_copy(&idle, HBM_VA, lib_va(FROM), out[3]), 0, "stuck: data of somebody else");
	packet = lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 1);
	lib_push(&user, &packet);
	CHECK_ERRNO(run_endless(&queue, out[0]), 0, "an endless job");
	list_set(&lib, LIST2, lib_nop(lib_va(WORD), 7, 0));
	CHECK_ERRNO(lib_submit(&queue, lib_va(LIST2), 1, 0, 0, out[1], 0), 0, "one behind it");
	/* Later, so that it is still within its time. */
	usleep(3000000);
	CHECK_ERRNO(run_endless(&busy, out[2]), 0, "another one's job");
	CHECK_ERRNO(outcome(&lib, out[0]), EIO, "the first fails");
	CHECK_ERRNO(outcome(&lib, out[1]), ECANCELED, "the one behind it is dropped");
	CHECK_ERRNO(outcome(&other, out[2]), ECANCELED, "the other's is dropped");
	CHECK(state_of(&queue, &query) == (DRM_GAON_QUEUE_WAS_RESET | DRM_GAON_QUEUE_GUILTY) &&
	      query.fault.type == GAON_FAULT_WATCHDOG, "who is to blame: state %#x, fault %u", query.state,
	      query.fault.type);
	CHECK(state_of(&busy, &query) == DRM_GAON_QUEUE_WAS_RESET && query.fault.type == GAON_FAULT_RESET,
	      "who is not: state %#x, fault %u", query.state, query.fault.type);
	CHECK_ERRNO(lib_wait(&lr, lib_word(&lr, WORD), 1, END_MS), EIO, "a user-mode queue's owner is told");
	CHECK(state_of(&user, &query) == DRM_GAON_QUEUE_WAS_RESET, "that it was reset: state %#x", query.state);
	CHECK(!state_of(&idle, &query), "a queue that slept knows nothing of it: state %#x", query.state);
	CHECK(!run_copy(&idle, lib_va(BACK), HBM_VA, out[3]) && data_is_right(&other),
	      "it goes on, and the data is right");
	CHECK_ERRNO(lib_clear(&busy), 0, "clear");
	CHECK_ERRNO(run_copy(&busy, HBM_VA, lib_va(FROM), out[2]), 0, "who lost its job goes on");
	CHECK_ERRNO(lib_clear(&user), 0, "clear");
	packet = lib_nop(lib_va(WORD), 1, GAON_PKT_F_EVENT);
	lib_push(&user, &packet);
	CHECK_ERRNO(lib_wait(&lr, lib_word(&lr, WORD), 1, END_MS), 0, "so does the user-mode queue");
	CHECK_ERRNO(lib_clear(&queue), 0, "clear");
	CHECK_ERRNO(run_copy(&queue, HBM_VA, lib_va(FROM), out[0]), 0, "and who was to blame");
	check_counts(card, before, 1, 0);
	lib_close(&lib);
	lib_close(&other);
	lib_close(&lr);
}

/* --- work that nothing but a reset of the device stops -------------------------------------------- */

/* One such job; somebody else's of the same card is lost with it, another card's is not. */
static void hang_once(const struct card *card, struct lib_queue *honest, uint32_t honest_out)
{
	struct lib_queue queue, busy;
	struct drm_gaon_queue_query query;
	struct lib lib, other;
	uint32_t out[2];

	user_open(&lib, card, 0);
	user_open(&other, card, 0);
	out[0] = lib_syncobj(lib.fd);
	out[1] = lib_syncobj(other.fd);
	REQUIRE(!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 10000000000ull) &&
		!lib_kernel_queue(&other, &busy, 4, DRM_GAON_PRIORITY_NORMAL, 10000000000ull), "two queues");
	CHECK_ERRNO(run_endless(&queue, out[0]), 0, "hung: an endless job");
	/* Later, so that it is still within its time. */
	usleep(2000000);
	CHECK_ERRNO(run_endless(&busy, out[1]), 0, "another one's");
	CHECK_ERRNO(run_copy(honest, HBM_VA, lib_va(FROM), honest_out), 0, "another card works");
	CHECK_ERRNO(outcome(&lib, out[0]), EIO, "the first fails");
	CHECK_ERRNO(outcome(&other, out[1]), ECANCELED, "the other is dropped");
	CHECK(state_of(&queue, &query) ==
	      (DRM_GAON_QUEUE_WAS_RESET | DRM_GAON_QUEUE_GUILTY | DRM_GAON_QUEUE_DEAD),
	      "who is to blame: state %#x", query.state);
	CHECK(state_of(&busy, &query) == (DRM_GAON_QUEUE_WAS_RESET | DRM_GAON_QUEUE_DEAD),
	      "who is not: state %#x", query.state);
	lib_close(&lib);
	lib_close(&other);
}

static int uevents_open(void)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = 1 };
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);

	REQUIRE(fd >= 0 && !bind(fd, (struct sockaddr *)&address, sizeof(address)), "uevents: %s",
		strerror(errno));
	return fd;
}

/* How many say that this card is wedged, and how to bring it back. */
static unsigned int uevents_wedged(int fd, const struct card *card)
{
	static const char want[] = "WEDGED=rebind";
	unsigned int found = 0;
	char text[8192];
	ssize_t n;

	while ((n = recv(fd, text, sizeof(text) - 1, 0)) > 0) {
		text[n] = '\0';
		for (ssize_t at = 0; at < n; at += (ssize_t)strlen(text + at) + 1)
			found += !strcmp(text + at, want) && strstr(text, card->address);
	}
	return found;
}

/* What every call says then. */
static void check_wedged(const struct card *card, struct lib *old, struct lib_queue *old_queue)
{
	struct drm_gaon_query_telemetry telemetry;
	struct drm_gaon_vm_create vm = { 0 };
	struct drm_gaon_query_device device = { 0 };
	struct lib_queue queue;
	int fd = open(card->node, O_RDWR | O_CLOEXEC);

	CHECK(fd >= 0, "the node can be opened: %s", strerror(errno));
	CHECK_ERRNO(uapi_ioctl(fd, DRM_IOCTL_GAON_VM_CREATE, &vm), EIO, "VM_CREATE");
	CHECK_ERRNO(uapi_query(fd, DRM_GAON_QUERY_TELEMETRY, &telemetry, sizeof(telemetry)), EIO, "telemetry");
	CHECK_ERRNO(uapi_query(fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device)), 0, "what it is can be asked");
	close(fd);
	CHECK_ERRNO(lib_kernel_queue(old, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), EIO, "QUEUE_CREATE");
	CHECK_ERRNO(lib_submit(old_queue, lib_va(LIST), 1, 0, 0, 0, 0), EIO, "SUBMIT");
	CHECK_ERRNO(lib_clear(old_queue), EIO, "QUEUE_CLEAR");
	CHECK_ERRNO(lib_wait(old, lib_word(old, WORD), 99, END_MS), ECANCELED, "WAIT");
	CHECK_ERRNO(lib_queue_destroy(old_queue), 0, "QUEUE_DESTROY");
	CHECK_ERRNO(uapi_vm_destroy(old->fd, old->vm), 0, "VM_DESTROY");
}

static void wedge(const struct card *card, struct lib_queue *honest, uint32_t honest_out)
{
	int uevents = uevents_open();
	struct counts before = counts(card);
	struct lib_queue old_queue;
	struct lib old;
	int i;

	for (i = 1; i <= BURST + 1; i++) {
		if (i == BURST + 1) {
			user_open(&old, card, 0);
			REQUIRE(!lib_kernel_queue(&old, &old_queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
		}
		hang_once(card, honest, honest_out);
		CHECK(card_wait_state(card, i <= BURST ? "ready" : "wedged"),
		      "after failure %d the card is %s", i,
		      attribute(card, "state"));
	}
	check_counts(card, before, BURST + 1, BURST + 1);
	CHECK(uevents_wedged(uevents, card) == 1, "one uevent says so");
	check_wedged(card, &old, &old_queue);
	lib_close(&old);
	close(uevents);
}

static void test_hung(struct card *card, const struct card *honest_card)
{
	struct lib_queue honest;
	struct lib lib;
	uint32_t out;
	char path[96];

	REQUIRE(write_file(TIMEOUT, "3000"), "a time limit of 3 s");
	user_open(&lib, honest_card, 0);
	out = lib_syncobj(lib.fd);
	REQUIRE(!lib_kernel_queue(&lib, &honest, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue of another card");
	wedge(card, &honest, out);
	snprintf(path, sizeof(path), "%s/reset", card->debugfs);
	CHECK(write_file(path, "1"), "an administrator resets it");
	CHECK(card_wait_state(card, "ready"), "then it is %s", attribute(card, "state"));
	check_works(card, "after that");
	/* All is forgiven: it takes as many failures as before. */
	wedge(card, &honest, out);
	recovery_figures(card);
	CHECK(write_file(DRIVER "/unbind", card->address) && write_file(DRIVER "/bind", card->address),
	      "the driver is unbound and bound");
	REQUIRE(card_find(card) && card_wait_state(card, "ready"), "then it is %s", attribute(card, "state"));
	check_works(card, "after that");
	CHECK(!run_copy(&honest, lib_va(BACK), HBM_VA, out) && data_is_right(&lib), "the other card's data is right");
	CHECK(!strcmp(attribute(honest_card, "resets"), "0"), "it was never reset");
	lib_close(&lib);
}

/* --- a device whose own reset does not end --------------------------------------------------------- */

static void test_deaf(const struct card *card)
{
	unsigned long long longest;
	char path[96];

	snprintf(path, sizeof(path), "%s/reset", card->debugfs);
	check_works(card, "deaf");
	CHECK(write_file(path, "1"), "an administrator resets it");
	CHECK(card_wait_state(card, "ready"), "then it is %s", attribute(card, "state"));
	CHECK(recovered(card, "function", &longest) == 1 && !recovered(card, "chip", NULL),
	      "by its PCI function, after %llu ms", longest / 1000);
	check_works(card, "after that");
}

int main(int argc, char **argv)
{
	const char *const kinds[CARDS_MAX] = { "honest", "outside", "stuck", "hung", "tangled", "deaf" };

	cards_find(argc);
	for (int i = 0; i < CARDS_MAX; i++)
		REQUIRE(!strcmp(argv[i + 1], kinds[i]), "card %d is %s", i, kinds[i]);
	check_works(&cards[0], "honest");
	test_outside(&cards[1]);
	test_tangled(&cards[4]);
	test_deaf(&cards[5]);
	test_stuck(&cards[2]);
	test_copies(&cards[2]);
	test_suspension(&cards[2]);
	test_hung(&cards[3], &cards[0]);
	for (int i = 0; i < CARDS_MAX; i++)
		recovery_figures(&cards[i]);
	write_file(TIMEOUT, "0");
	uapi_exit();
}
