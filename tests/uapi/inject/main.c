// SPDX-License-Identifier: MIT
/*
 * Errors of a card, injected (debugfs: inject), while others work: each is counted where it was, whoever
 * has the memory is told and nobody else, and a page that went bad is never used again. As root; the
 * only card has the debug fuse, 64 MiB of HBM and two cores, the module the parameters of list/ras.toml;
 * one page went bad before the card was last switched off.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject.h"

#define MIB		(1ull << 20)
#define PAGE		4096ull
#define LIST		0x1000
#define BACK		0x10000		/* where copies go */
#define PIECE		0x40000ull
#define HBM_VA		0x400000000ull
#define END_MS		(120000ll * slow())
#define PAGE_LIMIT	4		/* as list/ras.toml has them */
#define CHANNEL_LIMIT	12
#define CLIENTS		3
#define KEPT		(17 * MIB + 0x3000)	/* of an earlier life */

/** struct client - a process that reads all of its memory again and again, and what it met */
struct client {
	volatile uint32_t ready, rounds, faults, wrong, others, lost;
};

/* How much slower than a fast machine this one is. */
static int slow(void)
{
	const char *text = getenv("GAON_SLOW");

	return text && atoi(text) > 1 ? atoi(text) : 1;
}

static struct client *clients;
static unsigned int survived[8];
static uint64_t poisoned;		/* a byte that was a client's */

/* --- memory of the card ---------------------------------------------------------------------------- */

/** struct holder - objects of 1 MiB and a queue to copy them */
struct holder {
	struct lib lib;
	struct lib_queue queue;
	uint32_t out, count, handle[64];
};

static uint64_t hbm_free(int fd)
{
	struct drm_gaon_query_memory memory[2] = { 0 };

	uapi_query(fd, DRM_GAON_QUERY_MEMORY, memory, sizeof(memory));
	return memory[1].total - memory[1].used;
}

static int run(struct holder *holder, struct gaon_packet packet)
{
	int err;

	memcpy(holder->lib.mem + LIST, &packet, sizeof(packet));
	err = lib_submit(&holder->queue, lib_va(LIST), 1, 0, 0, holder->out, 0);
	MUST(!err, "submitted: %s", strerror(err));
	MUST(!lib_syncobj_wait(holder->lib.fd, holder->out, 0, END_MS), "ends");
	return lib_syncobj_status(holder->lib.fd, holder->out);
}

/* Its memory holds numbers of its own. */
static void holder_open(struct holder *holder, uint32_t count, uint64_t mark)
{
	*holder = (struct holder){ .count = 0 };
	lib_open(&holder->lib, 0);
	holder->out = lib_syncobj(holder->lib.fd);
	MUST(!lib_kernel_queue(&holder->lib, &holder->queue, 4, DRM_GAON_PRIORITY_NORMAL, 0), "a queue");
	while (holder->count < count) {
		struct drm_gaon_bo_create args = { .size = MIB, .flags = DRM_GAON_BO_HBM };
		uint64_t va = HBM_VA + holder->count * MIB;

		if (uapi_ioctl(holder->lib.fd, DRM_IOCTL_GAON_BO_CREATE, &args))
			break;
		MUST(!uapi_map(holder->lib.fd, holder->lib.vm, args.handle, 0, va, MIB, 0), "mapped");
		MUST(!run(holder, lib_fill(va, MIB, mark + holder->count)), "filled");
		holder->handle[holder->count++] = args.handle;
	}
}

static void holder_close(struct holder *holder)
{
	lib_close(&holder->lib);
}

/* One piece: what became of reading it. */
static void look_piece(struct holder *holder, struct client *seen, uint32_t object, uint64_t at,
		       uint64_t mark)
{
	struct drm_gaon_queue_query query;
	uint64_t *word = (uint64_t *)(holder->lib.mem + BACK);

	if (!run(holder, lib_copy(lib_va(BACK), HBM_VA + object * MIB + at, PIECE))) {
		for (unsigned int i = 0; i < PIECE / 8; i++)
			seen->wrong += word[i] != mark + object;
		return;
	}
	lib_state(&holder->queue, &query, DRM_GAON_QUEUE_ACK);
	if (query.fault.type == GAON_FAULT_ECC)
		seen->faults++;
	else if (query.fault.type == GAON_FAULT_PAGE)
		seen->lost++;
	else
		seen->others++;
	MUST(!lib_clear(&holder->queue), "cleared");
}

