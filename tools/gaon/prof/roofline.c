// SPDX-License-Identifier: MIT
/*
 * Each kernel's place under the device's roofs, as SVG: matrix operations, counted as cycles in which arrays
 * worked, and instructions, over bytes of HBM that DMA and products moved. Scalar and vector accesses of
 * cores are
 * in no counter: a kernel that makes nothing else has no place, and is listed below.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "prof.h"

#define WIDTH		1100
#define PANEL_W		440
#define PANEL_H		360
#define PANEL_Y		60
#define KERNELS		64

struct spot {
	const char *name;
	double ns, matrix, hbm, instructions;
	bool placed;
};

/* Both axes are logarithmic. */
struct panel {
	int x;
	double x_min, x_max, y_min, y_max;	/* powers of ten */
	const char *title, *x_title, *y_title;
	double roof, slope;			/* 10^9 operations per second; 10^9 bytes per second */
	const char *roof_name;
	double (*operations)(const struct spot *s, const struct prof_device *d);
};

static const char *const colours[] = {
	"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#8c564b", "#e377c2", "#7f7f7f",
	"#bcbd22",
};

static double matrix_operations(const struct spot *s, const struct prof_device *d)
{
	return s->matrix * 2.0 * d->matrix_dim * d->matrix_dim;
}

static double instruction_operations(const struct spot *s, const struct prof_device *d)
{
	(void)d;
	return s->instructions;
}

/* --- what was counted ---------------------------------------------------------------------------------- */

static size_t spots_read(const struct prof_process *p, uint32_t device, struct spot spots[KERNELS])
{
	size_t count = 0;

	for (size_t i = 0; i < p->lists[PROF_OP].count; i++) {
		const struct prof_op *op = p->lists[PROF_OP].at[i];
		size_t at = 0;

		if (op->device != device || op->kind != PROF_LAUNCH || !op->counted)
			continue;
		while (at < count && strcmp(spots[at].name, prof_kernel_name(p, op->kernel)))
			at++;
		if (at == KERNELS)
			continue;
		if (at == count)
			spots[count++] = (struct spot){ .name = prof_kernel_name(p, op->kernel) };
		spots[at].ns += prof_op_device_ns(p, op);
		spots[at].matrix += (double)op->matrix_busy;
		spots[at].hbm += (double)op->hbm_bytes;
		spots[at].instructions += (double)op->instructions;
	}
	return count;
}

static int spot_compare(const void *a, const void *b)
{
	const struct spot *x = a, *y = b;

	return (x->ns < y->ns) - (x->ns > y->ns);
}

/* --- drawing ------------------------------------------------------------------------------------------- */

static double at_x(const struct panel *p, double value)
{
	return p->x + (log10(value) - p->x_min) / (p->x_max - p->x_min) * PANEL_W;
}

static double at_y(const struct panel *p, double value)
{
	return PANEL_Y + PANEL_H - (log10(value) - p->y_min) / (p->y_max - p->y_min) * PANEL_H;
}

static void text_put(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '<' || *text == '>' || *text == '&')
			fprintf(out, "&#%d;", *text);
		else
			fputc(*text >= ' ' && *text < 0x7f ? *text : '?', out);
	}
}

static void power_put(FILE *out, double x, double y, int power, const char *anchor)
{
	fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-size=\"11\">10<tspan dy=\"-4\" "
		"font-size=\"8\">%d</tspan></text>\n", x, y, anchor, power);
}

