// SPDX-License-Identifier: MIT
/* The supervisor: one event after the other until the time is over, then a look at what is left. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "soak.h"
#include "../edges/counters.h"
#include "../edges/swap.h"

#define MINUTES		5
#define TOUR_US		500000u
#define SETTLE_MS	60000
#define LOOK_US		50000u

struct soak_run soak_run;

struct baseline {
	uint64_t used[2];
	int queues, vms, objects, users;
	struct counters counters;
};

static void usage(FILE *to)
{
	fputs("usage: soak [--minutes N] [--seed N] [--json]\n"
	      "Uses a card at random by many clients, well-behaved and not, while it is reset, unbound, removed and\n"
	      "short of memory. As root, in a guest: whoever else uses the card is disturbed.\n\n"
	      "  --minutes N  how long; default: $GAON_MINUTES, or 5\n"
	      "  --seed N     of all that is drawn; default: $GAON_SEED, or the time. The same seed draws the same events\n"
	      "  --json       the report as one line of JSON\n"
	      "Exit status: 0: all well; 1: something is wrong; 2: wrong usage\n", to);
}

/* --- before and after ---------------------------------------------------------------------------- */

static int module_users(void)
{
	FILE *file = fopen("/sys/module/gaon/refcnt", "re");
	int users = -1;

	if (file && fscanf(file, "%d", &users) != 1)
		users = -1;
	if (file)
		fclose(file);
	return users;
}

/* What was kept of faults for whoever asks, until somebody has read it: memory, and a user of the module. */
static void dumps_drop(void)
{
	glob_t found;

	if (!glob("/sys/class/devcoredump/*/data", 0, NULL, &found)) {
		for (size_t i = 0; i < found.gl_pathc; i++)
			counters_write(found.gl_pathv[i], "1");
	}
	globfree(&found);
}

static void baseline_read(struct baseline *base)
{
	int fd = counters_open();

	dumps_drop();

	uapi_memory_used(fd, base->used);
	close(fd);
	base->queues = counters_lines("/sys/kernel/debug/accel/*/queues");
	base->vms = counters_lines("/sys/kernel/debug/accel/*/vms");
	base->objects = counters_lines("/sys/kernel/debug/accel/*/objects");
	base->users = module_users();
}

static bool baseline_is(const struct baseline *now, const struct baseline *before)
{
	return now->used[0] == before->used[0] && now->used[1] == before->used[1] && !now->queues &&
	       !now->vms && !now->objects && now->users == before->users;
}

/* The last of what was killed goes in a while. */
static void baseline_settle(struct baseline *now, const struct baseline *before)
{
	int64_t end = lib_now() + soak_ms(SETTLE_MS) * 1000000;

	do {
		baseline_read(now);
		if (baseline_is(now, before))
			return;
		usleep(LOOK_US);
	} while (lib_now() < end);
}

/* As in edges/cycles.c: TTM of 7.3 loses 44 objects of 64 bytes each time that a device goes. */
static void forgive_ttm(struct counters *before, uint64_t binds)
{
	struct utsname system;

	uname(&system);
	if (atoi(system.release) < 7)
		return;
	counters_forgive(before, "slab kmalloc-64", 44 * binds);
	counters_forgive(before, "pages in use", 44 * binds / 64 + 1);
}

static void baseline_check(struct baseline *before, uint64_t binds, uint64_t clients)
{
	static struct baseline now;

	baseline_settle(&now, before);
	CHECK(now.used[0] == before->used[0] && now.used[1] == before->used[1],
	      "memory in use: host %llu, before %llu; HBM %llu, before %llu",
	      (unsigned long long)now.used[0], (unsigned long long)before->used[0],
	      (unsigned long long)now.used[1], (unsigned long long)before->used[1]);
	CHECK(!now.queues && !now.vms && !now.objects, "%d queues, %d address spaces, %d objects are left", now.queues,
	      now.vms, now.objects);
	CHECK(now.users == before->users, "users of the module: %d, before %d", now.users, before->users);
	forgive_ttm(&before->counters, binds);
	counters_check(&before->counters, clients / 4 + 64, "everything together");
}

/* --- the run --------------------------------------------------------------------------------------- */

static void happen(struct soak_shared *shared, const struct soak_event *event)
{
	if (event->action == SOAK_ACTION_CHAOS)
		soak_chaos(shared, event->kind, event->seed);
	else if (!soak_crew_end(shared, event))
		soak_crew_start(shared, event);
}