static void look(struct holder *holder, struct client *seen, uint64_t mark)
{
	for (uint32_t i = 0; i < holder->count; i++) {
		for (uint64_t at = 0; at < MIB; at += PIECE)
			look_piece(holder, seen, i, at, mark);
	}
	seen->rounds++;
}

/* All HBM that there is to be had works. */
static void check_all_good(const char *when)
{
	struct client seen = { .rounds = 0 };
	struct holder holder;

	holder_open(&holder, 64, 0x77000000);
	look(&holder, &seen, 0x77000000);
	CHECK(holder.count > 55 && !seen.faults && !seen.lost && !seen.others && !seen.wrong,
	      "%s: all of %u MiB is good: faults %u, %u, %u, wrong words %u", when, holder.count, seen.faults,
	      seen.lost, seen.others, seen.wrong);
	holder_close(&holder);
}

static uint64_t retired_pages(int fd)
{
	struct drm_gaon_query_telemetry out = { 0 };

	CHECK_ERRNO(uapi_query(fd, DRM_GAON_QUERY_TELEMETRY, &out, sizeof(out)), 0, "telemetry");
	return out.retired_pages;
}

static uint32_t resets(int fd)
{
	struct drm_gaon_query_device out = { 0 };

	CHECK_ERRNO(uapi_query(fd, DRM_GAON_QUERY_DEVICE, &out, sizeof(out)), 0, "device");
	return out.resets;
}

/* Of the firmware alone. */
static uint32_t restarts(void)
{
	unsigned int count = 0;
	char line[128];
	glob_t found;
	FILE *file;

	MUST(!glob("/sys/kernel/debug/accel/*/recovery", 0, NULL, &found), "recovery");
	file = fopen(found.gl_pathv[0], "re");
	globfree(&found);
	MUST(file, "recovery: %s", strerror(errno));
	while (fgets(line, sizeof(line), file) && sscanf(line, "firmware %u", &count) != 1)
		;
	fclose(file);
	return count;
}

/* --- what is refused ------------------------------------------------------------------------------- */

static void test_refused(void)
{
	static const char *const bad[] = {
		"", "ce", "ce hbm", "ce hbm x", "ce hbm 0 0", "ce hbm -1", "ue hbm", "ue", "hang 1", "nonsense",
		"ce core 0", "xe hbm 0", "ce hbm 0x10000000000000000",
		"ue hbm 00000000000000000000000000000000000000000000000000000000000000000000",
	};
	/* Numbers that the firmware must not take for an index. */
	static const char *const none[] = {
		"ce hbm 0x4000000", "ue hbm 0x4000000", "ue hbm 0xffffffffffffffff", "ce scratchpad 2",
		"ue scratchpad 2", "ue scratchpad 0x100000000", "ce scratchpad 0xffffffffffffffff", "ce link 1",
		"ue link 16", "ue link 0x8000000000000000",
	};
	static struct counters before;

	counters_read(&before);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int err = inject("%s", bad[i]);

		CHECK(err == EINVAL || err == ERANGE || (!err && !bad[i][0]), "\"%.20s\": %d", bad[i], err);
	}
	for (unsigned int i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		CHECK_ERRNO(inject("%s", none[i]), ERANGE, "\"%s\"", none[i]);
	CHECK(counters_moved(&before, 0, false, 0), "nothing was counted");
}

/* --- counters -------------------------------------------------------------------------------------- */

