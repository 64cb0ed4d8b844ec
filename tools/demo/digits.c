// SPDX-License-Identifier: MIT
/* gaon-demo-digits: train and test a classifier of handwritten digits on the accelerator. */
#include "digits.h"

#include <getopt.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define TEST_SHARE	5	/* one image in five is for the test */
#define VARY_SHIFT	0.5f	/* pixels and radians that a training image is moved by in a pass */
#define VARY_TURN	0.15f
#define SHOWN		6	/* test images drawn, and as many again of the mistakes */

struct options {
	const char *device, *data;
	uint64_t seed;
	uint32_t epochs;
	struct digits_shape shape;
	bool json;
};

struct result {
	struct gaon_device_info info;
	struct digits_set train, test;
	struct digits_set varied;	/* the images of train, each pass a little different */
	int32_t *predictions, *host;
	float *losses;
	uint32_t correct, disagree;
	int64_t device_ns;
	double wall;
};

static void usage(FILE *out)
{
	fputs("Usage: gaon-demo-digits [OPTION]...\n"
	      "Trains a network on images of handwritten digits, on the accelerator, and tests it on\n"
	      "images that it has not seen.\n\n"
	      "  --epochs=N      passes over the training images (1 to 10000; default 60)\n"
	      "  --seed=N        of the split, the weights, the order and the variations (default 1)\n"
	      "  --hidden=N      width of the hidden layer (1 to 4096; default 256)\n"
	      "  --batch=N       images per update (1 to 4096; default 64)\n"
	      "  --rate=X        learning rate at the start (default 0.1)\n"
	      "  --device=NAME   as gaon list prints it (default: GAON_DEVICE, else the first)\n"
	      "  --data=FILE     other images, in the format of digits.csv\n"
	      "  --json          the result as one JSON object\n"
	      "  --help          this text\n"
	      "  --version       version\n"
	      "\nExit status: 0 done; 1 failed, or host and device disagree; 2 wrong usage.\n",
	      out);
}

static bool parse_u64(const char *text, uint64_t least, uint64_t most, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*value = strtoull(text, &end, 0);
	return !*end && *value >= least && *value <= most;
}

static bool parse_rate(const char *text, float *rate)
{
	char *end;

	*rate = strtof(text, &end);
	return end != text && !*end && *rate > 0 && *rate < 100;
}

/* Returns -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "epochs", required_argument, NULL, 'e' }, { "seed", required_argument, NULL, 's' },
		{ "hidden", required_argument, NULL, 'w' }, { "batch", required_argument, NULL, 'b' },
		{ "rate", required_argument, NULL, 'r' }, { "device", required_argument, NULL, 'd' },
		{ "data", required_argument, NULL, 'f' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' }, { "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t value = 0;
	bool ok = true;
	int c;

	while (ok && (c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'e': ok = parse_u64(optarg, 1, 10000, &value); o->epochs = (uint32_t)value; break;
		case 's': ok = parse_u64(optarg, 0, UINT64_MAX, &o->seed); break;
		case 'w': ok = parse_u64(optarg, 1, 4096, &value); o->shape.hidden = (uint32_t)value; break;
		case 'b': ok = parse_u64(optarg, 1, 4096, &value); o->shape.batch = (uint32_t)value; break;
		case 'r': ok = parse_rate(optarg, &o->shape.rate); break;
		case 'd': o->device = optarg; break;
		case 'f': o->data = optarg; break;
		case 'j': o->json = true; break;
		case 'h': usage(stdout); return 0;
		case 'v': printf("gaon-demo-digits %s\n", gaon_version()); return 0;
		default: usage(stderr); return 2;
		}
		if (!ok)
			fprintf(stderr, "gaon-demo-digits: '%s' is out of range\n", optarg);
	}
	if (ok && optind < argc) {
		fprintf(stderr, "gaon-demo-digits: what is '%s'?\n", argv[optind]);
		ok = false;
	}
	return ok ? -1 : 2;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int fail(const char *what, enum gaon_status status)
{
	const struct gaon_error *error = gaon_last_error();

	fprintf(stderr, "gaon-demo-digits: %s: %s\n", what, digits_net_error(status));
	if (error->status == status && error->hint && error->hint[0])
		fprintf(stderr, "gaon-demo-digits: %s\n", error->hint);
	return 1;
}

static int load(const struct options *o, struct digits_random *random, struct result *r)
{
	char error[160] = "";
	bool ok = o->data ? digits_set_load(&r->train, o->data, error, sizeof(error)) :
			    digits_set_builtin(&r->train, error, sizeof(error));

	if (ok && r->train.count < TEST_SHARE) {
		snprintf(error, sizeof(error), "too few images");
		ok = false;
	}
	if (ok) {
		digits_set_shuffle(&r->train, random);
		ok = digits_set_split(&r->train, r->train.count / TEST_SHARE, &r->test);
	}
	if (ok) {
		r->predictions = calloc(r->test.count, sizeof(*r->predictions));
		r->host = calloc(r->test.count, sizeof(*r->host));
		r->losses = calloc(o->epochs, sizeof(*r->losses));
		r->varied.count = r->train.count;
		r->varied.pixels = calloc(r->train.count, sizeof(*r->varied.pixels));
		r->varied.labels = calloc(r->train.count, sizeof(*r->varied.labels));
		ok = r->predictions && r->host && r->losses && r->varied.pixels && r->varied.labels;
	}
	if (ok)
		return 0;
	fprintf(stderr, "gaon-demo-digits: %s: %s\n", o->data ? o->data : "images",
		error[0] ? error : "out of memory");
	return 1;
}

/* The rate falls in a straight line to a tenth, so that the last passes settle. */
static float epoch_rate(const struct options *o, uint32_t epoch)
{
	return o->shape.rate * (1.0f - 0.9f * (float)epoch / (float)o->epochs);
}

