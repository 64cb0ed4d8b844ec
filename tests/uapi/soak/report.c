// SPDX-License-Identifier: MIT
/* What happened, for people and for programs. */
#include <stdio.h>

#include "soak.h"
#include "../edges/counters.h"

#define SHOWN	12u	/* events */
#define U(n)	((unsigned long long)(n))

static const char *const action_names[SOAK_ACTIONS] = { "good clients", "bad clients", "pressure", "chaos" };

static uint64_t started(enum soak_action action)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < soak_kinds(action); i++)
		sum += action == SOAK_ACTION_CHAOS ? soak_chaos_counts[i].done : soak_run.started[action][i];
	return sum;
}

static void calls_count(const struct soak_shared *shared, uint64_t *tried, uint64_t *worked)
{
	*tried = *worked = 0;
	for (unsigned int i = 0; fuzz_call_name(i); i++) {
		*tried += shared->fuzz.tried[i];
		*worked += shared->fuzz.worked[i];
	}
}

static uint64_t faults_count(const struct soak_shared *shared)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < GAON_FAULT_TYPES; i++)
		sum += shared->faults[i];
	return sum;
}

/* The end of a file of debugfs. */
static void print_tail(const char *pattern, unsigned int count)
{
	FILE *file = counters_file(pattern);
	char lines[32][160];
	uint64_t n = 0;

	while (file && fgets(lines[n % 32], sizeof(lines[0]), file))
		n++;
	if (file)
		fclose(file);
	for (uint64_t i = n > count ? n - count : 0; i < n; i++)
		printf("# %s", lines[i % 32]);
}

/* What there is to see while somebody still waits. */
void soak_report_late(pid_t pid, const struct soak_event *event)
{
	printf("# late: process %d: %s: %s, place %u\n", pid, action_names[event->action],
	       soak_kind_name(event->action, event->kind), event->place);
	print_tail("/sys/kernel/debug/accel/*/resets", 2);
	print_tail("/sys/kernel/debug/accel/*/recovery", 12);
	print_tail("/sys/kernel/debug/accel/*/queues", 32);
	print_tail("/sys/kernel/debug/accel/*/vms", 32);
	fflush(stdout);
}

void soak_report_wrong(const struct soak_shared *shared)
{
	for (unsigned int i = 0; i < shared->wrongs && i < SOAK_WRONGS; i++)
		printf("# wrong: %s\n", shared->wrong[i]);
	for (uint64_t i = soak_run.steps > SHOWN ? soak_run.steps - SHOWN : 0; i < soak_run.steps; i++) {
		struct soak_event event = soak_plan(soak_run.seed, i);

		printf("# event %llu: after %u ms: %s: %s, place %u\n", U(i), event.pause_ms, action_names[event.action],
		       soak_kind_name(event.action, event.kind), event.place);
	}
	print_tail("/sys/kernel/debug/accel/*/resets", 2);
	print_tail("/sys/kernel/debug/accel/*/queues", 32);
	print_tail("/sys/kernel/debug/accel/*/firmware_log", 32);
}

static void print_text(const struct soak_shared *shared)
{
	uint64_t tried, worked;

	calls_count(shared, &tried, &worked);
	printf("# seed %llu, %lld seconds, %llu events\n", U(soak_run.seed), (long long)soak_run.seconds, U(soak_run.steps));
	for (unsigned int action = 0; action < SOAK_ACTIONS; action++) {
		printf("# %s: %llu\n", action_names[action], U(started(action)));
		for (unsigned int i = 0; i < soak_kinds(action); i++) {
			const struct soak_chaos_count *chaos = &soak_chaos_counts[i];

			printf("#   %-28s %6llu", soak_kind_name(action, i),
			       U(action == SOAK_ACTION_CHAOS ? chaos->done : soak_run.started[action][i]));
			if (action == SOAK_ACTION_CHAOS && chaos->done)
				printf(", %lld ms on average, %lld ms at most", (long long)(chaos->total_ns / (int64_t)chaos->done / 1000000),
				       (long long)(chaos->longest_ns / 1000000));
			else if (action == SOAK_ACTION_GOOD)
				printf(", %llu rounds", U(shared->rounds[i]));
			else if (action == SOAK_ACTION_BAD)
				printf(", %llu rounds", U(shared->bad_rounds[i]));
			else if (action == SOAK_ACTION_PRESSURE)
				printf(", %llu rounds", U(shared->pressure_rounds[i]));
			printf("\n");
		}
	}
	printf("# clients ended when asked %llu, killed %llu; opened %llu, told that all is lost %llu, that work is lost %llu (%llu by "
	       "the firmware alone); calls without room %llu\n", U(soak_run.ended), U(soak_run.killed), U(shared->opened), U(shared->lost),
	       U(shared->dropped), U(shared->own), U(shared->refused));
	printf("# results verified %llu, %llu MiB moved; faults told to their owners %llu; garbage calls %llu, %llu worked\n",
	       U(shared->jobs), U(shared->bytes >> 20), U(faults_count(shared)), U(tried), U(worked));
}