static void test_counters(void)
{
	static struct counters before;

	for (unsigned int channel = 0; channel < 32; channel++) {
		counters_read(&before);
		/* Two pages away from the last. */
		CHECK_ERRNO(inject("ce hbm %#llx\n", MIB + channel * (2 * PAGE + 256ull)), 0, "channel %u", channel);
		CHECK(counters_moved(&before, DRM_GAON_RAS_HBM + channel, false, 1), "counted there");
		survived[0]++;
	}
	for (unsigned int core = 0; core < 2; core++) {
		counters_read(&before);
		CHECK_ERRNO(inject("ce scratchpad %u", core), 0, "scratchpad of core %u", core);
		CHECK(counters_moved(&before, DRM_GAON_RAS_SCRATCHPAD + core, false, 1), "counted there");
		counters_read(&before);
		CHECK_ERRNO(inject("ue scratchpad %u", core), 0, "scratchpad of core %u", core);
		CHECK(counters_moved(&before, DRM_GAON_RAS_SCRATCHPAD + core, true, 1), "counted there");
		survived[1]++;
		survived[4]++;
	}
	for (unsigned int uncorrected = 0; uncorrected < 2; uncorrected++) {
		counters_read(&before);
		CHECK_ERRNO(inject("%s link 0", uncorrected ? "ue" : "ce"), 0, "the link");
		CHECK(counters_moved(&before, DRM_GAON_RAS_LINK, uncorrected, 1), "counted there");
		survived[uncorrected ? 5 : 2]++;
	}
}

/* A page and a channel with many corrected errors. */
static void test_limits(int fd)
{
	static struct counters counters;
	uint64_t page = 9 * MIB, before = retired_pages(fd);
	int events = uevents_open();

	for (unsigned int i = 0; i < PAGE_LIMIT + 3; i++)
		CHECK_ERRNO(inject("ce hbm %#llx", (unsigned long long)page + 5 * 256), 0, "channel 5");
	survived[0] += PAGE_LIMIT + 3;
	CHECK(page_wait(page, 'r'), "the page is out of use");
	CHECK(uevents_count(events, "RAS_EVENT=retired", "RAS_COUNTER=hbm-page", 1) == 1, "which is told once");
	CHECK(retired_pages(fd) == before + 1, "and the chip remembers it");
	counters_read(&counters);
	for (uint32_t n = counters.count[DRM_GAON_RAS_HBM + 5][0]; n < CHANNEL_LIMIT + 4; n++) {
		CHECK_ERRNO(inject("ce hbm %#llx", page + (n + 2) * PAGE + 5 * 256), 0, "elsewhere");
		survived[0]++;
	}
	CHECK(uevents_count(events, "RAS_EVENT=limit", "RAS_COUNTER=hbm-channel-5", 1) == 1,
	      "a channel over its limit is told once");
	close(events);
}

static void test_netlink(bool there)
{
	static struct counters one, other;

	counters_read(&one);
	if (!there) {
		CHECK(!netlink_read(&other), "this kernel has no interface for errors");
		return;
	}
	REQUIRE(netlink_read(&other), "the kernel's interface for errors");
	CHECK(counters_same(&one, &other), "netlink and debugfs say the same");
	CHECK_ERRNO(netlink_clear(false, DRM_GAON_RAS_HBM + 5), 0, "clear a counter");
	one.count[DRM_GAON_RAS_HBM + 5][0] = 0;
	REQUIRE(netlink_read(&other), "again");
	CHECK(counters_same(&one, &other), "that one is 0, others are as they were");
	CHECK_ERRNO(netlink_clear(true, 32), ENOENT, "there are 32 channels");
	CHECK_ERRNO(netlink_clear(true, 1000), EINVAL, "and no such number");
}

/* --- poison ---------------------------------------------------------------------------------------- */

static void client_run(struct client *seen, uint32_t count, uint64_t mark)
{
	struct holder holder;

	holder_open(&holder, count, mark);
	MUST(holder.count == count, "%u MiB of HBM", count);
	for (;;) {
		look(&holder, seen, mark);
		seen->ready = 1;
	}
}

