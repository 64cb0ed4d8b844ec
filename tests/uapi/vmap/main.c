// SPDX-License-Identifier: MIT
/*
 * vmap [NODE]: objects that another driver's CPU code uses through a dma-buf. vivid, a camera that
 * the kernel makes up, stores its pictures into them; it never attaches to them, so nothing but its
 * mapping says that they are in use. The pictures are where they belong, and nothing else changes.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/videodev2.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../uapi.h"

#define MIB		(1024 * 1024ull)
#define SIZE		(2 * MIB)
#define WORDS		(SIZE / 8)
#define COUNT		2u		/* objects for pictures; not all of them can be at the start of HBM */
#define OTHERS		2u		/* objects that nobody has exported */
#define UNTOUCHED	0x0123456789abcdefull
#define PATIENCE_MS	20000

/** struct object - a memory object, seen by this process as well */
struct object {
	uint32_t handle;
	int buf;
	volatile uint64_t *cpu;
};

static void object_open(int fd, uint32_t flags, struct object *object)
{
	object->buf = -1;
	object->handle = uapi_bo(fd, SIZE, flags, 0);
	object->cpu = object->handle ? uapi_mmap(fd, object->handle, SIZE) : NULL;
	REQUIRE(object->cpu, "an object, flags %#x", flags);
	for (uint64_t i = 0; i < WORDS; i++)
		object->cpu[i] = UNTOUCHED;
}

static void object_export(int fd, struct object *object)
{
	struct drm_prime_handle prime = { .handle = object->handle, .flags = DRM_CLOEXEC | DRM_RDWR };

	REQUIRE(!uapi_ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime), "exported");
	object->buf = prime.fd;
}

static void object_close(int fd, struct object *object)
{
	if (object->buf >= 0)
		close(object->buf);
	munmap((void *)object->cpu, SIZE);
	uapi_bo_close(fd, object->handle);
}

/* How many words of a part hold what this program has put there. */
static uint64_t untouched(const struct object *object, uint64_t from, uint64_t to)
{
	uint64_t count = 0;

	for (uint64_t i = from; i < to; i++)
		count += object->cpu[i] == UNTOUCHED;
	return count;
}

static uint32_t placement(int fd, const struct object *object)
{
	struct drm_gaon_bo_info info = { .handle = object->handle };

	return uapi_ioctl(fd, DRM_IOCTL_GAON_BO_INFO, &info) ? 999 : info.placement;
}

/* --- the camera ------------------------------------------------------------------------------------ */

/* Returns the bytes of a picture. */
static uint32_t camera_setup(int camera)
{
	struct v4l2_requestbuffers request = {
		.count = COUNT, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_DMABUF,
	};
	struct v4l2_format format = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE };

	REQUIRE(!ioctl(camera, VIDIOC_G_FMT, &format), "its format: %s", strerror(errno));
	format.fmt.pix.width = 640;
	format.fmt.pix.height = 360;
	format.fmt.pix.pixelformat = V4L2_PIX_FMT_YUYV;
	REQUIRE(!ioctl(camera, VIDIOC_S_FMT, &format), "another one: %s", strerror(errno));
	REQUIRE(format.fmt.pix.sizeimage && format.fmt.pix.sizeimage < SIZE, "pictures of %u bytes",
		format.fmt.pix.sizeimage);
	REQUIRE(!ioctl(camera, VIDIOC_REQBUFS, &request) && request.count == COUNT, "%u buffers: %s", COUNT,
		strerror(errno));
	return format.fmt.pix.sizeimage;
}

static int camera_queue(int camera, unsigned int index, int buf)
{
	struct v4l2_buffer buffer = {
		.index = index, .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_DMABUF,
		.m.fd = buf,
	};

	return ioctl(camera, VIDIOC_QBUF, &buffer) ? errno : 0;
}

static int camera_wait(int camera)
{
	struct v4l2_buffer buffer = { .type = V4L2_BUF_TYPE_VIDEO_CAPTURE, .memory = V4L2_MEMORY_DMABUF };
	struct pollfd wait = { .fd = camera, .events = POLLIN };

	if (poll(&wait, 1, PATIENCE_MS) != 1)
		return ETIMEDOUT;
	if (ioctl(camera, VIDIOC_DQBUF, &buffer))
		return errno;
	return buffer.flags & V4L2_BUF_FLAG_ERROR ? EIO : 0;
}

/* --- tests ----------------------------------------------------------------------------------------- */

static void test_pictures(int fd, const char *node, uint32_t flags)
{
	int camera = open(node, O_RDWR | O_CLOEXEC), type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
	struct object objects[COUNT], others[OTHERS];
	uint64_t words;
	unsigned int i;

	REQUIRE(camera >= 0, "%s: %s (modprobe vivid)", node, strerror(errno));
	words = camera_setup(camera) / 8;
	for (i = 0; i < OTHERS; i++)
		object_open(fd, flags, &others[i]);
	for (i = 0; i < COUNT; i++) {
		object_open(fd, flags, &objects[i]);
		object_export(fd, &objects[i]);
		CHECK_ERRNO(camera_queue(camera, i, objects[i].buf), 0, "flags %#x: the camera takes it", flags);
		CHECK(placement(fd, &objects[i]) == DRM_GAON_MEMORY_HOST, "it is in host memory meanwhile");
	}
	CHECK(!ioctl(camera, VIDIOC_STREAMON, &type), "the camera starts");
	for (i = 0; i < COUNT; i++)
		CHECK_ERRNO(camera_wait(camera), 0, "a picture");
	CHECK(!ioctl(camera, VIDIOC_STREAMOFF, &type), "the camera stops");
	for (i = 0; i < COUNT; i++) {
		CHECK(!untouched(&objects[i], 0, words), "all of the picture is in object %u", i);
		CHECK(untouched(&objects[i], words + 1, WORDS) == WORDS - words - 1, "and what follows it is as it was");
	}
	close(camera);
	for (i = 0; i < COUNT; i++) {
		CHECK(!untouched(&objects[i], 0, words), "it stays there when the camera is closed");
		object_close(fd, &objects[i]);
	}
	for (i = 0; i < OTHERS; i++) {
		CHECK(untouched(&others[i], 0, WORDS) == WORDS, "an object that was not exported is as it was");
		object_close(fd, &others[i]);
	}
}

int main(int argc, char **argv)
{
	const char *node = argc > 1 ? argv[1] : "/dev/video0";
	int fd = uapi_open();

	test_pictures(fd, node, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU);
	test_pictures(fd, node, DRM_GAON_BO_HBM | DRM_GAON_BO_CPU | DRM_GAON_BO_CONTIGUOUS);
	test_pictures(fd, node, DRM_GAON_BO_HOST);
	test_pictures(fd, node, DRM_GAON_BO_HOST | DRM_GAON_BO_WC);
	close(fd);
	uapi_exit();
}
