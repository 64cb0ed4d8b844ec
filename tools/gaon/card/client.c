// SPDX-License-Identifier: MIT
/* See client.h. Processes end while they are looked at: what is gone is left out. */
#include "client.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tree.h"

static uint64_t with_unit(uint64_t number, const char *unit)
{
	unsigned int shift = !strncmp(unit, "KiB", 3) ? 10 : !strncmp(unit, "MiB", 3) ? 20 : 0;

	return number <= UINT64_MAX >> shift ? number << shift : 0;
}

/* One line of fdinfo: "drm-engine-core:\t1234 ns". */
static void take_line(struct client *client, const char *key, const char *value)
{
	const struct {
		const char *key;
		uint64_t *out;
	} numbers[] = {
		{ "drm-client-id", &client->id },
		{ "drm-engine-core", &client->core_ns }, { "drm-engine-copy", &client->copy_ns },
		{ "drm-cycles-core", &client->core_cycles }, { "drm-cycles-copy", &client->copy_cycles },
		{ "drm-total-cycles-core", &client->total_cycles },
		{ "drm-total-hbm", &client->hbm }, { "drm-total-host", &client->host },
	};
	uint64_t number;
	char *end;

	if (!strcmp(key, "drm-pdev"))
		snprintf(client->address, sizeof(client->address), "%s", value);
	if (!isdigit((unsigned char)*value))
		return;
	number = strtoull(value, &end, 10);
	if (!strcmp(key, "drm-engine-capacity-core") && number <= 65536)
		client->cores = (uint32_t)number;
	if (!strcmp(key, "drm-engine-capacity-copy") && number <= 65536)
		client->copies = (uint32_t)number;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!strcmp(key, numbers[i].key))
			*numbers[i].out = with_unit(number, end + strspn(end, " "));
	}
}

/* False if the file is of no card of ours. */
static bool parse_fdinfo(struct client *client, char *text)
{
	char *line, *save = NULL, *value;
	bool ours = false;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		value = strchr(line, ':');
		if (!value)
			continue;
		*value++ = '\0';
		value += strspn(value, " \t");
		if (!strcmp(line, "drm-driver"))
			ours = !strcmp(value, "gaon");
		else
			take_line(client, line, value);
	}
	return ours && client->address[0];
}

static void name_process(struct client *client, const char *pid)
{
	char text[4096], *uid;
	struct passwd *user;

	client->uid = -1;
	if (!tree_read_line(client->command, sizeof(client->command), "/proc/%s/comm", pid))
		snprintf(client->command, sizeof(client->command), "?");
	if (tree_read_all(text, sizeof(text), "/proc/%s/status", pid) > 0 && (uid = strstr(text, "\nUid:")))
		client->uid = strtol(uid + 5, NULL, 10);
	/* Users of another machine are numbers. */
	user = client->uid >= 0 && !tree_is_recorded() ? getpwuid((uid_t)client->uid) : NULL;
	if (user)
		snprintf(client->user, sizeof(client->user), "%.32s", user->pw_name);
	else if (client->uid >= 0)
		snprintf(client->user, sizeof(client->user), "%" PRId64, client->uid);
	else
		snprintf(client->user, sizeof(client->user), "?");
}

/* The same file may be open under several numbers, and in several processes. */
static bool list_add(struct client_list *list, const struct client *client)
{
	struct client *clients;
	bool shared = false;

	for (size_t i = 0; i < list->count; i++) {
		const struct client *other = &list->clients[i];

		if (other->id != client->id || strcmp(other->address, client->address))
			continue;
		if (other->pid == client->pid)
			return true;
		shared = true;
	}
	clients = realloc(list->clients, (list->count + 1) * sizeof(*clients));
	if (!clients)
		return false;
	list->clients = clients;
	clients[list->count] = *client;
	clients[list->count++].shared = shared;
	return true;
}

static bool read_file(struct client_list *list, const char *pid, const char *fd)
{
	struct client client = { .pid = (pid_t)atol(pid) };
	char text[4096];

	if (tree_read_all(text, sizeof(text), "/proc/%s/fdinfo/%s", pid, fd) <= 0 ||
	    !parse_fdinfo(&client, text))
		return true;
	name_process(&client, pid);
	return list_add(list, &client);
}

/* Thousands of files are open on a machine: only names are looked at, one call for each. */
static bool read_process(struct client_list *list, const char *pid)
{
	char path[TREE_PATH], target[64];
	struct dirent *entry;
	bool good = true;
	ssize_t n;
	DIR *dir;

	tree_path(path, sizeof(path), "/proc/%s/fd", pid);
	dir = opendir(path);
	if (!dir) {
		if (errno == EACCES || errno == EPERM)
			list->complete = false;
		return true;
	}
	while (good && (entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);
		target[n > 0 ? n : 0] = '\0';
		if (strstr(target, "/accel"))
			good = read_file(list, pid, entry->d_name);
	}
	closedir(dir);
	return good;
}

bool client_list_read(struct client_list *list)
{
	size_t count, i;
	bool good = true;
	char **pids;

	*list = (struct client_list){ .complete = true };
	/* Sorted: who has a file first is who opened it, also where directories have another order. */
	count = tree_list(&pids, "/proc");
	for (i = 0; i < count && good; i++) {
		if (isdigit((unsigned char)pids[i][0]))
			good = read_process(list, pids[i]);
	}
	free(pids);
	if (!good) {
		fprintf(stderr, "gaon: no memory for the list of processes\n");
		client_list_free(list);
	}
	return good;
}

void client_list_free(struct client_list *list)
{
	free(list->clients);
	*list = (struct client_list){ 0 };
}

static double part(uint64_t now, uint64_t before, uint64_t passed, uint32_t engines)
{
	double part;

	if (now <= before || !passed)
		return 0;
	part = (double)(now - before) / ((double)passed * (engines ? engines : 1));
	return part < 1 ? part : 1;
}

struct client_use client_use(const struct client *now, const struct client_list *before)
{
	struct client_use use = { 0 };

	for (size_t i = 0; i < before->count; i++) {
		const struct client *then = &before->clients[i];
		uint64_t passed = now->total_cycles - then->total_cycles;

		if (then->id != now->id || then->pid != now->pid || strcmp(then->address, now->address) ||
		    now->total_cycles < then->total_cycles)
			continue;
		use.core = part(now->core_cycles, then->core_cycles, passed, now->cores);
		use.copy = part(now->copy_cycles, then->copy_cycles, passed, now->copies);
	}
	return use;
}
