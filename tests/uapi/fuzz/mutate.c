// SPDX-License-Identifier: MIT
/* Chance, and what it does to arguments. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "fuzz.h"
#include "../../splitmix.h"

#define ARG_MAX_BYTES	512

struct fuzz_rng fuzz_rng_make(uint64_t seed, uint64_t stream)
{
	struct fuzz_rng rng = { .state = seed ^ (stream + 1) * 0xd1342543de82ef95ull };

	fuzz_next(&rng);
	return rng;
}

uint64_t fuzz_next(struct fuzz_rng *rng)
{
	return splitmix64_next(&rng->state);
}

uint32_t fuzz_below(struct fuzz_rng *rng, uint32_t n)
{
	return (uint32_t)((fuzz_next(rng) >> 32) * n >> 32);
}

bool fuzz_chance(struct fuzz_rng *rng, uint32_t n)
{
	return !fuzz_below(rng, n);
}

uint64_t fuzz_extreme(struct fuzz_rng *rng)
{
	static const uint64_t values[] = {
		0, 1, 2, 7, 63, 64, 4095, 4096, 4097, 0xffff, 0x10000, 0x7fffffff, 0x80000000,
		0xffffffff, 0x100000000ull, 0x7fffffffffffull, 0x800000000000ull,
		0xffff800000000000ull, 0xffffffff81000000ull, 0x7fffffffffffffffull,
		0x8000000000000000ull, 0xfffffffffffff000ull, 0xffffffffffffffc0ull,
		0xfffffffffffffff8ull, 0xffffffffffffffffull,
	};

	if (fuzz_chance(rng, 4))
		return fuzz_next(rng) >> fuzz_below(rng, 64);
	return values[fuzz_below(rng, sizeof(values) / sizeof(values[0]))];
}

/* One to three places become something else. */
static void spoil(struct fuzz_rng *rng, uint8_t *arg, uint32_t bytes)
{
	uint32_t places = 1 + fuzz_below(rng, 3), at;
	uint64_t value;

	while (places-- && bytes >= 4) {
		value = fuzz_extreme(rng);
		at = fuzz_below(rng, bytes);
		switch (fuzz_below(rng, 3)) {
		case 0:
			arg[at] ^= 1u << fuzz_below(rng, 8);
			break;
		case 1:
			memcpy(arg + (at & ~3u), &value, 4);
			break;
		default:
			if ((at | 7) < bytes)
				memcpy(arg + (at & ~7u), &value, 8);
		}
	}
}

/* Errors of the interface; EAGAIN is none, for libdrm repeats such a call for ever. */
static bool errno_is_known(int err)
{
	static const int known[] = {
		0, EINVAL, EFAULT, ENOENT, ENOMEM, EINTR, E2BIG, EMFILE, ENFILE, ENOSPC, EPERM, EACCES,
		EBUSY, ERANGE, EOPNOTSUPP, ECANCELED, EIO, ETIME, ENODEV, ENOTTY, EBADF, ENXIO, EEXIST,
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (err == known[i])
			return true;
	}
	return false;
}

static int call(struct fuzz_world *world, int fd, unsigned long request, void *arg)
{
	int err = ioctl(fd, request, arg) ? errno : 0;

	if (!errno_is_known(err) && !atomic_fetch_add(&world->shared->strange, 1))
		snprintf(world->shared->strange_text, FUZZ_TEXT, "ioctl %#lx failed with %d (%s)",
			 request, err, strerror(err));
	return err;
}

/* Another size of the structure, or an argument that is not all there. */
static int call_bent(struct fuzz_world *world, struct fuzz_rng *rng, int fd, unsigned long request,
		     uint8_t *copy)
{
	uint32_t bytes = _IOC_SIZE(request), there;

	switch (fuzz_below(rng, 4)) {
	case 0:
		request = _IOC(_IOC_DIR(request), _IOC_TYPE(request), _IOC_NR(request),
			       fuzz_below(rng, ARG_MAX_BYTES));
		return call(world, fd, request, copy);
	case 1:		/* reaches into what is not mapped */
		there = fuzz_below(rng, bytes + 1);
		memcpy(world->edge + ARG_MAX_BYTES - there, copy, there);
		return call(world, fd, request, world->edge + ARG_MAX_BYTES - there);
	case 2:
		return call(world, fd, request, (void *)(uintptr_t)fuzz_extreme(rng));
	default:	/* other direction */
		request = _IOC(fuzz_below(rng, 4), _IOC_TYPE(request), _IOC_NR(request), bytes);
		return call(world, fd, request, copy);
	}
}

int fuzz_ioctl(struct fuzz_world *world, struct fuzz_rng *rng, int fd, unsigned long request, void *arg)
{
	uint8_t copy[ARG_MAX_BYTES] = { 0 };
	uint32_t bytes = _IOC_SIZE(request);

	if (!fuzz_chance(rng, 5))
		return call(world, fd, request, arg);
	memcpy(copy, arg, bytes);
	if (fuzz_chance(rng, 3)) {
		call_bent(world, rng, fd, request, copy);
		return EINVAL;	/* what it answered is not looked at */
	}
	spoil(rng, copy, bytes);
	/* Not so much of the host's memory that the guest has none left. */
	if (request == DRM_IOCTL_GAON_BO_CREATE) {
		struct drm_gaon_bo_create *create = (struct drm_gaon_bo_create *)copy;

		if (create->size > 4 << 20 && create->size < 1ull << 36)
			create->size = 4 << 20;
	}
	int err = call(world, fd, request, copy);

	memcpy(arg, copy, bytes);
	return err;
}

/* --- packets -------------------------------------------------------------------------------------- */

struct gaon_packet fuzz_packet(struct fuzz_rng *rng)
{
	struct gaon_packet packet = lib_nop(fuzz_chance(rng, 2) ? fuzz_va(rng) & ~7ull : 0,
					    fuzz_next(rng), 0);

	if (fuzz_chance(rng, 2))
		packet.flags |= GAON_PKT_F_EVENT;
	packet.type = 1 + fuzz_below(rng, 11);
	switch (packet.type) {
	case GAON_PKT_WAIT:
		packet.wait = (struct gaon_pkt_wait){ .va = fuzz_va(rng) & ~7ull, .op = fuzz_below(rng, 3) };
		break;
	case GAON_PKT_LAUNCH:
		packet.launch = lib_launch(fuzz_va(rng) & ~3ull, fuzz_va(rng), 1 + fuzz_below(rng, 4)).launch;
		break;
	case GAON_PKT_COPY:
		packet.copy = (struct gaon_pkt_copy){
			.dst_va = fuzz_va(rng), .src_va = fuzz_va(rng), .bytes = 1 + fuzz_below(rng, 65536),
		};
		break;
	case GAON_PKT_FILL:
		packet.fill = (struct gaon_pkt_fill){
			.dst_va = fuzz_va(rng) & ~7ull, .bytes = 8ull + 8 * fuzz_below(rng, 4096),
			.pattern = fuzz_next(rng), .pattern_size = 8,
		};
		break;
	case GAON_PKT_TIMESTAMP:
		packet.timestamp.va = fuzz_va(rng) & ~7ull;
		break;
	case GAON_PKT_INDIRECT:
	case GAON_PKT_CALL:
		packet.list = (struct gaon_pkt_list){
			.list_va = fuzz_va(rng) & ~63ull, .count = 1 + fuzz_below(rng, 8),
		};
		break;
	}
	if (fuzz_chance(rng, 4))
		spoil(rng, (uint8_t *)&packet, sizeof(packet));
	return packet;
}
