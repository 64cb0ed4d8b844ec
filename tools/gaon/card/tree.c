// SPDX-License-Identifier: MIT
/* See tree.h. Contents of files are not trusted: lengths and numbers are bounded here. */
#include "tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAMES_MAX	65536

static char root_dir[512];

bool tree_set_root(const char *root)
{
	struct stat st;
	size_t n;

	if (!root || !*root)
		return true;
	n = strlen(root);
	while (n > 1 && root[n - 1] == '/')
		n--;
	if (n >= sizeof(root_dir)) {
		fprintf(stderr, "gaon: --root: the path has %zu characters, at most %zu are possible\n", n,
			sizeof(root_dir) - 1);
		return false;
	}
	if (stat(root, &st) || !S_ISDIR(st.st_mode)) {
		fprintf(stderr, "gaon: --root %s: %s; `gaon record-tree DIR` makes such a directory\n", root,
			errno && errno != ENOTDIR ? strerror(errno) : "no directory");
		return false;
	}
	memcpy(root_dir, root, n);
	root_dir[n] = '\0';
	return true;
}

bool tree_is_recorded(void)
{
	return root_dir[0] != '\0';
}

static bool path_v(char *out, size_t size, const char *fmt, va_list ap)
{
	int head = snprintf(out, size, "%s", root_dir), tail;

	if (head >= 0 && (size_t)head < size) {
		tail = vsnprintf(out + head, size - (size_t)head, fmt, ap);
		if (tail >= 0 && (size_t)head + (size_t)tail < size)
			return true;
	}
	out[0] = '\0';
	errno = ENAMETOOLONG;
	return false;
}

bool tree_path(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;
	bool good;

	va_start(ap, fmt);
	good = path_v(out, size, fmt, ap);
	va_end(ap);
	return good;
}

/* A recorded tree may hold anything under a name: nothing is waited for. */
static long read_path(const char *path, char *out, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t used = 0;
	ssize_t got = 0;
	int err;

	out[0] = '\0';
	if (fd < 0)
		return -1;
	while (used < size - 1 && (got = read(fd, out + used, size - 1 - used)) > 0)
		used += (size_t)got;
	err = errno;
	close(fd);
	out[used] = '\0';
	if (got < 0 && !used) {
		errno = err;
		return -1;
	}
	return (long)used;
}

long tree_read_all(char *out, size_t size, const char *fmt, ...)
{
	char path[TREE_PATH];
	va_list ap;
	bool good;

	va_start(ap, fmt);
	good = path_v(path, sizeof(path), fmt, ap);
	va_end(ap);
	out[0] = '\0';
	return good ? read_path(path, out, size) : -1;
}

static bool line_v(char *out, size_t size, const char *fmt, va_list ap)
{
	char path[TREE_PATH];

	out[0] = '\0';
	if (!path_v(path, sizeof(path), fmt, ap) || read_path(path, out, size) < 0)
		return false;
	out[strcspn(out, "\n")] = '\0';
	for (char *c = out; *c; c++) {
		/* It may be printed on a terminal. */
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = '?';
	}
	return out[0] != '\0';
}

bool tree_read_line(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;
	bool good;

	va_start(ap, fmt);
	good = line_v(out, size, fmt, ap);
	va_end(ap);
	return good;
}

bool tree_read_number(int64_t *out, int64_t min, int64_t max, const char *fmt, ...)
{
	char text[32], *end;
	long long value;
	va_list ap;
	bool good;

	va_start(ap, fmt);
	good = line_v(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (!good)
		return false;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || end == text || *end || value < min || value > max)
		return false;
	*out = value;
	return true;
}

static bool target_v(char target[TREE_PATH], const char *fmt, va_list ap)
{
	char path[TREE_PATH];
	ssize_t n = -1;

	if (path_v(path, sizeof(path), fmt, ap))
		n = readlink(path, target, TREE_PATH - 1);
	target[n > 0 ? n : 0] = '\0';
	return n > 0;
}

bool tree_read_target(char *out, size_t size, const char *fmt, ...)
{
	char target[TREE_PATH];
	va_list ap;
	bool good;

	va_start(ap, fmt);
	good = target_v(target, fmt, ap) && strlen(target) < size;
	va_end(ap);
	snprintf(out, size, "%s", good ? target : "");
	return good;
}

bool tree_read_link(char *out, size_t size, const char *fmt, ...)
{
	char target[TREE_PATH];
	const char *last;
	va_list ap;

	va_start(ap, fmt);
	target_v(target, fmt, ap);
	va_end(ap);
	last = strrchr(target, '/');
	snprintf(out, size, "%.*s", (int)size - 1, last ? last + 1 : target);
	return out[0] != '\0';
}

bool tree_exists(const char *fmt, ...)
{
	char path[TREE_PATH];
	struct stat st;
	va_list ap;
	bool good;

	va_start(ap, fmt);
	good = path_v(path, sizeof(path), fmt, ap);
	va_end(ap);
	return good && !lstat(path, &st);
}

static int by_version(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

size_t tree_list(char ***names, const char *fmt, ...)
{
	char path[TREE_PATH];
	struct dirent **entries = NULL;
	size_t count = 0, bytes = 0;
	int n = -1, i;
	va_list ap;
	char *text;

	*names = NULL;
	va_start(ap, fmt);
	if (path_v(path, sizeof(path), fmt, ap))
		n = scandir(path, &entries, NULL, NULL);
	va_end(ap);
	if (n <= 0)
		return 0;
	for (i = 0; i < n && i < NAMES_MAX; i++)
		bytes += sizeof(**names) + strlen(entries[i]->d_name) + 1;
	*names = malloc(bytes);
	text = *names ? (char *)(*names + (n < NAMES_MAX ? n : NAMES_MAX)) : NULL;
	for (i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;

		if (*names && i < NAMES_MAX && strcmp(name, ".") && strcmp(name, "..")) {
			(*names)[count++] = text;
			text = stpcpy(text, name) + 1;
		}
		free(entries[i]);
	}
	free(entries);
	if (count)
		qsort(*names, count, sizeof(**names), by_version);
	return count;
}