static int train_and_test(const struct options *o, struct digits_net *net,
			  struct digits_random *random, struct result *r)
{
	bool bar = !o->json && isatty(STDOUT_FILENO);
	enum gaon_status status;

	for (uint32_t epoch = 0; epoch < o->epochs; epoch++) {
		digits_set_shuffle(&r->train, random);
		digits_set_vary(&r->varied, &r->train, VARY_SHIFT, VARY_TURN, random);
		status = digits_net_train(net, &r->varied, epoch_rate(o, epoch), &r->losses[epoch]);
		if (status)
			return fail("training", status);
		if (bar)
			digits_show_progress(stdout, epoch + 1, o->epochs, r->losses[epoch]);
	}
	status = digits_net_predict(net, &r->test, r->predictions);
	if (!status)
		status = digits_net_predict_host(net, &r->test, r->host);
	if (!status)
		status = digits_net_device_ns(net, &r->device_ns);
	if (status)
		return fail("test", status);
	for (uint32_t i = 0; i < r->test.count; i++) {
		r->correct += r->predictions[i] == r->test.labels[i];
		r->disagree += r->predictions[i] != r->host[i];
	}
	return 0;
}

static int run(const struct options *o, struct result *r)
{
	struct digits_random random = { .state = o->seed };
	struct gaon_device *dev = NULL;
	struct digits_net *net = NULL;
	double begin = now();
	enum gaon_status status;
	int code = load(o, &random, r);

	if (code)
		return code;
	r->info.size = sizeof(r->info);
	status = gaon_device_open(o->device, &dev);
	if (status)
		return fail("device", status);
	status = gaon_device_get_info(dev, &r->info);
	if (!status)
		status = digits_net_create(dev, &o->shape, r->train.count, &random, &net);
	if (status) {
		code = fail("network", status);
	} else {
		code = train_and_test(o, net, &random, r);
		digits_net_destroy(net);
	}
	gaon_device_close(dev);
	r->wall = now() - begin;
	return code;
}

/* A few of the test, then a few of the mistakes. */
static void show_images(const struct result *r, bool colour)
{
	uint32_t which[2 * SHOWN], count = 0;

	for (uint32_t i = 0; i < r->test.count && count < SHOWN; i++)
		which[count++] = i;
	for (uint32_t i = count; i < r->test.count && count < 2 * SHOWN; i++)
		if (r->predictions[i] != r->test.labels[i])
			which[count++] = i;
	digits_show(stdout, &r->test, r->predictions, which, count, colour);
}

static void report(const struct options *o, const struct result *r)
{
	const char *no_colour = getenv("NO_COLOR");
	bool colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour);

	printf("%u images to train on, %u to test on, %u epochs, loss %.4f at first, %.4f at last\n\n",
	       r->train.count, r->test.count, o->epochs, r->losses[0], r->losses[o->epochs - 1]);
	show_images(r, colour);
	printf("the host, with the same weights, agrees on %u of %u predictions\n",
	       r->test.count - r->disagree, r->test.count);
	printf("test accuracy: %.1f %% (%u images), device %s, modelled %.2f ms, wall %.2f s\n",
	       100.0 * r->correct / r->test.count, r->test.count, r->info.name,
	       (double)r->device_ns * 1e-6, r->wall);
}

static int report_json(const struct options *o, const struct result *r)
{
	json_t *losses = json_array(), *object;
	int bad;

	for (uint32_t i = 0; i < o->epochs; i++)
		json_array_append_new(losses, json_real(r->losses[i]));
	object = json_pack("{s:s, s:s, s:b, s:I, s:i, s:i, s:i, s:i, s:i, s:f, s:b, s:f, s:f, s:o}",
			   "device", r->info.name, "product", r->info.product,
			   "modelled_time", r->info.modelled_time, "seed", (json_int_t)o->seed,
			   "epochs", (int)o->epochs, "train_images", (int)r->train.count,
			   "test_images", (int)r->test.count, "correct", (int)r->correct,
			   "host_disagreements", (int)r->disagree,
			   "test_accuracy", (double)r->correct / r->test.count,
			   "host_agrees", r->disagree == 0,
			   "device_ms", (double)r->device_ns * 1e-6, "wall_s", r->wall,
			   "losses", losses);
	bad = !object || json_dumpf(object, stdout, JSON_INDENT(2)) || printf("\n") < 0;
	json_decref(object);
	return bad;
}

int main(int argc, char **argv)
{
	struct options o = {
		.seed = 1, .epochs = 60,
		.shape = { .hidden = 256, .batch = 64, .rate = 0.1f, .momentum = 0.9f,
			   .decay = 1e-4f },
	};
	struct result r = { 0 };
	int code = parse_options(argc, argv, &o);

	if (code >= 0)
		return code;
	code = run(&o, &r);
	if (!code && o.json)
		code = report_json(&o, &r);
	else if (!code)
		report(&o, &r);
	if (!code && r.disagree) {
		fprintf(stderr, "gaon-demo-digits: host and device disagree on %u predictions\n",
			r.disagree);
		code = 1;
	}
	digits_set_free(&r.train);
	digits_set_free(&r.varied);
	digits_set_free(&r.test);
	free(r.predictions);
	free(r.host);
	free(r.losses);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "gaon-demo-digits: output cannot be written\n");
		code = 1;
	}
	return code;
}
