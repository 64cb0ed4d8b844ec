// SPDX-License-Identifier: MIT
/*
 * Errors of the link between card and port, as the kernel's module aer_inject makes them: the steps of
 * recovery that the kernel then takes with the driver, while clients have work on the card.
 *
 *   errors ADDRESS [OTHER]	of the card, and of another one whose driver is unbound and bound
 *
 * As root, with gaon (inject=1, a card with a debug fuse) and aer_inject loaded.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "link.h"

#define BURST	4		/* failures that are forgiven */

static struct card card;

static void inject(uint32_t correctable, uint32_t uncorrectable)
{
	REQUIRE(link_inject(card.address, correctable, uncorrectable), "an error of %s: %s", card.address,
		strerror(errno));
}

/* --- errors after which nothing is reset ----------------------------------------------------------- */

static bool statistic_grows(const char *file, const char *name, long before)
{
	int64_t end = lib_now() + END_MS * 1000000ll;

	while (link_statistic(card.address, file, name) <= before) {
		if (lib_now() > end)
			return false;
		usleep(10000);
	}
	return true;
}

static void test_survived(const char *what, const char *file, const char *total, uint32_t correctable,
			  uint32_t uncorrectable)
{
	long before = link_statistic(card.address, file, total);
	struct counts resets = counts(&card);
	struct drm_gaon_queue_query query;
	struct clients clients;
	struct lib_queue queue;
	struct lib lib;
	uint32_t out;
	int i, bad = 0;

	clients_start(&clients, &card);
	user_open(&lib, &card, 0);
	out = lib_syncobj(lib.fd);
	REQUIRE(!lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a third one's queue");
	CHECK_ERRNO(run_copy(&queue, HBM_VA, lib_va(FROM), out), 0, "%s: data", what);
	for (i = 0; i < 10; i++) {
		inject(correctable, uncorrectable);
		bad += run_copy(&queue, lib_va(BACK), HBM_VA, out) != 0;
	}
	CHECK(statistic_grows(file, total, before), "the kernel counts them: %ld, then %ld", before,
	      link_statistic(card.address, file, total));
	CHECK(!bad && !memcmp(lib.mem + FROM, lib.mem + BACK, BYTES), "work beside them is right");
	uapi_figure("errors of the link (AER)", what, i);
	/* The kernel is still at the last ones, perhaps. */
	usleep(500000);
	CHECK_ERRNO(lib_wait(&clients.lr, lib_word(&clients.lr, WORD), 1, 10), ETIME, "who waits goes on waiting");
	CHECK_ERRNO(lib_state(&clients.kernel, &query, 0), 0, "state");
	CHECK(!(query.state & (DRM_GAON_QUEUE_WAS_RESET | DRM_GAON_QUEUE_FAULTED)) && !query.lost,
	      "nothing is lost: state %#x", query.state);
	CHECK(counts(&card).device == resets.device, "nor reset");
	lib_close(&lib);
	clients_end(&clients);
}

/* --- errors after which the link is reset ---------------------------------------------------------- */

static bool wait_resets(int count)
{
	int64_t end = lib_now() + END_MS * 1000000ll;

	while (counts(&card).device < count) {
		if (lib_now() > end)
			return false;
		usleep(10000);
	}
	return true;
}

static void test_fatal(void)
{
	struct clients clients;
	char bars[512];
	int i, resets;

	snprintf(bars, sizeof(bars), "%s", attribute(&card, "resource"));
	for (i = 1; i <= BURST + 1; i++) {
		clients_start(&clients, &card);
		resets = counts(&card).device;
		inject(0, LINK_MALFORMED);
		clients_check_lost(&clients, ECANCELED);
		clients_end(&clients);
		CHECK(wait_resets(resets + 1) && card_wait_state(&card, i <= BURST ? "ready" : "wedged"),
		      "after fatal error %d the card is %s", i, attribute(&card, "state"));
		CHECK(counts(&card).device == resets + 1, "once reset: %d, then %d", resets, counts(&card).device);
		if (i == 1)
			link_check_works(&card, "fatal error");
	}
	uapi_figure("errors of the link (AER)", "fatal errors", (uint64_t)i - 1);
	CHECK(!strcmp(bars, attribute(&card, "resource")), "its memory is where it was");
	recovery_figures(&card);
	/* A wedged card stays wedged, whatever its link does. */
	inject(0, LINK_MALFORMED);
	sleep(2);
	CHECK(!strcmp(attribute(&card, "state"), "wedged"), "it is %s after another one", attribute(&card, "state"));
	CHECK(link_flr(&card) && card_wait_state(&card, "ready"), "an administrator resets it: %s",
	      attribute(&card, "state"));
	link_check_works(&card, "after that");
}

/* --- a card that is ill already -------------------------------------------------------------------- */

#define SICK_ROUNDS	9

static void *crash_run(void *arg)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/inject", card.debugfs);
	*(bool *)arg = write_file(path, "crash");
	return NULL;
}

/* Of the firmware, or the device. */
static int losses(void)
{
	return counts(&card).device + recovered(&card, "firmware", NULL);
}

static bool wait_losses(int wanted)
{
	int64_t end = lib_now() + END_MS * 1000000ll;

	while (losses() < wanted && lib_now() < end)
		usleep(10000);
	return losses() >= wanted;
}

/*
 * The firmware crashes, and at about the same time the link has an error after which a sound card would
 * just go on. Whether the driver sees the crash first, or looks at the card for the sake of the link and
 * finds it: the firmware is started anew, or the device reset, everybody is told, and it is back.
 */
