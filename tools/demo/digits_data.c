// SPDX-License-Identifier: MIT
/* Images and labels: parsing, shuffling, splitting. */
#include "digits.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES_MAX	1000000u
#define FILE_MAX	(256ul << 20)

static const char digits_csv[] = {
#embed "digits.csv"
};

/* splitmix64 */
uint64_t digits_random_next(struct digits_random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

uint32_t digits_random_below(struct digits_random *random, uint32_t n)
{
	return (uint32_t)((digits_random_next(random) >> 32) * n >> 32);
}

float digits_random_signed(struct digits_random *random)
{
	return (float)(int64_t)(digits_random_next(random) >> 40) * 0x1p-23f - 1.0f;
}

/* A number of at most two digits before @stop. */
static bool parse_number(const char **at, const char *end, char stop, int *value)
{
	const char *p = *at;
	int v = 0, digits = 0;

	for (; p < end && *p >= '0' && *p <= '9' && digits < 3; p++, digits++)
		v = v * 10 + (*p - '0');
	if (!digits || digits > 2 || p == end || *p != stop)
		return false;
	*at = p + 1;
	*value = v;
	return true;
}

static bool parse_line(const char **at, const char *end, float *pixels, int32_t *label)
{
	int value;

	for (int i = 0; i < DIGITS_PIXELS; i++) {
		if (!parse_number(at, end, ',', &value) || value > DIGITS_DEPTH)
			return false;
		pixels[i] = (float)value / DIGITS_DEPTH;
	}
	if (!parse_number(at, end, '\n', &value) || value >= DIGITS_CLASSES)
		return false;
	*label = value;
	return true;
}

bool digits_set_parse(struct digits_set *set, const char *text, size_t length, char *error,
		      size_t error_size)
{
	const char *at = text, *end = text + length;
	uint32_t lines = 0;

	memset(set, 0, sizeof(*set));
	for (size_t i = 0; i < length && lines <= IMAGES_MAX; i++)
		lines += text[i] == '\n';
	if (!lines || lines > IMAGES_MAX) {
		snprintf(error, error_size, "%u images; 1 to %u are possible", lines, IMAGES_MAX);
		return false;
	}
	set->pixels = calloc(lines, sizeof(*set->pixels));
	set->labels = calloc(lines, sizeof(*set->labels));
	if (!set->pixels || !set->labels) {
		snprintf(error, error_size, "out of memory");
		goto err;
	}
	for (; set->count < lines; set->count++)
		if (!parse_line(&at, end, set->pixels[set->count], &set->labels[set->count])) {
			snprintf(error, error_size,
				 "line %u: 64 pixels of 0 to 16 and a digit are expected",
				 set->count + 1);
			goto err;
		}
	return true;

err:
	digits_set_free(set);
	return false;
}

bool digits_set_builtin(struct digits_set *set, char *error, size_t error_size)
{
	return digits_set_parse(set, digits_csv, sizeof(digits_csv), error, error_size);
}

bool digits_set_load(struct digits_set *set, const char *path, char *error, size_t error_size)
{
	size_t length = 0, room = 0, got = 1;
	FILE *file = fopen(path, "rb");
	char *text = NULL;
	bool ok = false;

	memset(set, 0, sizeof(*set));
	while (file && got && length < FILE_MAX) {
		if (length == room) {
			char *grown = realloc(text, room = room * 2 + 65536);

			if (!grown)
				break;
			text = grown;
		}
		got = fread(text + length, 1, room - length, file);
		length += got;
	}
	if (!file || ferror(file) || got)
		snprintf(error, error_size, "%s", file && !ferror(file) ? "file is too large" :
							strerror(errno));
	else
		ok = digits_set_parse(set, text, length, error, error_size);
	free(text);
	if (file)
		fclose(file);
	return ok;
}

void digits_set_shuffle(struct digits_set *set, struct digits_random *random)
{
	for (uint32_t i = set->count; i > 1; i--) {
		uint32_t j = digits_random_below(random, i);
		float pixels[DIGITS_PIXELS];
		int32_t label = set->labels[j];

		memcpy(pixels, set->pixels[j], sizeof(pixels));
		memcpy(set->pixels[j], set->pixels[i - 1], sizeof(pixels));
		memcpy(set->pixels[i - 1], pixels, sizeof(pixels));
		set->labels[j] = set->labels[i - 1];
		set->labels[i - 1] = label;
	}
}

/* The pixel of @image at a place between pixels; all around it is blank. */
static float pixel_between(const float *image, float x, float y)
{
	float left = floorf(x), top = floorf(y), sum = 0;

	for (int i = 0; i < 4; i++) {
		int column = (int)left + (i & 1), row = (int)top + (i >> 1);
		float near_x = 1.0f - fabsf(x - (float)column), near_y = 1.0f - fabsf(y - (float)row);

		if (column >= 0 && column < DIGITS_EDGE && row >= 0 && row < DIGITS_EDGE)
			sum += near_x * near_y * image[row * DIGITS_EDGE + column];
	}
	return sum;
}

void digits_set_vary(struct digits_set *to, const struct digits_set *from, float shift, float turn,
		     struct digits_random *random)
{
	const float centre = (DIGITS_EDGE - 1) / 2.0f;

	for (uint32_t i = 0; i < from->count; i++) {
		float dx = shift * digits_random_signed(random), dy = shift * digits_random_signed(random);
		float angle = turn * digits_random_signed(random), c = cosf(angle), s = sinf(angle);

		for (uint32_t p = 0; p < DIGITS_PIXELS; p++) {
			float x = (float)(p % DIGITS_EDGE) - centre, y = (float)(p / DIGITS_EDGE) - centre;

			to->pixels[i][p] = pixel_between(from->pixels[i], centre + c * x - s * y + dx,
							 centre + s * x + c * y + dy);
		}
		to->labels[i] = from->labels[i];
	}
}

bool digits_set_split(struct digits_set *set, uint32_t count, struct digits_set *tail)
{
	uint32_t rest = set->count - count;

	tail->count = count;
	tail->pixels = malloc(count * sizeof(*tail->pixels));
	tail->labels = malloc(count * sizeof(*tail->labels));
	if (!tail->pixels || !tail->labels) {
		digits_set_free(tail);
		return false;
	}
	memcpy(tail->pixels, set->pixels + rest, count * sizeof(*tail->pixels));
	memcpy(tail->labels, set->labels + rest, count * sizeof(*tail->labels));
	set->count = rest;
	return true;
}

void digits_set_free(struct digits_set *set)
{
	free(set->pixels);
	free(set->labels);
	memset(set, 0, sizeof(*set));
}