static void clients_wait(uint32_t rounds)
{
	uint32_t from[CLIENTS];
	int64_t end = lib_now() + END_MS * 1000000;

	for (unsigned int i = 0; i < CLIENTS; i++)
		from[i] = clients[i].rounds;
	for (unsigned int i = 0; i < CLIENTS; i++) {
		while (!clients[i].ready || clients[i].rounds - from[i] < rounds) {
			MUST(lib_now() < end, "client %u goes on", i);
			usleep(10000);
		}
	}
}

static uint32_t clients_faults(void)
{
	uint32_t sum = 0;

	for (unsigned int i = 0; i < CLIENTS; i++)
		sum += clients[i].faults;
	return sum;
}

/* Several processes have nearly all memory; of each bad page one of them hears. */
static void test_owner_only(int fd)
{
	static struct counters before;
	unsigned int faulted = 0;
	pid_t pid[CLIENTS];
	struct client sum = { .rounds = 0 };
	uint32_t was = resets(fd), count = (uint32_t)(hbm_free(fd) / MIB - 4) / CLIENTS;

	for (unsigned int i = 0; i < CLIENTS; i++) {
		pid[i] = fork();
		if (!pid[i])
			client_run(&clients[i], count, 0x1000000 * (i + 1));
	}
	clients_wait(1);
	/* Most memory is theirs; the rest is nobody's, or the driver's for their queues. */
	for (unsigned int i = 0; i < 8 && !clients_faults(); i++) {
		poisoned = (11 + 6 * i) * MIB + 0x5040;
		counters_read(&before);
		CHECK_ERRNO(inject("ue hbm %#llx", (unsigned long long)poisoned), 0, "a bad line");
		survived[3]++;
		CHECK(counters_moved(&before, DRM_GAON_RAS_HBM + poisoned / 256 % 32, true, 1),
		      "counted by channel");
		while (!page_state(poisoned & ~(PAGE - 1)))
			usleep(10000);
		if (page_state(poisoned & ~(PAGE - 1)) == 'i')
			clients_wait(2);
	}
	CHECK(page_state(poisoned & ~(PAGE - 1)) == 'i', "its page is known, and somebody's");
	clients_wait(2);
	for (unsigned int i = 0; i < CLIENTS; i++) {
		faulted += clients[i].faults != 0;
		sum.faults += clients[i].faults;
		sum.wrong += clients[i].wrong;
		sum.others += clients[i].others + clients[i].lost;
	}
	CHECK(faulted == 1 && sum.faults >= 2, "one of %u clients faulted, %u times", faulted, sum.faults);
	CHECK(!sum.wrong && !sum.others, "and all else was as it should be: %u words, %u faults", sum.wrong,
	      sum.others);
	CHECK(resets(fd) == was, "nothing was reset for it");
	for (unsigned int i = 0; i < CLIENTS; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
	}
	CHECK(page_wait(poisoned & ~(PAGE - 1), 'r'), "with its owner gone it is out of use");
	check_all_good("with a bad page out of use");
}

static sigjmp_buf touched;

static void on_bus(int signal)
{
	(void)signal;
	siglongjmp(touched, 1);
}

static bool can_touch(volatile uint8_t *byte)
{
	struct sigaction action = { .sa_handler = on_bus };
	volatile bool good = false;

	sigaction(SIGBUS, &action, NULL);
	if (!sigsetjmp(touched, 1)) {
		(void)*byte;
		good = true;
	}
	signal(SIGBUS, SIG_DFL);
	return good;
}

/* Whichever of its objects has a bad page: its number. */
static uint32_t bad_object(struct holder *holder, uint64_t mark)
{
	for (uint32_t i = 0; i < holder->count; i++) {
		struct client seen = { .rounds = 0 };

		for (uint64_t at = 0; at < MIB; at += PIECE)
			look_piece(holder, &seen, i, at, mark);
		if (seen.faults)
			return i;
	}
	REQUIRE(false, "one object is bad");
	return 0;
}

