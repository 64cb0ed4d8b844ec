// SPDX-License-Identifier: MIT
/* A client by libgaon: the first kernel of the guide, over and over, and what comes out is right. */
#include <gaon/gaon.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "soak.h"
#include "../edges/counters.h"

#define COUNT		4096u
#define PAUSE_US	50000

struct saxpy_args {
	uint64_t y, x, count;
	float a;
};

struct user {
	struct soak_self *self;
	struct gaon_device *dev;
	struct gaon_stream *stream;
	struct gaon_kernel *kernel;
	struct gaon_mem *x, *y, *host;
};

/* Integers that floats hold exactly. */
static float small(struct fuzz_rng *rng)
{
	return (float)fuzz_below(rng, 1000);
}

static enum gaon_status user_open(struct user *user, struct soak_self *self)
{
	struct gaon_device_config config = {
		.size = sizeof(config),
		.queues = self->kind == SOAK_GOOD_LIBRARY_USER ? GAON_QUEUES_USER : GAON_QUEUES_KERNEL,
	};
	struct gaon_module *module;
	enum gaon_status status;

	soak_begin(self);
	*user = (struct user){ .self = self };
	status = gaon_device_open_with(counters_card(), &config, &user->dev);
	if (!status)
		status = gaon_stream_create(user->dev, NULL, &user->stream);
	if (!status)
		status = gaon_module_load_file(user->dev, SOAK_KERNELS, &module);
	if (!status)
		status = gaon_module_get_kernel(module, "saxpy", &user->kernel);
	if (!status)
		status = gaon_mem_alloc(user->dev, COUNT * sizeof(float), GAON_MEM_DEVICE, &user->x);
	if (!status)
		status = gaon_mem_alloc(user->dev, COUNT * sizeof(float), GAON_MEM_DEVICE, &user->y);
	if (!status)
		status = gaon_mem_alloc(user->dev, COUNT * sizeof(float), GAON_MEM_HOST, &user->host);
	self->shared->opened += !status;
	return status;
}

static enum gaon_status user_run(struct user *user, const float *x, float *y, float a)
{
	struct saxpy_args args = { gaon_mem_va(user->y), gaon_mem_va(user->x), COUNT, a };
	struct gaon_launch launch = {
		.size = sizeof(launch), .grid = { 4, 1, 1 }, .args = &args, .args_size = sizeof(args),
	};
	enum gaon_status status;

	status = gaon_mem_write_async(user->stream, args.x, x, COUNT * sizeof(*x));
	if (!status)
		status = gaon_mem_write_async(user->stream, args.y, y, COUNT * sizeof(*y));
	if (!status)
		status = gaon_launch(user->stream, user->kernel, &launch);
	if (!status)
		status = gaon_mem_copy_async(user->stream, gaon_mem_va(user->host), args.y,
					     COUNT * sizeof(*y));
	if (!status)
		status = gaon_mem_read_async(user->stream, y, args.y, COUNT * sizeof(*y));
	return status ? status
		      : gaon_stream_wait(user->stream, (uint64_t)soak_ms(SOAK_PATIENCE_MS) * 1000000);
}

/* The stream has stopped, and should not be to blame. */
static enum soak_verdict judge_fault(struct user *user)
{
	struct gaon_fault fault = { .size = sizeof(fault) };
	enum gaon_status status = gaon_stream_get_fault(user->stream, &fault);

	if (!status && fault.type == GAON_FAULT_RESET)
		status = gaon_stream_clear_fault(user->stream);
	else if (status != GAON_ERROR_DEVICE_LOST)
		soak_wrong(user->self, "libgaon: fault: %s, %s: %s", gaon_status_name(status), fault.type_name,
			   gaon_last_error()->text);
	if (status == GAON_ERROR_DEVICE_LOST) {
		soak_told(user->self, "libgaon: fault");
		user->self->shared->lost++;
		return SOAK_LOST;
	}
	if (status)
		soak_wrong(user->self, "libgaon: clearing a fault: %s", gaon_last_error()->text);
	if (!soak_dropped(user->self))
		soak_wrong(user->self, "libgaon: work was dropped, but nothing happened");
	return SOAK_DROPPED;
}

static enum soak_verdict judge(struct user *user, enum gaon_status status)
{
	switch (status) {
	case GAON_OK:
		return SOAK_FINE;
	case GAON_ERROR_OUT_OF_MEMORY:
	case GAON_ERROR_OUT_OF_DEVICE_MEMORY:
	case GAON_ERROR_LIMIT:
	case GAON_ERROR_BUSY:
		user->self->shared->refused++;
		return SOAK_RETRY;
	case GAON_ERROR_NO_DEVICE:
	case GAON_ERROR_PERMISSION:
	case GAON_ERROR_DEVICE_LOST:
		soak_told(user->self, gaon_status_name(status));
		user->self->shared->lost++;
		return SOAK_LOST;
	case GAON_ERROR_FAULT:
		return judge_fault(user);
	default:
		soak_wrong(user->self, "libgaon: %s: %s", gaon_status_name(status), gaon_last_error()->text);
		return SOAK_WRONG;
	}
}

/* What came out is wrong: unless the card was lost in the meantime. */
static enum soak_verdict doubt(struct user *user, unsigned int i, float got, float expected)
{
	struct gaon_device_counters counters = { .size = sizeof(counters) };

	if (gaon_device_get_counters(user->dev, &counters) == GAON_ERROR_DEVICE_LOST)
		return judge(user, GAON_ERROR_DEVICE_LOST);
	soak_wrong(user->self, "libgaon: wrong data: element %u is %g, not %g", i, (double)got, (double)expected);
	return SOAK_WRONG;
}

static enum soak_verdict user_round(struct user *user)
{
	static float x[COUNT], y[COUNT], expected[COUNT];
	struct fuzz_rng *rng = &user->self->rng;
	const volatile float *host = gaon_mem_ptr(user->host);
	enum soak_verdict verdict;
	float a = small(rng);

	for (unsigned int i = 0; i < COUNT; i++) {
		x[i] = small(rng);
		y[i] = small(rng);
		expected[i] = a * x[i] + y[i];
	}
	verdict = judge(user, user_run(user, x, y, a));
	for (unsigned int i = 0; i < COUNT && verdict == SOAK_FINE; i++) {
		if (y[i] != expected[i])
			verdict = doubt(user, i, y[i], expected[i]);
		else if (host[i] != expected[i])
			verdict = doubt(user, i, host[i], expected[i]);
	}
	return verdict;
}

static void work(struct user *user)
{
	struct soak_self *self = user->self;
	enum soak_verdict verdict = SOAK_FINE;

	while (verdict < SOAK_LOST && !soak_stopped(self)) {
		self->round++;
		verdict = user_round(user);
		if (verdict == SOAK_RETRY)
			usleep(PAUSE_US);
		else
			self->shared->rounds[self->kind]++;
		if (verdict == SOAK_FINE) {
			self->shared->jobs++;
			self->shared->bytes += 5ull * COUNT * sizeof(float);
			soak_beat(self);
		}
	}
}

void soak_library(struct soak_self *self)
{
	enum gaon_status status;
	struct user user;

	while (!soak_stopped(self)) {
		status = user_open(&user, self);
		if (status) {
			judge(&user, status);
			usleep(PAUSE_US);
		} else {
			work(&user);
		}
		if (user.dev)
			gaon_device_close(user.dev);
	}
}