static void axes_put(FILE *out, const struct panel *p)
{
	fprintf(out, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#333\"/>\n",
		p->x, PANEL_Y,
		PANEL_W, PANEL_H);
	for (int power = (int)ceil(p->x_min); power <= p->x_max; power++) {
		double x = at_x(p, pow(10, power));

		fprintf(out, "<line x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\" stroke=\"#ddd\"/>\n", x,
			PANEL_Y, x,
			PANEL_Y + PANEL_H);
		power_put(out, x, PANEL_Y + PANEL_H + 16, power, "middle");
	}
	for (int power = (int)ceil(p->y_min); power <= p->y_max; power++) {
		double y = at_y(p, pow(10, power));

		fprintf(out, "<line x1=\"%d\" y1=\"%.1f\" x2=\"%d\" y2=\"%.1f\" stroke=\"#ddd\"/>\n", p->x, y,
			p->x + PANEL_W, y);
		power_put(out, p->x - 6, y + 4, power, "end");
	}
	fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" font-weight=\"bold\">%s</text>\n",
		p->x + PANEL_W / 2, PANEL_Y - 12, p->title);
	fprintf(out, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", p->x + PANEL_W / 2,
		PANEL_Y + PANEL_H + 36, p->x_title);
	fprintf(out, "<text transform=\"translate(%d %d) rotate(-90)\" text-anchor=\"middle\">%s</text>\n",
		p->x - 36,
		PANEL_Y + PANEL_H / 2, p->y_title);
}

/* Memory's slope up to the ridge, then what the units can do. */
static void roof_put(FILE *out, const struct panel *p)
{
	double ridge = p->roof / p->slope, left = pow(10, p->x_min), right = pow(10, p->x_max);
	double low = p->slope * left, floor_y = pow(10, p->y_min);

	if (low < floor_y) {
		left = floor_y / p->slope;
		low = floor_y;
	}
	fprintf(out, "<polyline fill=\"none\" stroke=\"#000\" stroke-width=\"2\" "
		"points=\"%.1f,%.1f %.1f,%.1f %.1f,%.1f\"/>\n", at_x(p, left), at_y(p, low), at_x(p, ridge),
		at_y(p, p->roof), at_x(p, right), at_y(p, p->roof));
	fprintf(out, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\" font-size=\"11\">%s</text>\n",
		p->x + PANEL_W - 6, at_y(p, p->roof) - 6, p->roof_name);
	fprintf(out,
		"<text x=\"%.1f\" y=\"%.1f\" font-size=\"11\" text-anchor=\"end\">HBM %.0f GB/s</text>\n",
		at_x(p, sqrt(left * ridge)) - 8, at_y(p, sqrt(low * p->roof)), p->slope);
}

/* Axes that hold the ridge and every kernel. */
static void panel_fit(struct panel *p, const struct spot *spots, size_t count, const struct prof_device *d)
{
	double ridge = log10(p->roof / p->slope);

	p->x_min = floor(ridge) - 1;
	p->x_max = ceil(ridge) + 1;
	p->y_max = ceil(log10(p->roof) + 0.2);
	p->y_min = p->y_max - 3;
	for (size_t i = 0; i < count; i++) {
		double operations = p->operations(&spots[i], d), x, y;

		if (operations <= 0 || spots[i].hbm <= 0 || spots[i].ns <= 0)
			continue;
		x = log10(operations / spots[i].hbm);
		y = log10(operations / spots[i].ns);
		p->x_min = fmin(p->x_min, floor(x));
		p->x_max = fmax(p->x_max, ceil(x + 0.01));
		p->y_min = fmin(p->y_min, floor(y));
	}
}

static void panel_put(FILE *out, struct panel *p, struct spot *spots, size_t count,
		      const struct prof_device *d)
{
	panel_fit(p, spots, count, d);
	axes_put(out, p);
	roof_put(out, p);
	for (size_t i = 0; i < count; i++) {
		double operations = p->operations(&spots[i], d);

		if (operations <= 0 || spots[i].hbm <= 0 || spots[i].ns <= 0)
			continue;
		spots[i].placed = true;
		fprintf(out,
			"<circle cx=\"%.1f\" cy=\"%.1f\" r=\"5\" fill=\"%s\" fill-opacity=\"0.85\"><title>",
			at_x(p, operations / spots[i].hbm), at_y(p, operations / spots[i].ns),
			colours[i % (sizeof(colours) / sizeof(colours[0]))]);
		text_put(out, spots[i].name);
		fprintf(out, ": %.3g per byte, %.3g &#183; 10&#8313; per second</title></circle>\n",
			operations / spots[i].hbm,
			operations / spots[i].ns);
	}
}

