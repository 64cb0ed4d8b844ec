// SPDX-License-Identifier: MIT
/* See file.h. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_MOST	4096

static bool write_all(int fd, const char *data, size_t size)
{
	ssize_t n;

	while (size) {
		n = write(fd, data, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		data += n;
		size -= (size_t)n;
	}
	return true;
}

bool file_replace(const char *path, const void *data, size_t size, mode_t mode)
{
	char part[PATH_MOST];
	bool good;
	int fd, err;

	if (snprintf(part, sizeof(part), "%s.XXXXXX", path) >= (int)sizeof(part)) {
		fprintf(stderr, "gaon: the name '%.60s...' is too long\n", path);
		return false;
	}
	fd = mkostemp(part, O_CLOEXEC);
	if (fd < 0) {
		fprintf(stderr, "gaon: %s cannot be made: %s\n", path, strerror(errno));
		return false;
	}
	good = write_all(fd, data, size) && !fchmod(fd, mode) && !fsync(fd);
	err = errno;
	if (close(fd) && good) {
		good = false;
		err = errno;
	}
	if (good && !rename(part, path))
		return true;
	err = good ? errno : err;
	unlink(part);
	fprintf(stderr, "gaon: %s cannot be written: %s; it is as it was\n", path, strerror(err));
	return false;
}

void *file_read(const char *path, size_t most, size_t *size)
{
	FILE *file = fopen(path, "rbe");
	char *data;

	if (!file) {
		fprintf(stderr, "gaon: %s cannot be opened: %s\n", path, strerror(errno));
		return NULL;
	}
	data = malloc(most + 1);
	*size = data ? fread(data, 1, most + 1, file) : 0;
	if (!data || ferror(file) || *size > most) {
		if (*size > most)
			fprintf(stderr, "gaon: %s has more than the %zu bytes that are possible\n", path, most);
		else
			fprintf(stderr, "gaon: %s cannot be read: %s\n", path, strerror(errno));
		free(data);
		data = NULL;
	}
	fclose(file);
	return data;
}
