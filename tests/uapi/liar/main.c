// SPDX-License-Identifier: MIT
/*
 * Cards that lie (gaon-sim --lie), all at once, beside an honest one.
 *
 *   liar KIND...   the kinds of the cards in the order of their addresses; the first is "honest"
 *
 * The module is loaded, and no card bound: each liar's user binds its own, so that one that keeps the
 * driver waiting keeps no other.
 *
 * Each liar is used by a process that takes any error but none that hangs, and its driver is unbound and
 * bound again all the while. The honest card's client must never see wrong data or a reset. What the
 * kernel says meanwhile is watched by who runs this.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../fuzz/fuzz.h"

#define CARDS		16
#define DRIVER		"/sys/bus/pci/drivers/gaon"
#define HANG_MS		240000		/* a command is waited for up to a minute */
#define CALL_MS		2000
#define PATIENCE	5		/* times the time of the test, until all is noticed that must be */

struct card {
	char address[32];
	const char *kind;
	pid_t user;
};

/* What the users of the liars have to tell. */
struct told {
	_Atomic uint64_t rounds[CARDS], errors[CARDS], resets[CARDS], wedged[CARDS], refused[CARDS];
};

static struct told *told;
static struct card cards[CARDS];
static unsigned int count;

/* --- cards ---------------------------------------------------------------------------------------- */

static bool file_write(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

static bool file_has(const char *path, const char *text)
{
	char line[64] = "";
	FILE *file = fopen(path, "re");

	if (!file)
		return false;
	if (!fgets(line, sizeof(line), file))
		line[0] = '\0';
	fclose(file);
	return !strncmp(line, text, strlen(text));
}

static void cards_find(int argc, char **argv)
{
	char path[128];
	glob_t found;

	REQUIRE(!glob("/sys/bus/pci/devices/*", 0, NULL, &found), "PCI devices");
	for (size_t i = 0; i < found.gl_pathc && count < CARDS; i++) {
		snprintf(path, sizeof(path), "%s/vendor", found.gl_pathv[i]);
		if (!file_has(path, "0x1234"))
			continue;
		snprintf(path, sizeof(path), "%s/device", found.gl_pathv[i]);
		if (!file_has(path, "0x6a10"))
			continue;
		snprintf(cards[count].address, sizeof(cards[count].address), "%s",
			 strrchr(found.gl_pathv[i], '/') + 1);
		cards[count].kind = (int)count + 1 < argc ? argv[count + 1] : "?";
		count++;
	}
	globfree(&found);
	REQUIRE((int)count == argc - 1, "%u cards, of %d kinds", count, argc - 1);
}

/* The card's node, or NULL: its driver is not bound. */
static const char *card_node(const struct card *card)
{
	static char node[320];
	char pattern[128];
	glob_t found;
	bool there;

	snprintf(pattern, sizeof(pattern), "/sys/bus/pci/devices/%s/accel/accel*", card->address);
	there = !glob(pattern, 0, NULL, &found);
	if (there)
		snprintf(node, sizeof(node), "/dev/accel%s", strrchr(found.gl_pathv[0], '/'));
	globfree(&found);
	return there ? node : NULL;
}

/* --- a liar's user --------------------------------------------------------------------------------- */

static void count_error(unsigned int card, int err)
{
	told->errors[card] += err != 0;
}

/* The driver has given the card up. */
static bool is_wedged(int fd)
{
	struct drm_gaon_query_telemetry telemetry;

	return uapi_query(fd, DRM_GAON_QUERY_TELEMETRY, &telemetry, sizeof(telemetry)) == EIO;
}

/* Everything that asks the firmware, or shows what it said. */
static void look(unsigned int card, int fd)
{
	struct drm_gaon_query_device device = { 0 };
	char pattern[128], buffer[4096];
	uint8_t answer[2048];
	glob_t found;

	for (uint32_t type = 0; type <= DRM_GAON_QUERY_TIME; type++) {
		memset(answer, 0, sizeof(answer));
		count_error(card, uapi_query(fd, type, answer, sizeof(answer)));
	}
	if (!uapi_query(fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device)) &&
	    device.resets > told->resets[card])
		told->resets[card] = device.resets;
	snprintf(pattern, sizeof(pattern), "/sys/bus/pci/devices/%s/hwmon/hwmon*/*_input", cards[card].address);
	if (!glob(pattern, 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++) {
			int file = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC);

			if (file >= 0 && read(file, buffer, sizeof(buffer)) < 0)
				told->errors[card]++;
			close(file);
		}
	}
	globfree(&found);
	snprintf(pattern, sizeof(pattern), "/proc/self/fdinfo/%d", fd);
	fd = open(pattern, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, buffer, sizeof(buffer)) < 0)
		told->errors[card]++;
	close(fd);
}

