// SPDX-License-Identifier: MIT
/*
 * A network of one hidden layer.  Every product, activation, loss, gradient and update is a launch
 * on the device; the host sends images in the order of the pass and reads a loss back.
 *
 * All weights lie in one buffer, gradients and velocities in two of the same layout, so that one
 * launch updates everything:  w1[64][h]  b1[h]  w2[h][10]  b2[10]
 */
#include "digits.h"

#include <math.h>
#include <stdlib.h>

#define TIMEOUT_NS	60000000000ull
#define TRY(call)									\
	do {										\
		status = (call);							\
		if (status)								\
			return status;							\
	} while (0)

struct digits_net {
	struct digits_shape shape;
	uint32_t images;		/* room of the buffers below */
	uint32_t parameters;
	uint32_t b1, w2, b2;		/* offsets of the parts, in elements */
	struct gaon_device *dev;
	struct gaon_ops *ops;
	struct gaon_stream *stream;
	struct gaon_event *start, *end;
	struct gaon_mem *weights, *velocity, *gradient;
	struct gaon_mem *pixels, *labels, *losses, *predictions;
	struct gaon_mem *hidden, *hidden_grad, *output;
};

static enum gaon_status net_alloc(struct digits_net *net, struct gaon_mem **mem, uint64_t elements)
{
	return gaon_mem_alloc(net->dev, elements * sizeof(float), GAON_MEM_DEVICE, mem);
}

static enum gaon_status net_alloc_all(struct digits_net *net)
{
	uint64_t images = net->images, hidden = net->shape.hidden;
	enum gaon_status status;

	TRY(net_alloc(net, &net->weights, net->parameters));
	TRY(net_alloc(net, &net->velocity, net->parameters));
	TRY(net_alloc(net, &net->gradient, net->parameters));
	TRY(net_alloc(net, &net->pixels, images * DIGITS_PIXELS));
	TRY(net_alloc(net, &net->labels, images));
	TRY(net_alloc(net, &net->losses, images + 1));
	TRY(net_alloc(net, &net->predictions, images));
	TRY(net_alloc(net, &net->hidden, images * hidden));
	TRY(net_alloc(net, &net->hidden_grad, net->shape.batch * hidden));
	return net_alloc(net, &net->output, images * DIGITS_CLASSES);
}

/* Uniform, as wide as keeps the variance of activations through a rectifier; biases are zero. */
static enum gaon_status net_init_weights(struct digits_net *net, struct digits_random *random)
{
	float *w = calloc(net->parameters, sizeof(*w));
	float wide1 = sqrtf(6.0f / DIGITS_PIXELS), wide2 = sqrtf(6.0f / (float)net->shape.hidden);
	enum gaon_status status;

	if (!w)
		return GAON_ERROR_OUT_OF_MEMORY;
	for (uint32_t i = 0; i < net->b1; i++)
		w[i] = wide1 * digits_random_signed(random);
	for (uint32_t i = net->w2; i < net->b2; i++)
		w[i] = wide2 * digits_random_signed(random);
	status = gaon_mem_write(net->dev, gaon_mem_va(net->weights), w,
				net->parameters * sizeof(*w));
	free(w);
	return status;
}

static enum gaon_status net_setup(struct digits_net *net, struct digits_random *random)
{
	enum gaon_status status;

	TRY(gaon_ops_create(net->dev, &net->ops));
	TRY(gaon_stream_create(net->dev, NULL, &net->stream));
	TRY(gaon_event_create(net->dev, GAON_EVENT_TIMED, &net->start));
	TRY(gaon_event_create(net->dev, GAON_EVENT_TIMED, &net->end));
	TRY(net_alloc_all(net));
	TRY(net_init_weights(net, random));
	TRY(gaon_ops_fill(net->ops, net->stream, gaon_mem_va(net->velocity), net->parameters, 0));
	return gaon_event_record(net->stream, net->start);
}

enum gaon_status digits_net_create(struct gaon_device *dev, const struct digits_shape *shape,
				   uint32_t images, struct digits_random *random,
				   struct digits_net **out)
{
	struct digits_net *net = calloc(1, sizeof(*net));
	enum gaon_status status;

	if (!net)
		return GAON_ERROR_OUT_OF_MEMORY;
	net->shape = *shape;
	net->images = images;
	net->dev = dev;
	net->b1 = DIGITS_PIXELS * shape->hidden;
	net->w2 = net->b1 + shape->hidden;
	net->b2 = net->w2 + shape->hidden * DIGITS_CLASSES;
	net->parameters = net->b2 + DIGITS_CLASSES;
	status = net_setup(net, random);
	if (status) {
		digits_net_destroy(net);
		return status;
	}
	*out = net;
	return GAON_OK;
}