static void wait_looking(struct soak_shared *shared, int64_t us)
{
	int64_t end = lib_now() + us * 1000;

	do {
		soak_crew_look(shared);
		soak_log_read();
		usleep(us < LOOK_US ? (unsigned int)us : LOOK_US);
	} while (lib_now() < end && !shared->wrongs);
}

/* Each kind of event once: all that is made once is there then, and none is left out by chance. */
static void tour(struct soak_shared *shared, uint64_t seed)
{
	for (unsigned int action = 0; action < SOAK_ACTIONS; action++) {
		for (unsigned int kind = 0; kind < soak_kinds(action) && !shared->wrongs; kind++) {
			struct soak_event event = {
				.action = action, .kind = kind, .seed = seed + kind,
				.place = action == SOAK_ACTION_GOOD ? kind : 0,
			};

			happen(shared, &event);
			wait_looking(shared, TOUR_US);
			if (action == SOAK_ACTION_BAD || action == SOAK_ACTION_PRESSURE)
				soak_crew_end(shared, &event);
		}
	}
	soak_crew_end_all(shared);
}

static void run(struct soak_shared *shared, uint64_t seed, int64_t end)
{
	while (lib_now() < end && !shared->wrongs) {
		struct soak_event event = soak_plan(seed, soak_run.steps++);

		wait_looking(shared, event.pause_ms * 1000);
		happen(shared, &event);
	}
	if (shared->wrongs)
		soak_report_wrong(shared);
	soak_crew_end_all(shared);
}

static void check_clients(const struct soak_shared *shared)
{
	CHECK(!shared->wrongs, "%u complaints, with seed %llu before event %llu: %s", shared->wrongs,
	      (unsigned long long)soak_run.seed, (unsigned long long)soak_run.steps, shared->wrong[0]);
	for (unsigned int i = 0; i < SOAK_GOODS; i++)
		CHECK(shared->rounds[i], "%llu rounds of %s", (unsigned long long)shared->rounds[i],
		      soak_kind_name(SOAK_ACTION_GOOD, i));
	CHECK(shared->lost && shared->dropped, "clients were told of %llu losses of all, and of %llu of work",
	      (unsigned long long)shared->lost, (unsigned long long)shared->dropped);
	CHECK(shared->faults[GAON_FAULT_PAGE], "faults were told");
	CHECK(!shared->fuzz.strange, "errors are those of the interface%s%s", shared->fuzz.strange ? ": " : "",
	      shared->fuzz.strange_text);
}

static void soak(int64_t minutes, uint64_t seed, bool json)
{
	struct soak_shared *shared =
		mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	static struct baseline before;
	uint64_t binds, clients;
	int64_t start;

	REQUIRE(shared != MAP_FAILED && !geteuid(), "it is started as root, with memory");
	soak_run.seed = seed;
	printf("# soak: --seed %llu --minutes %lld repeats these events\n", (unsigned long long)seed, (long long)minutes);
	fflush(stdout);
	soak_chaos_init();
	swap_on(SWAP_SMALL);
	soak_log_open();
	start = lib_now();
	tour(shared, soak_run.seed);
	CHECK(!shared->wrongs, "each kind of event once, in %lld s", (long long)(lib_now() - start) / 1000000000);
	baseline_read(&before);
	baseline_settle(&before, &before);
	counters_read(&before.counters);
	binds = soak_chaos_binds();
	clients = shared->opened;
	run(shared, soak_run.seed, start + minutes * 60 * 1000000000ll);
	soak_run.seconds = (lib_now() - start) / 1000000000;
	check_clients(shared);
	baseline_check(&before, soak_chaos_binds() - binds, shared->opened - clients);
	soak_log_check(shared);
	swap_off();
	soak_report(shared, json);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "minutes", required_argument, NULL, 'm' }, { "seed", required_argument, NULL, 's' },
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, 'h' }, { 0 },
	};
	const char *text = getenv("GAON_MINUTES");
	long minutes = text ? atol(text) : MINUTES;
	uint64_t seed = (uint64_t)time(NULL);
	bool json = false;
	int option;

	text = getenv("GAON_SEED");
	if (text)
		seed = strtoull(text, NULL, 0);

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'm':
			minutes = atol(optarg);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	}
	if (optind < argc || minutes < 1) {
		usage(stderr);
		return 2;
	}
	soak(minutes, seed, json);
	uapi_exit();
}