/* Memory, and a copy through a queue of one kind; whatever fails, the rest is tried. */
static void work(unsigned int card, int fd, bool lr)
{
	struct lib lib = { .fd = fd, .lr = lr };
	struct drm_gaon_vm_create vm = { .flags = lr ? DRM_GAON_VM_LR : 0 };
	struct drm_gaon_bo_create host = { .size = LIB_MEM_BYTES, .flags = DRM_GAON_BO_HOST };
	struct drm_gaon_bo_create hbm = { .size = 65536, .flags = DRM_GAON_BO_HBM };
	struct drm_gaon_bo_mmap_offset offset = { 0 };
	struct drm_gaon_queue_query query;
	struct lib_queue queue = { 0 };
	int err;

	count_error(card, uapi_ioctl(fd, DRM_IOCTL_GAON_VM_CREATE, &vm));
	count_error(card, uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &host));
	count_error(card, uapi_ioctl(fd, DRM_IOCTL_GAON_BO_CREATE, &hbm));
	lib.vm = vm.vm_id;
	lib.bo = offset.handle = host.handle;
	if (!uapi_ioctl(fd, DRM_IOCTL_GAON_BO_MMAP_OFFSET, &offset))
		lib.mem = mmap(NULL, LIB_MEM_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
			       (off_t)offset.offset);
	if (lib.mem && lib.mem != MAP_FAILED) {
		count_error(card, uapi_map(fd, lib.vm, host.handle, 0, LIB_MEM_VA, LIB_MEM_BYTES, 0));
		count_error(card, uapi_map(fd, lib.vm, hbm.handle, 0, 2 * LIB_MEM_VA, 65536, 0));
		err = lr ? lib_user_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0) :
			   lib_kernel_queue(&lib, &queue, 4, DRM_GAON_PRIORITY_NORMAL, 0);
		count_error(card, err);
		for (unsigned int i = 0; !err && i < 6; i++) {
			struct gaon_packet packet = lib_nop(lib_va(0), i + 1, GAON_PKT_F_EVENT);

			packet.type = GAON_PKT_COPY;
			packet.copy = (struct gaon_pkt_copy){ 2 * LIB_MEM_VA, lib_va(0x10000), 65536, { 0 } };
			if (lr) {
				lib_push(&queue, &packet);
				err = lib_wait(&lib, lib_word(&lib, 0), i + 1, CALL_MS);
			} else {
				uint32_t done = lib_syncobj(fd);

				memcpy(lib.mem + 0x1000, &packet, sizeof(packet));
				err = lib_submit(&queue, lib_va(0x1000), 1, 0, 0, done, 0);
				if (!err)
					err = lib_syncobj_wait(fd, done, 0, CALL_MS);
				lib_syncobj_destroy(fd, done);
			}
			count_error(card, err);
			lib_state(&queue, &query, DRM_GAON_QUEUE_ACK);
			if (err)
				err = lib_clear(&queue);
		}
		if (queue.id)
			count_error(card, lib_queue_destroy(&queue));
		if (lib.doorbells)
			munmap((void *)lib.doorbells, DRM_GAON_DOORBELL_BYTES);
		uapi_unmap(fd, lib.vm, LIB_MEM_VA, LIB_MEM_BYTES);
		munmap(lib.mem, LIB_MEM_BYTES);
	}
	uapi_bo_close(fd, hbm.handle);
	uapi_bo_close(fd, host.handle);
	count_error(card, uapi_vm_destroy(fd, vm.vm_id));
}

static void use(unsigned int card)
{
	char unbind[64];
	unsigned int round;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!freopen("/dev/null", "w", stdout))
		_exit(1);
	snprintf(unbind, sizeof(unbind), "%s", cards[card].address);
	for (round = 1;; round++) {
		const char *node = card_node(&cards[card]);
		int fd = node ? open(node, O_RDWR | O_CLOEXEC | O_NONBLOCK) : -1;

		if (fd < 0) {
			usleep(50000);
		} else {
			look(card, fd);
			work(card, fd, true);
			work(card, fd, false);
			told->wedged[card] += is_wedged(fd);
			close(fd);
			told->rounds[card]++;
		}
		/* Another life, with other lies. */
		if (fd < 0 || round % 8 == 0 || told->wedged[card]) {
			if (node)
				file_write(DRIVER "/unbind", unbind);
			told->refused[card] += !file_write(DRIVER "/bind", unbind);
		}
	}
}

/* --- all of them ----------------------------------------------------------------------------------- */

static pid_t start(void (*run)(unsigned int card), unsigned int card)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		run(card);
		_exit(0);
	}
	return pid;
}

static struct fuzz_shared *shared;
static uint64_t seed;