void digits_net_destroy(struct digits_net *net)
{
	struct gaon_mem *mems[] = { net->weights, net->velocity, net->gradient, net->pixels,
				    net->labels, net->losses, net->predictions, net->hidden,
				    net->hidden_grad, net->output };

	for (unsigned int i = 0; i < sizeof(mems) / sizeof(mems[0]); i++)
		if (mems[i])
			gaon_mem_free(mems[i]);
	if (net->start)
		gaon_event_destroy(net->start);
	if (net->end)
		gaon_event_destroy(net->end);
	if (net->stream)
		gaon_stream_destroy(net->stream);
	gaon_ops_destroy(net->ops);
	free(net);
}

static uint64_t part(const struct gaon_mem *mem, uint64_t element)
{
	return gaon_mem_va((struct gaon_mem *)mem) + element * sizeof(float);
}

/* c[m][n] = a b, either transposed; f32 */
static enum gaon_status product(struct digits_net *net, uint64_t c, uint64_t a, bool trans_a,
				uint64_t b, bool trans_b, const uint32_t size[3])
{
	struct gaon_ops_gemm g = {
		.size = sizeof(g),
		.a = a, .b = b, .c = c,
		.m = size[0], .n = size[1], .k = size[2],
		.type_a = GAON_TYPE_F32, .type_b = GAON_TYPE_F32, .type_c = GAON_TYPE_F32,
		.trans_a = trans_a, .trans_b = trans_b,
	};

	return gaon_ops_gemm(net->ops, net->stream, &g);
}

/* hidden = relu(x w1 + b1), output = hidden w2 + b2, for images [at, at + count) */
static enum gaon_status forward(struct digits_net *net, uint32_t at, uint32_t count)
{
	uint32_t hidden = net->shape.hidden;
	uint64_t h = part(net->hidden, 0), y = part(net->output, 0);
	enum gaon_status status;

	TRY(product(net, h, part(net->pixels, (uint64_t)at * DIGITS_PIXELS), false,
		    part(net->weights, 0), false,
		    (uint32_t[3]){ count, hidden, DIGITS_PIXELS }));
	TRY(gaon_ops_bias(net->ops, net->stream, GAON_OPS_RELU, h, h, part(net->weights, net->b1),
			  count, hidden));
	TRY(product(net, y, h, false, part(net->weights, net->w2), false,
		    (uint32_t[3]){ count, DIGITS_CLASSES, hidden }));
	return gaon_ops_bias(net->ops, net->stream, GAON_OPS_COPY, y, y,
			     part(net->weights, net->b2), count, DIGITS_CLASSES);
}

/* Gradients of all weights from the loss of the batch, and the update. */
static enum gaon_status backward(struct digits_net *net, uint32_t at, uint32_t count, float rate)
{
	uint32_t hidden = net->shape.hidden;
	uint64_t h = part(net->hidden, 0), dh = part(net->hidden_grad, 0);
	uint64_t y = part(net->output, 0);	/* becomes its own gradient */
	enum gaon_status status;

	TRY(gaon_ops_cross_entropy(net->ops, net->stream, part(net->losses, at), y, y,
				   part(net->labels, at), count, DIGITS_CLASSES,
				   1.0f / (float)count));
	TRY(product(net, part(net->gradient, net->w2), h, true, y, false,
		    (uint32_t[3]){ hidden, DIGITS_CLASSES, count }));
	TRY(gaon_ops_reduce_columns(net->ops, net->stream, GAON_OPS_SUM,
				    part(net->gradient, net->b2), y, count, DIGITS_CLASSES, 1));
	TRY(product(net, dh, y, false, part(net->weights, net->w2), true,
		    (uint32_t[3]){ count, hidden, DIGITS_CLASSES }));
	TRY(gaon_ops_binary(net->ops, net->stream, GAON_OPS_RELU_GRAD, dh, dh, h,
			    (uint64_t)count * hidden));
	TRY(product(net, part(net->gradient, 0), part(net->pixels, (uint64_t)at * DIGITS_PIXELS),
		    true, dh, false, (uint32_t[3]){ DIGITS_PIXELS, hidden, count }));
	TRY(gaon_ops_reduce_columns(net->ops, net->stream, GAON_OPS_SUM,
				    part(net->gradient, net->b1), dh, count, hidden, 1));
	return gaon_ops_sgd(net->ops, net->stream, part(net->weights, 0), part(net->velocity, 0),
			    part(net->gradient, 0), net->parameters, rate, net->shape.momentum,
			    net->shape.decay);
}

