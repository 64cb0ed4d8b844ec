// SPDX-License-Identifier: MIT
/* Images and progress as text. */
#include "digits.h"

#define PER_ROW		6
#define GREY_FIRST	232	/* of the 256-colour palette: 24 shades */
#define GREYS		24
#define BAR		40

static void show_pixel(FILE *out, float value, bool colour)
{
	static const char shades[] = " .:-=+*#%@";

	if (colour)
		fprintf(out, "\033[48;5;%dm  ", GREY_FIRST + (int)(value * (GREYS - 1) + 0.5f));
	else
		fprintf(out, "%c%c", shades[(int)(value * 9 + 0.5f)], shades[(int)(value * 9 + 0.5f)]);
}

static void show_label(FILE *out, int32_t truth, int32_t predicted, bool colour)
{
	const char *mark = truth == predicted ? "  " : " !";

	if (colour)
		fprintf(out, "\033[%dm", truth == predicted ? 32 : 31);
	fprintf(out, "true %d, said %d%s", truth, predicted, mark);
	if (colour)
		fputs("\033[0m", out);
	fputs("   ", out);
}

static void show_row(FILE *out, const struct digits_set *set, const int32_t *predictions,
		     const uint32_t *which, uint32_t count, bool colour)
{
	for (int y = 0; y < DIGITS_EDGE; y++) {
		for (uint32_t i = 0; i < count; i++) {
			for (int x = 0; x < DIGITS_EDGE; x++)
				show_pixel(out, set->pixels[which[i]][y * DIGITS_EDGE + x], colour);
			fputs(colour ? "\033[0m   " : "   ", out);
		}
		fputc('\n', out);
	}
	for (uint32_t i = 0; i < count; i++)
		show_label(out, set->labels[which[i]], predictions[which[i]], colour);
	fputs("\n\n", out);
}

void digits_show(FILE *out, const struct digits_set *set, const int32_t *predictions,
		 const uint32_t *which, uint32_t count, bool colour)
{
	for (uint32_t at = 0; at < count; at += PER_ROW)
		show_row(out, set, predictions, which + at,
			 count - at < PER_ROW ? count - at : PER_ROW, colour);
}

void digits_show_progress(FILE *out, uint32_t done, uint32_t total, float loss)
{
	uint32_t full = total ? done * BAR / total : BAR;

	fputs("\r[", out);
	for (uint32_t i = 0; i < BAR; i++)
		fputc(i < full ? '#' : '.', out);
	fprintf(out, "] epoch %u/%u, loss %.4f", done, total, loss);
	if (done == total)
		fputc('\n', out);
	fflush(out);
}
