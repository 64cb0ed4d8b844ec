/* SPDX-License-Identifier: MIT */
/* The handwritten-digits demonstration: data, network, what is shown. */
#ifndef GAON_DEMO_DIGITS_H
#define GAON_DEMO_DIGITS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <gaon/gaon.h>
#include <gaon/ops.h>

#define DIGITS_EDGE	8
#define DIGITS_PIXELS	(DIGITS_EDGE * DIGITS_EDGE)
#define DIGITS_CLASSES	10
#define DIGITS_DEPTH	16	/* largest pixel */

/* --- random numbers: the same everywhere for the same seed --------------------------------- */

struct digits_random {
	uint64_t state;
};

uint64_t digits_random_next(struct digits_random *random);
/* In [0, n), n > 0. */
uint32_t digits_random_below(struct digits_random *random, uint32_t n);
/* In [-1, 1). */
float digits_random_signed(struct digits_random *random);

/* --- data ------------------------------------------------------------------------------------ */

struct digits_set {
	uint32_t count;
	float (*pixels)[DIGITS_PIXELS];		/* 0 to 1 */
	int32_t *labels;
};

/* Parse the CSV text; false with a sentence in @error. */
bool digits_set_parse(struct digits_set *set, const char *text, size_t length, char *error,
		      size_t error_size);
/* The copy that is built into the program. */
bool digits_set_builtin(struct digits_set *set, char *error, size_t error_size);
bool digits_set_load(struct digits_set *set, const char *path, char *error, size_t error_size);
void digits_set_shuffle(struct digits_set *set, struct digits_random *random);
/*
 * The images of @from, each a little moved (by up to @shift pixels each way) and turned (by up to @turn
 * radians): a person would write it so the next time. @to has room for as many.
 */
void digits_set_vary(struct digits_set *to, const struct digits_set *from, float shift, float turn,
		     struct digits_random *random);
/* The last @count images move to @tail. False when out of memory. */
bool digits_set_split(struct digits_set *set, uint32_t count, struct digits_set *tail);
void digits_set_free(struct digits_set *set);

/* --- network --------------------------------------------------------------------------------- */

struct digits_shape {
	uint32_t hidden, batch;
	float rate, momentum, decay;
};

struct digits_net;	/* weights and everything else, on the device */

enum gaon_status digits_net_create(struct gaon_device *dev, const struct digits_shape *shape,
				   uint32_t images, struct digits_random *random,
				   struct digits_net **net);
void digits_net_destroy(struct digits_net *net);
/* One pass over @train in its present order; the mean loss to *@loss. @rate: of this pass. */
enum gaon_status digits_net_train(struct digits_net *net, const struct digits_set *train,
				  float rate, float *loss);
/* Predictions of the device for @set. */
enum gaon_status digits_net_predict(struct digits_net *net, const struct digits_set *set,
				    int32_t *predictions);
/* Predictions that the host computes from the same weights, in double precision. */
enum gaon_status digits_net_predict_host(struct digits_net *net, const struct digits_set *set,
					 int32_t *predictions);
/* Modelled (or the card's) nanoseconds of all work so far. */
enum gaon_status digits_net_device_ns(struct digits_net *net, int64_t *ns);
/* What a failed call was about, for people. */
const char *digits_net_error(enum gaon_status status);

/* --- terminal -------------------------------------------------------------------------------- */

/* Images @which[0..@count) of @set, five in a row; @colour: 24 shades of grey and marks. */
void digits_show(FILE *out, const struct digits_set *set, const int32_t *predictions,
		 const uint32_t *which, uint32_t count, bool colour);
/* Redraws one line; call with @done == @total last. */
void digits_show_progress(FILE *out, uint32_t done, uint32_t total, float loss);

#endif