static enum gaon_status send(struct digits_net *net, const struct digits_set *set)
{
	enum gaon_status status;

	if (set->count > net->images)
		return GAON_ERROR_INVALID_ARGUMENT;
	TRY(gaon_mem_write_async(net->stream, part(net->pixels, 0), set->pixels,
				 set->count * sizeof(*set->pixels)));
	return gaon_mem_write_async(net->stream, part(net->labels, 0), set->labels,
				    set->count * sizeof(*set->labels));
}

enum gaon_status digits_net_train(struct digits_net *net, const struct digits_set *train,
				  float rate, float *loss)
{
	uint64_t mean = part(net->losses, net->images);
	enum gaon_status status;

	TRY(send(net, train));
	for (uint32_t at = 0; at < train->count; at += net->shape.batch) {
		uint32_t left = train->count - at;
		uint32_t count = left < net->shape.batch ? left : net->shape.batch;

		TRY(forward(net, at, count));
		TRY(backward(net, at, count, rate));
	}
	TRY(gaon_ops_reduce_rows(net->ops, net->stream, GAON_OPS_SUM, mean, part(net->losses, 0), 1,
				 train->count, 1.0f / (float)train->count));
	TRY(gaon_stream_wait(net->stream, TIMEOUT_NS));
	return gaon_mem_read(net->dev, loss, mean, sizeof(*loss));
}

enum gaon_status digits_net_predict(struct digits_net *net, const struct digits_set *set,
				    int32_t *predictions)
{
	enum gaon_status status;

	TRY(send(net, set));
	TRY(forward(net, 0, set->count));
	TRY(gaon_ops_reduce_rows(net->ops, net->stream, GAON_OPS_ARGMAX, part(net->predictions, 0),
				 part(net->output, 0), set->count, DIGITS_CLASSES, 1));
	TRY(gaon_event_record(net->stream, net->end));
	TRY(gaon_stream_wait(net->stream, TIMEOUT_NS));
	return gaon_mem_read(net->dev, predictions, part(net->predictions, 0),
			     set->count * sizeof(*predictions));
}

static int32_t predict_one(const struct digits_net *net, const float *w, const float *x,
			   double *hidden)
{
	double best = -INFINITY;
	int32_t digit = 0;

	for (uint32_t j = 0; j < net->shape.hidden; j++) {
		double sum = w[net->b1 + j];

		for (uint32_t i = 0; i < DIGITS_PIXELS; i++)
			sum += (double)x[i] * w[i * net->shape.hidden + j];
		hidden[j] = sum > 0 ? sum : 0;
	}
	for (int32_t c = 0; c < DIGITS_CLASSES; c++) {
		double sum = w[net->b2 + c];

		for (uint32_t j = 0; j < net->shape.hidden; j++)
			sum += hidden[j] * w[net->w2 + j * DIGITS_CLASSES + c];
		if (sum > best) {
			best = sum;
			digit = c;
		}
	}
	return digit;
}

enum gaon_status digits_net_predict_host(struct digits_net *net, const struct digits_set *set,
					 int32_t *predictions)
{
	double *hidden = malloc(net->shape.hidden * sizeof(*hidden));
	float *w = malloc(net->parameters * sizeof(*w));
	enum gaon_status status = GAON_ERROR_OUT_OF_MEMORY;

	if (w && hidden)
		status = gaon_mem_read(net->dev, w, part(net->weights, 0),
				       net->parameters * sizeof(*w));
	for (uint32_t i = 0; i < set->count && !status; i++)
		predictions[i] = predict_one(net, w, set->pixels[i], hidden);
	free(w);
	free(hidden);
	return status;
}

enum gaon_status digits_net_device_ns(struct digits_net *net, int64_t *ns)
{
	return gaon_event_elapsed(net->start, net->end, ns, NULL);
}

const char *digits_net_error(enum gaon_status status)
{
	const struct gaon_error *error = gaon_last_error();

	if (error->status == status && error->text && error->text[0])
		return error->text;
	return gaon_ops_last_error()[0] ? gaon_ops_last_error() : gaon_status_name(status);
}
