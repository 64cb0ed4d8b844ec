/* SPDX-License-Identifier: MIT */
/* A rectangle of characters with looks, which a terminal shows or a file takes as text. */
#ifndef GAON_TOOLS_CANVAS_H
#define GAON_TOOLS_CANVAS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <wchar.h>

enum look {
	LOOK_PLAIN, LOOK_BOLD, LOOK_DIM, LOOK_TITLE, LOOK_SELECTED, LOOK_GOOD, LOOK_NOTE, LOOK_BAD,
	LOOK_CORE, LOOK_COPY, LOOK_MEMORY, LOOKS,
};

struct canvas {
	int rows, columns;
	bool ascii;			/* the terminal knows nothing else */
	struct cell {
		wchar_t character;
		enum look look;
	} *cells;
};

/* Blank; false without memory. canvas_free() frees, also what is all zero. */
bool canvas_make(struct canvas *canvas, int rows, int columns, bool ascii);
void canvas_free(struct canvas *canvas);

/*
 * What lies outside is left out. Returns the column behind the text. Text that is not of the canvas's own
 * making may have anything in it: what cannot be printed is '?'.
 */
int canvas_text(struct canvas *canvas, int row, int column, enum look look, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
/* One look for @columns of a row, whatever stands there. */
void canvas_look(struct canvas *canvas, int row, int column, int columns, enum look look);
/* "[||||||      ]" of @columns; @part is 0 to 1. */
void canvas_bar(struct canvas *canvas, int row, int column, int columns, double part, enum look look);
/* Values 0 to 1, the last at the right end; negative ones are gaps. @height rows from @row down. */
void canvas_graph(struct canvas *canvas, int row, int column, int height, int columns, const float *values,
		  int count, enum look look);

/* As lines of text without looks, blanks at their ends left out; @rows of it. */
void canvas_print(const struct canvas *canvas, int rows, FILE *out);

#endif