/* Memory is short: what is bad stays, all else moves. Another device wants it: then it is lost. */
static void test_moved(int fd)
{
	struct holder owner, other;
	struct client seen = { .rounds = 0 }, rest = { .rounds = 0 };
	struct drm_prime_handle prime = { .flags = O_CLOEXEC };
	volatile uint8_t *cpu;
	int vgem = uapi_vgem_open();
	uint64_t page;
	uint32_t was = resets(fd), bad, handle;

	holder_open(&owner, 45, 0xa000000);
	for (page = 4 * MIB + 0x7000; page < 60 * MIB; page += 7 * MIB) {
		CHECK_ERRNO(inject("ue hbm %#llx", (unsigned long long)page), 0, "a bad line");
		survived[3]++;
		while (!page_state(page))
			usleep(10000);
		if (page_state(page) == 'i')
			break;
	}
	CHECK(page_state(page) == 'i', "the owner has it");
	holder_open(&other, 30, 0xb000000);
	CHECK(other.count == 30, "30 MiB are had from the owner: %u", other.count);
	look(&other, &rest, 0xb000000);
	CHECK(!rest.faults && !rest.lost && !rest.wrong && !rest.others, "which are good");
	look(&owner, &seen, 0xa000000);
	CHECK(seen.faults == 1 && !seen.lost && !seen.wrong && !seen.others,
	      "the owner has all but one piece: faults %u, %u, %u, wrong words %u", seen.faults, seen.lost,
	      seen.others, seen.wrong);
	holder_close(&other);
	bad = bad_object(&owner, 0xa000000);
	cpu = uapi_mmap(owner.lib.fd, owner.handle[bad], MIB);
	CHECK(cpu && can_touch(cpu), "the processor reads what is good of it");
	/* vgem does not reach the card: it wants the object in host memory. */
	prime.handle = owner.handle[bad];
	MUST(!uapi_ioctl(owner.lib.fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), "exported");
	CHECK_ERRNO(uapi_to_handle(vgem, prime.fd, &handle), EHWPOISON, "another device is told");
	close(prime.fd);
	CHECK(cpu && !can_touch(cpu), "the processor has none of it any more");
	munmap((void *)cpu, MIB);
	seen = (struct client){ .rounds = 0 };
	look(&owner, &seen, 0xa000000);
	CHECK(!seen.faults && seen.lost == MIB / PIECE && !seen.wrong && !seen.others,
	      "and the device neither, but all else: faults %u, %u, %u, wrong words %u", seen.faults, seen.lost,
	      seen.others, seen.wrong);
	CHECK_ERRNO(uapi_map(owner.lib.fd, owner.lib.vm, owner.handle[bad], 0, 2 * HBM_VA, MIB, 0), EHWPOISON,
		    "nor is it mapped anew");
	CHECK(resets(fd) == was, "nothing was reset for it");
	close(vgem);
	holder_close(&owner);
	CHECK(page_wait(page, 'r'), "its page is out of use");
	check_all_good("after an object was lost");
}

/* --- scratchpads ----------------------------------------------------------------------------------- */

/* Two clients, each in a core: who is in the bad one is told, the other gets to its end. */
static void test_scratchpad(void)
{
	struct gaon_packet packet = lib_launch(LIB_CODE_VA + LIB_CODE_UNTIL, lib_va(64), 1);
	struct drm_gaon_queue_query query;
	struct lib_queue queue[2];
	unsigned int told = 0;
	struct lib lib[2];

	for (unsigned int i = 0; i < 2; i++) {
		lib_open_user(&lib[i], &queue[i]);
		lib_code(&lib[i]);
		packet.flags |= GAON_PKT_F_SIGNAL | GAON_PKT_F_EVENT;
		packet.signal_va = lib_va(0);
		packet.signal_value = 1;
		lib_push(&queue[i], &packet);
	}
	/* Both are there when each core has had an error that somebody noticed, or not. */
	for (int64_t end = lib_now() + END_MS * 1000000; !told && lib_now() < end; usleep(20000)) {
		MUST(!inject("ue scratchpad 0"), "an error");
		survived[4]++;
		for (unsigned int i = 0; i < 2; i++) {
			lib_state(&queue[i], &query, 0);
			told += query.fault.type == GAON_FAULT_ECC && !query.fault.core;
		}
	}
	CHECK(told == 1, "%u clients are told", told);
	for (unsigned int i = 0; i < 2; i++) {
		*lib_word(&lib[i], 64) = 1;
		lib_state(&queue[i], &query, 0);
		if (query.fault.type == GAON_FAULT_NONE)
			CHECK_ERRNO(lib_wait(&lib[i], lib_word(&lib[i], 0), 1, END_MS), 0, "the other ends well");
		lib_close(&lib[i]);
	}
}

