// SPDX-License-Identifier: MIT
/* See canvas.h. */
#include "canvas.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wctype.h>

static const wchar_t eighths[] = L" \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588";
static const wchar_t ascii_levels[] = L" ...::::#";	/* as dense as eighths are high */

bool canvas_make(struct canvas *canvas, int rows, int columns, bool ascii)
{
	*canvas = (struct canvas){ .rows = rows, .columns = columns, .ascii = ascii };
	canvas->cells = calloc((size_t)rows * (size_t)columns + 1, sizeof(*canvas->cells));
	if (!canvas->cells) {
		fprintf(stderr, "gaon: no memory for a screen of %d x %d\n", columns, rows);
		return false;
	}
	for (int i = 0; i < rows * columns; i++)
		canvas->cells[i].character = L' ';
	return true;
}

void canvas_free(struct canvas *canvas)
{
	free(canvas->cells);
	*canvas = (struct canvas){ 0 };
}

static void put(struct canvas *canvas, int row, int column, wchar_t character, enum look look)
{
	if (row >= 0 && row < canvas->rows && column >= 0 && column < canvas->columns)
		canvas->cells[row * canvas->columns + column] = (struct cell){ character, look };
}

/* Next character that takes one column; "?" stands for all others. */
static wchar_t next_character(const struct canvas *canvas, const char **text)
{
	mbstate_t state = { 0 };
	wchar_t character;
	size_t n = mbrtowc(&character, *text, strlen(*text), &state);

	if (n == (size_t)-1 || n == (size_t)-2 || n == 0) {
		(*text)++;
		return L'?';
	}
	*text += n;
	return wcwidth(character) == 1 && (!canvas->ascii || character < 128) ? character : L'?';
}

int canvas_text(struct canvas *canvas, int row, int column, enum look look, const char *fmt, ...)
{
	char text[1024];
	const char *at = text;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	while (*at)
		put(canvas, row, column++, next_character(canvas, &at), look);
	return column;
}

void canvas_look(struct canvas *canvas, int row, int column, int columns, enum look look)
{
	for (int c = column; c < column + columns; c++) {
		if (row >= 0 && row < canvas->rows && c >= 0 && c < canvas->columns)
			canvas->cells[row * canvas->columns + c].look = look;
	}
}

void canvas_bar(struct canvas *canvas, int row, int column, int columns, double part, enum look look)
{
	int inner = columns - 2, full = (int)(part * inner + 0.5);

	put(canvas, row, column, L'[', LOOK_DIM);
	put(canvas, row, column + columns - 1, L']', LOOK_DIM);
	for (int i = 0; i < inner; i++)
		put(canvas, row, column + 1 + i, i < full ? L'|' : L' ', look);
}

void canvas_graph(struct canvas *canvas, int row, int column, int height, int columns, const float *values,
		  int count, enum look look)
{
	const wchar_t *levels = canvas->ascii ? ascii_levels : eighths;

	for (int c = 0; c < columns; c++) {
		int i = count - columns + c, level;

		if (i < 0 || values[i] < 0)
			continue;
		level = (int)(values[i] * (float)height * 8 + 0.5f);
		/* A little is not nothing. */
		if (!level && values[i] > 0)
			level = 1;
		for (int r = 0; r < height && level > 0; r++, level -= 8)
			put(canvas, row + height - 1 - r, column + c, levels[level < 8 ? level : 8], look);
	}
}

void canvas_print(const struct canvas *canvas, int rows, FILE *out)
{
	for (int r = 0; r < rows && r < canvas->rows; r++) {
		const struct cell *cells = canvas->cells + r * canvas->columns;
		int last = canvas->columns;

		while (last && cells[last - 1].character == L' ')
			last--;
		for (int c = 0; c < last; c++)
			fprintf(out, "%lc", (wint_t)cells[c].character);
		fputc('\n', out);
	}
}
