// SPDX-License-Identifier: MIT
/* Memory shared between opened devices and processes through file descriptors. */
#include <errno.h>
#include <string.h>

#include "error.h"
#include "memory.h"

static enum gaon_status share_fail(struct rt_device *dev, int err, const char *what, int fd)
{
	switch (err) {
	case -EOPNOTSUPP:
		if (dev->ws->address[0])
			return gaon_fail_hint(GAON_ERROR_UNSUPPORTED,
					      "boot without swiotlb=force, or with an IOMMU; or copy the data",
					      "cannot %s: the kernel would copy it for each transfer, and %s works on it by itself",
					      what, dev->ws->name);
		return gaon_fail_hint(GAON_ERROR_UNSUPPORTED,
				      "run the model as a card: gaon-sim --vfio-user and a virtual machine, or use a real card",
				      "cannot %s: the memory of %s belongs to its process alone", what,
				      dev->ws->name);
	case -ENODEV:
		return rt_lost(dev);
	case -EPERM:
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT,
				 "cannot %s: it is not memory of gaon_mem_alloc()", what);
	case -EBADF:
	case -EINVAL:
		return gaon_fail_hint(GAON_ERROR_INVALID_ARGUMENT,
				      "gaon_mem_export() makes one; pass it by SCM_RIGHTS or inheritance",
				      "cannot %s: file descriptor %d is no dma-buf: %s", what, fd,
				      strerror(-err));
	case -EMFILE:
	case -ENFILE:
		return gaon_fail_hint(GAON_ERROR_LIMIT, "ulimit -n", "cannot %s: %s", what,
				      strerror(-err));
	case -ENOMEM:
		return gaon_fail_errno(GAON_ERROR_OUT_OF_DEVICE_MEMORY, ENOMEM, "cannot %s: %s", what,
				       strerror(-err));
	default:
		return gaon_fail_errno(GAON_ERROR_INTERNAL, -err, "cannot %s: %s", what, strerror(-err));
	}
}

GAON_API enum gaon_status gaon_mem_export(struct gaon_mem *mem, int *fd)
{
	enum gaon_status status = GAON_OK;
	struct rt_mem *m;
	int err;

	if (!fd)
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "the place for the result is NULL");
	m = rt_enter(OBJ_MEM, mem, &status);
	if (!m)
		return status;
	err = m->kind == GAON_MEM_IMPORTED ? -EPERM : m->dev->ops->bo_export(m->bo, fd);
	if (err)
		status = share_fail(m->dev, err, "export memory", -1);
	rt_leave(m->dev);
	return status;
}

static enum gaon_status share_import(struct rt_device *dev, int fd, uint32_t flags,
				     struct gaon_mem **out)
{
	bool readonly = flags & GAON_IMPORT_READONLY;
	struct rt_mem *m = obj_alloc(OBJ_MEM, sizeof(*m));
	struct gaon_ws_bo_info info;
	int err;

	if (!m)
		return GAON_ERROR_OUT_OF_MEMORY;
	err = dev->ops->bo_import(dev->ctx, fd, readonly ? GAON_WS_BO_READONLY : 0, &m->bo);
	if (err) {
		obj_free(&m->obj, false);
		return share_fail(dev, err, "import memory", fd);
	}
	dev->ops->bo_info(m->bo, &info);
	m->va = info.va;
	m->bytes = info.bytes;
	m->ptr = info.cpu;
	return rt_mem_adopt(dev, m, GAON_MEM_SHARED, readonly, out);
}

GAON_API enum gaon_status gaon_mem_import_fd(struct gaon_device *device, int fd, uint32_t flags,
					     struct gaon_mem **out)
{
	enum gaon_status status = GAON_OK;
	struct rt_device *dev;

	if (!out || fd < 0 || (flags & ~GAON_IMPORT_READONLY))
		return gaon_fail(GAON_ERROR_INVALID_ARGUMENT, "import of file descriptor %d, flags %#x",
				 fd, flags);
	dev = rt_enter(OBJ_DEVICE, device, &status);
	if (!dev)
		return status;
	status = share_import(dev, fd, flags, out);
	rt_leave(dev);
	return status;
}
