// SPDX-License-Identifier: MIT
/* What is done to the card, by root. Each is over when the card can be used again. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "soak.h"
#include "../edges/counters.h"

#define BETWEEN_US	30000u

struct soak_chaos_count soak_chaos_counts[SOAK_CHAOSES];

static char debugfs_reset[96], pci_reset[96], pci_remove[96];
static uint64_t binds;

uint64_t soak_chaos_binds(void)
{
	return binds;
}

/* The file of the card is anybody's; -errno if there is none. */
static int open_to_all(void)
{
	int fd = counters_open(), err;

	if (fd < 0)
		return -errno;
	err = fchmod(fd, 0666) ? -errno : 0;
	close(fd);
	return err;
}

void soak_chaos_init(void)
{
	const char *card = counters_card();

	snprintf(debugfs_reset, sizeof(debugfs_reset), "/sys/kernel/debug/accel/%s/reset", card);
	snprintf(pci_reset, sizeof(pci_reset), "/sys/bus/pci/devices/%s/reset", card);
	snprintf(pci_remove, sizeof(pci_remove), "/sys/bus/pci/devices/%s/remove", card);
	REQUIRE(!open_to_all() && !chmod("/dev/udmabuf", 0666), "the card's file is anybody's, and so is /dev/udmabuf");
}

static int rebind(void)
{
	int err = counters_driver("unbind");

	binds++;
	return err ? err : counters_driver("bind");
}

static int rescan(void)
{
	int err = counters_write(pci_remove, "1");

	binds++;
	return err ? err : counters_write("/sys/bus/pci/rescan", "1");
}

/* Which of the two comes first is left to chance; the reset may find nothing to reset. */
static int both(struct fuzz_rng *rng)
{
	unsigned int first = fuzz_below(rng, BETWEEN_US), second = fuzz_below(rng, BETWEEN_US);
	const char *how = fuzz_chance(rng, 2) ? pci_reset : debugfs_reset;
	int status, err;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		usleep(first);
		counters_write(how, "1");
		_exit(0);
	}
	usleep(second);
	err = rebind();
	waitpid(pid, &status, 0);
	return err;
}

static int chaos(enum soak_chaos kind, struct fuzz_rng *rng)
{
	switch (kind) {
	case SOAK_CHAOS_ENGINES:
		return counters_write(debugfs_reset, "engines");
	case SOAK_CHAOS_DEVICE:
		return counters_write(debugfs_reset, "device");
	case SOAK_CHAOS_FLR:
		return counters_write(pci_reset, "1");
	case SOAK_CHAOS_RESTART:
		return counters_write(debugfs_reset, "firmware");
	case SOAK_CHAOS_REBIND:
		return rebind();
	case SOAK_CHAOS_RESCAN:
		return rescan();
	default:
		return both(rng);
	}
}

/* What the driver says of itself. */
static bool card_is_ready(void)
{
	char path[96], word[16] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/state", counters_card());
	file = fopen(path, "re");
	if (file && !fgets(word, sizeof(word), file))
		word[0] = '\0';
	if (file)
		fclose(file);
	return !strcmp(word, "ready\n");
}

void soak_chaos(struct soak_shared *shared, enum soak_chaos kind, uint64_t seed)
{
	struct fuzz_rng rng = fuzz_rng_make(seed, kind);
	struct soak_chaos_count *count = &soak_chaos_counts[kind];
	struct soak_self self = { .shared = shared, .kind = kind, .seed = seed };
	int64_t start = lib_now(), took;
	int err, node;

	shared->begun++;
	err = chaos(kind, &rng);
	node = open_to_all();
	took = lib_now() - start;
	shared->over++;
	count->done++;
	count->total_ns += took;
	if (took > count->longest_ns)
		count->longest_ns = took;
	if (err || node || !card_is_ready())
		soak_wrong(&self, "%s: error %d, its file: error %d, the card is %s", soak_kind_name(SOAK_ACTION_CHAOS, kind),
			   err, -node, card_is_ready() ? "ready" : "not ready");
}