static void print_figures(const struct soak_shared *shared)
{
	uint64_t tried, worked, events = 0;
	char what[96];

	calls_count(shared, &tried, &worked);
	uapi_figure("soak", "seconds", (uint64_t)soak_run.seconds);
	uapi_figure("soak", "well-behaved clients started", started(SOAK_ACTION_GOOD));
	uapi_figure("soak", "results verified", shared->jobs);
	uapi_figure("soak", "bad clients started", started(SOAK_ACTION_BAD));
	uapi_figure("soak", "faults told to their owners", faults_count(shared));
	uapi_figure("soak", "random ioctls", tried);
	uapi_figure("soak", "clients killed in the middle of work", soak_run.killed);
	uapi_figure("soak", "clients told that all was lost", shared->lost);
	uapi_figure("soak", "clients told that work was lost", shared->dropped);
	for (unsigned int i = 0; i < soak_kinds(SOAK_ACTION_CHAOS); i++) {
		const struct soak_chaos_count *chaos = &soak_chaos_counts[i];

		events += chaos->done;
		if (!chaos->done)
			continue;
		snprintf(what, sizeof(what), "%s, times", soak_kind_name(SOAK_ACTION_CHAOS, i));
		uapi_figure("soak: the card is usable again after", what, chaos->done);
		snprintf(what, sizeof(what), "%s, microseconds at most", soak_kind_name(SOAK_ACTION_CHAOS, i));
		uapi_figure("soak: the card is usable again after", what, (uint64_t)chaos->longest_ns / 1000);
	}
	uapi_figure("soak", "resets, removals and unbinds", events);
}

static void print_json(const struct soak_shared *shared)
{
	uint64_t tried, worked;

	calls_count(shared, &tried, &worked);
	printf("{\"seed\":%llu,\"seconds\":%lld,\"events\":%llu", U(soak_run.seed),
	       (long long)soak_run.seconds, U(soak_run.steps));
	for (unsigned int action = 0; action < SOAK_ACTIONS; action++) {
		printf(",\"%s\":{", action_names[action]);
		for (unsigned int i = 0; i < soak_kinds(action); i++) {
			const struct soak_chaos_count *chaos = &soak_chaos_counts[i];

			printf("%s\"%s\":", i ? "," : "", soak_kind_name(action, i));
			if (action == SOAK_ACTION_CHAOS)
				printf("{\"count\":%llu,\"total_ms\":%lld,\"longest_ms\":%lld}",
				       U(chaos->done), (long long)(chaos->total_ns / 1000000),
				       (long long)(chaos->longest_ns / 1000000));
			else
				printf("%llu", U(soak_run.started[action][i]));
		}
		printf("}");
	}
	printf(",\"opened\":%llu,\"lost\":%llu,\"dropped\":%llu,\"refused\":%llu,\"killed\":%llu,"
	       "\"verified\":%llu,\"bytes\":%llu,"
	       "\"faults\":%llu,\"calls\":%llu,\"wrong\":%u}\n",
	       U(shared->opened), U(shared->lost), U(shared->dropped), U(shared->refused),
	       U(soak_run.killed), U(shared->jobs), U(shared->bytes), U(faults_count(shared)), U(tried),
	       shared->wrongs);
}

void soak_report(const struct soak_shared *shared, bool json)
{
	if (json) {
		print_json(shared);
	} else {
		print_text(shared);
		print_figures(shared);
	}
}