static void legend_put(FILE *out, const struct spot *spots, size_t count, int y)
{
	for (size_t i = 0; i < count; i++) {
		int x = 90 + (int)(i % 3) * 340, row = y + (int)(i / 3) * 18;

		fprintf(out,
			"<circle cx=\"%d\" cy=\"%d\" r=\"5\" fill=\"%s\"/><text x=\"%d\" y=\"%d\" "
			"font-size=\"12\">", x,
			row, spots[i].placed ? colours[i % (sizeof(colours) / sizeof(colours[0]))] : "#fff",
			x + 10,
			row + 4);
		text_put(out, spots[i].name);
		fprintf(out, " (%.3g us%s)</text>\n", spots[i].ns * 1e-3, spots[i].placed ? "" :
			", no bytes counted");
	}
}

static int device_put(FILE *out, const struct prof_process *p, uint32_t device, int top)
{
	const struct prof_device *d = p->devices[device];
	double ghz = d->clock_khz * 1e-6;
	struct spot spots[KERNELS];
	size_t count = spots_read(p, device, spots);
	struct panel matrix = {
		.x = 80, .title = "Matrix operations", .x_title = "operations per byte of HBM",
		.y_title = "10&#8313; operations per second", .slope = d->hbm_mbps * 1e-3,
		.roof = 2.0 * d->matrix_dim * d->matrix_dim * d->matrix_arrays * d->cores * ghz,
		.roof_name = "matrix arrays", .operations = matrix_operations,
	};
	struct panel instructions = {
		.x = 80 + PANEL_W + 80, .title = "Instructions", .x_title = "instructions per byte of HBM",
		.y_title = "10&#8313; instructions per second", .slope = d->hbm_mbps * 1e-3, .roof =
		d->cores * ghz,
		.roof_name = "one a cycle and core", .operations = instruction_operations,
	};

	if (!count || !d->matrix_dim || !d->matrix_arrays || !d->cores || !d->hbm_mbps)
		return top;
	qsort(spots, count, sizeof(*spots), spot_compare);
	fprintf(out, "<g transform=\"translate(0 %d)\">\n<text x=\"80\" y=\"24\" font-size=\"15\">", top);
	text_put(out, d->name);
	fputs(", ", out);
	text_put(out, d->product);
	fputs("</text>\n", out);
	panel_put(out, &matrix, spots, count, d);
	panel_put(out, &instructions, spots, count, d);
	legend_put(out, spots, count, PANEL_Y + PANEL_H + 62);
	fputs("</g>\n", out);
	return top + PANEL_Y + PANEL_H + 80 + (int)((count + 2) / 3) * 18;
}

bool prof_write_roofline(const struct prof_trace *trace, const char *path)
{
	char part[4096], *body = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&body, &size);
	int height = 0;
	bool good = out;

	for (size_t i = 0; i < trace->count && good; i++)
		for (uint32_t d = 0; d < trace->processes[i].device_count; d++)
			if (trace->processes[i].devices[d])
				height = device_put(out, &trace->processes[i], d, height);
	if (out && fclose(out))
		good = false;
	if (good && !height) {
		fprintf(stderr,
			"gaon prof: %s: no launch was counted, so that there is no roofline to draw\n", path);
		free(body);
		return false;
	}
	snprintf(part, sizeof(part), "%s.%d.part", path, (int)getpid());
	out = good ? fopen(part, "we") : NULL;
	if (out) {
		fprintf(out,
			"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 "
			"0 %d %d\" "
			"font-family=\"sans-serif\" font-size=\"13\">\n<rect width=\"100%%\" "
			"height=\"100%%\" fill=\"#fff\"/>\n%s"
			"</svg>\n", WIDTH, height, WIDTH, height, body);
		good = !ferror(out);
		if (!fclose(out) && good && !rename(part, path)) {
			free(body);
			return true;
		}
		unlink(part);
	}
	fprintf(stderr, "gaon prof: %s: %s\n", path, strerror(errno));
	free(body);
	return false;
}