static void test_sick(void)
{
	struct clients clients;
	int i, resets, good = 0;
	pthread_t thread;
	bool crashed;

	for (i = 0; i < SICK_ROUNDS; i++) {
		/* Forgives what the card did so far. */
		MUST(link_flr(&card) && card_wait_state(&card, "ready"), "reset by an administrator");
		clients_start(&clients, &card);
		resets = losses();
		REQUIRE(!pthread_create(&thread, NULL, crash_run, &crashed), "a thread");
		usleep((useconds_t)(uapi_random() % 3000));
		inject(0, LINK_TIMEOUT);
		clients_check_told(&clients);
		pthread_join(thread, NULL);
		clients_end(&clients);
		good += crashed && wait_losses(resets + 1) && card_wait_state(&card, "ready");
	}
	CHECK(good == SICK_ROUNDS, "crashes that are over: %d of %d, the card is %s", good, SICK_ROUNDS,
	      attribute(&card, "state"));
	uapi_figure("errors of the link (AER)", "not fatal, of a card whose firmware has just crashed", (uint64_t)good);
	link_check_works(&card, "after that");
}

/* --- at the same time ------------------------------------------------------------------------------ */

static atomic_bool stop;

static void *flr_run(void *arg)
{
	unsigned int *done = arg;

	while (!atomic_load(&stop)) {
		*done += link_flr(&card);
		usleep((useconds_t)(uapi_random() % 100000));
	}
	return NULL;
}

/* Both kinds of errors, resets by an administrator, and clients that come and go. */
static void test_storm(void)
{
	unsigned int flrs = 0, i;
	struct clients clients;
	pthread_t thread;

	REQUIRE(!pthread_create(&thread, NULL, flr_run, &flrs), "a thread");
	for (i = 0; i < 12; i++) {
		if (!link_inject(card.address, i & 2 ? LINK_BAD_TLP : 0,
				 i & 1 ? LINK_TIMEOUT : LINK_MALFORMED))
			break;
		usleep((useconds_t)(uapi_random() % 200000));
	}
	CHECK(i == 12, "errors: %s", strerror(errno));
	uapi_figure("errors of the link (AER)", "of all kinds, beside resets of the function", i);
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
	CHECK(flrs, "%u resets meanwhile", flrs);
	sleep(2);
	CHECK(link_flr(&card) && card_wait_state(&card, "ready"), "the card is %s in the end",
	      attribute(&card, "state"));
	clients_start(&clients, &card);
	clients_end(&clients);
	link_check_works(&card, "after the storm");
}

static void test_unbind(void)
{
	struct clients clients;
	int i;

	for (i = 0; i < 5; i++) {
		clients_start(&clients, &card);
		inject(0, LINK_MALFORMED);
		usleep((useconds_t)(uapi_random() % 300000));
		MUST(write_file(DRIVER "/unbind", card.address), "unbind: %s", strerror(errno));
		CHECK(lib_wait(&clients.lr, lib_word(&clients.lr, WORD), 1, END_MS) == ENODEV &&
		      outcome(&clients.fence, clients.out) != 0, "unbound while its link is reset");
		clients_end(&clients);
		/* The function is as the reset of its link left it, or becomes so. */
		sleep(2);
		MUST(write_file("/sys/bus/pci/rescan", "1"), "rescan");
		if (!write_file(DRIVER "/bind", card.address)) {
			char path[96];

			snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", card.address);
			MUST(write_file(path, "1") && write_file("/sys/bus/pci/rescan", "1"), "found again");
		}
		link_card(&card, card.address);
	}
	uapi_figure("errors of the link (AER)", "fatal errors, and the driver is unbound", (uint64_t)i);
	link_check_works(&card, "after that");
}

/* --- for good -------------------------------------------------------------------------------------- */

/* A driver's absence from one card keeps the kernel from recovering whatever is below the port with it. */
static void test_forsaken(const char *other)
{
	struct clients clients;
	char path[96], down[32], up[32], root[32];

	link_parent(card.address, down);
	link_parent(down, up);
	link_parent(up, root);
	REQUIRE(write_file(DRIVER "/unbind", other), "the driver leaves %s", other);
	clients_start(&clients, &card);
	REQUIRE(link_inject(root, 0, LINK_MALFORMED), "an error of %s: %s", root, strerror(errno));
	clients_check_lost(&clients, ECANCELED);
	CHECK(card_wait_state(&card, "wedged"), "the card is %s", attribute(&card, "state"));
	clients_end(&clients);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/remove", up);
	CHECK(write_file(path, "1") && write_file("/sys/bus/pci/rescan", "1"), "the switch is removed and found again");
	link_card(&card, card.address);
	link_check_works(&card, "found again");
}

int main(int argc, char **argv)
{
	REQUIRE(argc > 1, "an address");
	link_card(&card, argv[1]);
	link_check_works(&card, "at first");
	if (argc > 2) {
		test_forsaken(argv[2]);
		uapi_exit();
	}
	test_survived("correctable errors", "aer_dev_correctable", "TOTAL_ERR_COR", LINK_BAD_TLP, 0);
	test_survived("errors that are not fatal", "aer_dev_nonfatal", "TOTAL_ERR_NONFATAL", 0, LINK_TIMEOUT);
	test_fatal();
	test_sick();
	test_storm();
	test_unbind();
	uapi_exit();
}