/* --- lives of the card ----------------------------------------------------------------------------- */

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	MUST(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text), "%s > %s", text, path);
	close(fd);
}

static void test_rebind(void)
{
	unsigned int before = pages_bad();
	static struct counters counters;
	char address[64];
	glob_t found;

	MUST(!glob("/sys/bus/pci/drivers/gaon/0*", 0, NULL, &found), "the card");
	snprintf(address, sizeof(address), "%s", strrchr(found.gl_pathv[0], '/') + 1);
	globfree(&found);
	write_to("/sys/bus/pci/drivers/gaon/unbind", address);
	write_to("/sys/bus/pci/drivers/gaon/bind", address);
	CHECK(before >= 4 && pages_bad() == before, "bound again, the driver knows all %u bad pages: %u", before,
	      pages_bad());
	CHECK(page_state(poisoned & ~(PAGE - 1)) == 'r', "and has them out of use");
	/* Were it somebody's, who had all would fault. */
	CHECK_ERRNO(inject("ue hbm %#llx", (unsigned long long)poisoned), 0, "bad again");
	survived[3]++;
	check_all_good("bound again");
	counters_read(&counters);
	CHECK(counters.count[poisoned / 256 % 32][1] == 1, "errors are counted anew");
}

static void test_firmware(int fd)
{
	static struct counters before;
	uint32_t was = resets(fd) + restarts();

	counters_read(&before);
	CHECK_ERRNO(inject("crash"), 0, "the firmware crashes");
	check_all_good("after that");
	CHECK_ERRNO(inject("hang"), 0, "the firmware hangs");
	check_all_good("after that");
	survived[6] = survived[7] = 1;
	CHECK(resets(fd) + restarts() == was + 2, "two resets, of the firmware or the device: %u and %u in all",
	      restarts(), resets(fd));
	CHECK(counters_moved(&before, 0, false, 0), "errors of before are not forgotten");
}

/* A page that was bad before the card was switched off. Were it somebody's, who has all would fault. */
static void test_kept(int fd)
{
	CHECK(retired_pages(fd) == 1 && pages_bad() == 1, "the chip knows %u page from before, the driver %u",
	      (unsigned int)retired_pages(fd), pages_bad());
	CHECK(page_state(KEPT) == 'r', "it is out of use");
	CHECK_ERRNO(inject("ue hbm %#llx", KEPT), 0, "bad again");
	survived[3]++;
	check_all_good("in another life");
	CHECK(retired_pages(fd) == 1 && pages_bad() == 1, "still it is that one");
}

static void test_all(int fd, bool has_netlink)
{
	static const char *const names[] = {
		"corrected, of HBM", "corrected, of scratchpads", "corrected, of the link",
		"uncorrectable, of HBM", "uncorrectable, of scratchpads", "uncorrectable, of the link",
		"firmware lost", "firmware hung",
	};

	clients = mmap(NULL, sizeof(*clients) * CLIENTS, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	REQUIRE(clients != MAP_FAILED, "memory");
	test_kept(fd);
	test_refused();
	test_counters();
	test_limits(fd);
	test_netlink(has_netlink);
	test_owner_only(fd);
	test_moved(fd);
	test_scratchpad();
	close(fd);
	test_rebind();
	fd = uapi_open();
	test_firmware(fd);
	close(fd);
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		uapi_figure("errors injected and survived", names[i], survived[i]);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	int fd = uapi_open();

	if (!strcmp(what, "off"))
		CHECK_ERRNO(inject("ce hbm 0"), ENOENT, "there is no way without the module's parameter");
	else
		test_all(fd, !strcmp(what, "netlink"));
	uapi_exit();
}