static void run_good(unsigned int card)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setenv("GAON_NODE", card_node(&cards[card]), 1);
	if (!freopen("/dev/null", "w", stdout))
		_exit(1);
	_exit(fuzz_good(shared, seed));
}

static bool reap(pid_t pid, int *status, int64_t end)
{
	while (waitpid(pid, status, WNOHANG) != pid) {
		if (lib_now() > end)
			return false;
		usleep(20000);
	}
	return true;
}

/* Lies that a driver cannot miss; of others it may believe some and come to no harm. */
static bool must_be_noticed(const char *kind)
{
	return !strcmp(kind, "reply") || !strcmp(kind, "index") || !strcmp(kind, "twice") ||
	       !strcmp(kind, "never") || !strcmp(kind, "all");
}

static bool was_noticed(unsigned int card)
{
	return told->resets[card] || told->wedged[card] || told->refused[card];
}

/* Lies are random, and a card that does not answer holds others up that are unbound, for tens of seconds. */
static bool is_all_noticed(void)
{
	for (unsigned int i = 1; i < count; i++)
		if (must_be_noticed(cards[i].kind) && !was_noticed(i))
			return false;
	return true;
}

/* What became of a card whose user may have been killed in the middle of it. */
static void last_look(unsigned int card)
{
	struct drm_gaon_query_device device = { 0 };
	const char *node = card_node(&cards[card]);
	int fd = node ? open(node, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	if (!uapi_query(fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device)) &&
	    device.resets > told->resets[card])
		told->resets[card] = device.resets;
	told->wedged[card] += is_wedged(fd);
	close(fd);
}

static void print_figures(void)
{
	uint64_t rounds = 0, resets = 0, wedged = 0;

	for (unsigned int i = 1; i < count; i++) {
		rounds += told->rounds[i];
		resets += told->resets[i];
		wedged += told->wedged[i];
	}
	uapi_figure("firmware that lies", "kinds of lies", count - 1);
	uapi_figure("firmware that lies", "clients of such cards", rounds);
	uapi_figure("firmware that lies", "resets of such cards", resets);
	uapi_figure("firmware that lies", "such cards given up", wedged);
	uapi_figure("firmware that lies", "rounds of an honest card beside them, all right", shared->good_rounds);
}

static void stop_users(void)
{
	int64_t end = lib_now() + HANG_MS * 1000000ll;
	int status;

	for (unsigned int i = 1; i < count; i++)
		kill(cards[i].user, SIGKILL);
	for (unsigned int i = 1; i < count; i++) {
		bool dead = reap(cards[i].user, &status, end);

		last_look(i);
		CHECK(dead, "%s: its user %s: %llu rounds, %llu errors, %llu resets, %llu times wedged, %llu times not bound",
		      cards[i].kind, dead ? "is gone" : "hangs", (unsigned long long)told->rounds[i],
		      (unsigned long long)told->errors[i], (unsigned long long)told->resets[i],
		      (unsigned long long)told->wedged[i], (unsigned long long)told->refused[i]);
		if (must_be_noticed(cards[i].kind))
			CHECK(was_noticed(i), "%s: the driver noticed", cards[i].kind);
	}
}

static void check_honest(pid_t good)
{
	struct drm_gaon_query_device device = { 0 };
	int status = -1, fd = uapi_open();
	bool ended;

	shared->stop = true;
	ended = reap(good, &status, lib_now() + HANG_MS * 1000000ll);
	CHECK(ended && !status && !shared->good_wrong && shared->good_rounds, "the honest card: %llu rounds, %s",
	      (unsigned long long)shared->good_rounds,
	      !ended ? "hangs" : shared->good_wrong ? shared->good_text : status ? "failed" : "all right");
	CHECK(!uapi_query(fd, DRM_GAON_QUERY_DEVICE, &device, sizeof(device)) && !device.resets,
	      "it was not reset: %u", device.resets);
	close(fd);
}

int main(int argc, char **argv)
{
	const char *text = getenv("GAON_LIAR_SECONDS");
	int64_t seconds = text ? strtol(text, NULL, 0) : 60, end;
	pid_t good;

	cards_find(argc, argv);
	file_write(DRIVER "/bind", cards[0].address);
	REQUIRE(card_node(&cards[0]), "the honest card's driver is bound");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(shared != MAP_FAILED && told != MAP_FAILED, "memory");
	seed = uapi_random();
	setenv("GAON_NODE", card_node(&cards[0]), 1);
	end = lib_now() + seconds * 1000000000ll;
	good = start(run_good, 0);
	for (unsigned int i = 1; i < count; i++)
		cards[i].user = start(use, i);
	while (lib_now() < end || (!is_all_noticed() && lib_now() < end + PATIENCE * seconds * 1000000000ll))
		usleep(100000);
	stop_users();
	check_honest(good);
	print_figures();
	uapi_exit();
}
