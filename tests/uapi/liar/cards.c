// SPDX-License-Identifier: MIT
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cards.h"

struct card cards[CARDS_MAX];

/* --- files ------------------------------------------------------------------------------------ */

bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* The file's text, without a newline at its end; empty if it cannot be read. */
static const char *read_file(const char *path)
{
	static char text[512];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (n > 0 && text[n - 1] == '\n')
		text[n - 1] = '\0';
	return text;
}

const char *attribute(const struct card *card, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", card->address, name);
	return read_file(path);
}

/* Node and directory in debugfs, which change when the driver is bound again. */
bool card_find(struct card *card)
{
	char path[128];
	glob_t found;
	size_t i;

	card->node[0] = card->debugfs[0] = '\0';
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/accel/accel*", card->address);
	if (!glob(path, 0, NULL, &found))
		snprintf(card->node, sizeof(card->node), "/dev/accel%s", strrchr(found.gl_pathv[0], '/'));
	globfree(&found);
	if (!glob("/sys/kernel/debug/accel/*/name", 0, NULL, &found)) {
		for (i = 0; i < found.gl_pathc; i++) {
			if (strstr(read_file(found.gl_pathv[i]), card->address))
				snprintf(card->debugfs, sizeof(card->debugfs), "%.*s",
					 (int)(strlen(found.gl_pathv[i]) - strlen("/name")), found.gl_pathv[i]);
		}
	}
	globfree(&found);
	return card->node[0] && card->debugfs[0];
}

void cards_find(int argc)
{
	unsigned int count = 0;
	glob_t found;
	size_t i;

	REQUIRE(!glob(DRIVER "/*:*", 0, NULL, &found), "cards");
	for (i = 0; i < found.gl_pathc && count < CARDS_MAX; i++) {
		snprintf(cards[count].address, sizeof(cards[count].address), "%s",
			 strrchr(found.gl_pathv[i], '/') + 1);
		REQUIRE(card_find(&cards[count]), "card %s has a node and a directory in debugfs",
			cards[count].address);
		count++;
	}
	globfree(&found);
	REQUIRE((unsigned int)argc - 1 == count, "%u cards, of %d kinds", count, argc - 1);
}

bool card_wait_state(const struct card *card, const char *state)
{
	int64_t end = lib_now() + END_MS * 1000000ll;

	while (strcmp(attribute(card, "state"), state)) {
		if (lib_now() > end)
			return false;
		usleep(10000);
	}
	return true;
}

struct counts counts(const struct card *card)
{
	struct counts counts = { -1, -1, -1, -1 };
	char path[96];
	const char *line;

	snprintf(path, sizeof(path), "%s/resets", card->debugfs);
	line = strchr(read_file(path), '\n');
	if (!line || sscanf(line, "%d %d %d %d", &counts.queues, &counts.engines, &counts.device,
			    &counts.copies) != 4)
		CHECK(false, "%s says what was reset", path);
	return counts;
}

int recovered(const struct card *card, const char *rung, unsigned long long *longest_us)
{
	unsigned long long longest = 0;
	const char *line;
	char path[96];
	int count = -1;

	snprintf(path, sizeof(path), "%s/recovery", card->debugfs);
	line = strstr(read_file(path), rung);
	if (!line || sscanf(line + strlen(rung), "%d %*u %llu", &count, &longest) != 2)
		CHECK(false, "%s says how often %s has helped", path, rung);
	if (longest_us)
		*longest_us = longest;
	return count;
}

void recovery_figures(const struct card *card)
{
	static const char *const rungs[] = { "queue", "context", "engines", "firmware", "chip", "function",
		"link" };
	unsigned long long longest;
	char what[64];

	for (size_t i = 0; i < sizeof(rungs) / sizeof(rungs[0]); i++) {
		int times = recovered(card, rungs[i], &longest);

		if (times <= 0)
			continue;
		snprintf(what, sizeof(what), "%s, times", rungs[i]);
		uapi_figure("recovered by a reset of", what, (uint64_t)times);
		snprintf(what, sizeof(what), "%s, microseconds at most", rungs[i]);
		uapi_figure("recovered by a reset of", what, longest);
	}
}

/* --- users ------------------------------------------------------------------------------------- */

void list_set(struct lib *lib, uint64_t offset, struct gaon_packet packet)
{
	memcpy(lib->mem + offset, &packet, sizeof(packet));
}

/* An address space with memory of both kinds and code, and lists. */
void user_open(struct lib *lib, const struct card *card, uint32_t flags)
{
	uint32_t hbm;
	unsigned int i;

	setenv("GAON_NODE", card->node, 1);
	lib_open(lib, flags);
	lib_code(lib);
	hbm = uapi_bo(lib->fd, BYTES, DRM_GAON_BO_HBM, 0);
	REQUIRE(!uapi_map(lib->fd, lib->vm, hbm, 0, HBM_VA, BYTES, 0), "HBM");
	uapi_bo_close(lib->fd, hbm);
	/* Each launch is within its limit, but there are many. */
	for (i = 0; i < ENDLESS_JOBS; i++)
		list_set(lib, ENDLESS + 64 * i, lib_launch(LIB_CODE_VA + LIB_CODE_SPIN, 0, 1));
	for (i = 0; i < BYTES / 8; i++)
		*lib_word(lib, FROM + 8 * i) = uapi_random();
	memset(lib->mem + BACK, 0, BYTES);
}

int run_endless(struct lib_queue *queue, uint32_t out)
{
	return lib_submit(queue, lib_va(ENDLESS), ENDLESS_JOBS, 0, 0, out, 0);
}

int run_copy(struct lib_queue *queue, uint64_t to, uint64_t from, uint32_t out)
{
	struct gaon_packet packet = {
		.type = GAON_PKT_COPY, .flags = GAON_PKT_F_BARRIER,
		.scope = GAON_SCOPE_HOST | GAON_SCOPE_HOST << 4,
		.copy = { .dst_va = to, .src_va = from, .bytes = BYTES },
	};

	list_set(queue->lib, LIST, packet);
	return lib_submit(queue, lib_va(LIST), 1, 0, 0, out, 0) ?:
	       lib_syncobj_wait(queue->lib->fd, out, 0, END_MS) ?:
	       -lib_syncobj_status(queue->lib->fd, out);
}

/* What a job's fence says in the end. */
int outcome(struct lib *lib, uint32_t out)
{
	return lib_syncobj_wait(lib->fd, out, 0, END_MS) ?: -lib_syncobj_status(lib->fd, out);
}
