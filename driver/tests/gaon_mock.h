/* SPDX-License-Identifier: GPL-2.0 OR MIT */
#ifndef _GAON_TESTS_MOCK_H_
#define _GAON_TESTS_MOCK_H_

#include <linux/prandom.h>
#include <linux/types.h>

struct gaon_device;
struct kunit;

/*
 * A device of the driver without a card: its registers are memory that keeps what is written, and
 * no firmware answers. It has numbers, an invalidation queue and event rings, and goes with @test.
 */
struct gaon_device *gaon_mock_device(struct kunit *test);

/* What is at a bus address that the driver gave to the device. */
void *gaon_mock_dma(struct kunit *test, struct gaon_device *gdev, u64 pa);

/* Random numbers by the module's parameter `seed`, which is printed. */
void gaon_mock_seed(struct kunit *test, struct rnd_state *random);
/* Below @end, which is not 0. */
u32 gaon_mock_below(struct rnd_state *random, u32 end);

#endif
