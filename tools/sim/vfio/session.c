// SPDX-License-Identifier: MIT
/*
 * The commands of a client, one after the other.  Everything in them is checked here or by what it is
 * handed to; a request that makes no sense gets an error, a stream that makes none ends the session.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <hw/gaon_regs.h>

#include "device.h"

/* What a handler answers with: data in dev->reply, and perhaps a file. */
struct answer {
	size_t bytes;
	int fd;
	bool replied;		/* the handler has answered already */
};

typedef int (*handler_fn)(struct vfu_device *dev, struct vfu_message *msg, struct answer *answer);

/* The fixed part of a body. */
static bool body_copy(const struct vfu_message *msg, void *to, size_t bytes)
{
	if (msg->bytes < bytes)
		return false;
	memcpy(to, msg->body, bytes);
	return true;
}

static void answer_with(struct vfu_device *dev, struct answer *answer, const void *data, size_t bytes)
{
	memcpy(dev->reply, data, bytes);
	answer->bytes = bytes;
}

static void quiesce(void *ctx)
{
	struct vfu_device *dev = ctx;

	gaon_sim_dma_quiesce(dev->sim);
}

/* --- VERSION ------------------------------------------------------------------------------------ */

/* The client's capabilities; what it does not say is the protocol's default. */
static int version_parse(struct vfu_device *dev, const char *text, size_t bytes)
{
	json_t *root = json_loadb(text, bytes, JSON_REJECT_DUPLICATES, NULL);
	json_t *caps = json_object_get(root, "capabilities");
	json_int_t data = VFU_DATA_MAX;
	json_t *value;

	if (!json_is_object(root) || (caps && !json_is_object(caps))) {
		json_decref(root);
		return -EINVAL;
	}
	value = json_object_get(caps, "max_data_xfer_size");
	if (json_is_integer(value))
		data = json_integer_value(value);
	json_decref(root);
	if (data < 4096)
		return -EINVAL;
	pthread_mutex_lock(&dev->channel.lock);
	dev->channel.max_data = data < VFU_DATA_MAX ? data : VFU_DATA_MAX;
	pthread_mutex_unlock(&dev->channel.lock);
	return 0;
}

static int do_version(struct vfu_device *dev, struct vfu_message *msg, struct answer *answer)
{
	struct vfu_version version;
	const char *text = (const char *)msg->body + sizeof(version);
	size_t bytes = msg->bytes - sizeof(version);
	int error, n;

	if (dev->versioned || !body_copy(msg, &version, sizeof(version)))
		return -EINVAL;
	if (version.major != 0) {
		vfu_complain(dev, "the client speaks vfio-user %u.%u, this server 0.0", version.major,
			     version.minor);
		return -ENOTSUP;
	}
	if (bytes) {
		if (text[bytes - 1])
			return -EINVAL;
		error = version_parse(dev, text, strlen(text));
		if (error)
			return error;
	}
	version = (struct vfu_version){ 0 };
	memcpy(dev->reply, &version, sizeof(version));
	/* Short: QEMU takes no reply that is longer than its request. */
	n = sprintf((char *)dev->reply + sizeof(version),
		    "{\"capabilities\":{\"max_msg_fds\":%u,\"max_data_xfer_size\":%u,"
		    "\"pgsizes\":4096,\"write_multiple\":true}}", VFU_FDS_MAX, VFU_DATA_MAX);
	answer->bytes = sizeof(version) + n + 1;
	dev->versioned = true;
	return 0;
}

/* --- memory ------------------------------------------------------------------------------------- */

static int do_dma_map(struct vfu_device *dev, struct vfu_message *msg, struct answer *answer)
{
	struct vfu_dma_map map;
	int error;

	(void)answer;
	if (!body_copy(msg, &map, sizeof(map)) || map.argsz < sizeof(map) || msg->fd_count > 1)
		return -EINVAL;
	error = vfu_dma_map(&dev->dma, &map, msg->fd_count ? msg->fds[0] : -1);
	if (error == -ENOTSUP)
		vfu_complain(dev, "guest memory at %#llx is a file of a kind that cannot be shared: use "
			     "memory-backend-memfd, or memory-backend-file below /dev/shm, with share=on",
			     (unsigned long long)map.iova);
	else if (error)
		vfu_complain(dev, "cannot map %#llx bytes at %#llx for DMA: %s",
			     (unsigned long long)map.size, (unsigned long long)map.iova, strerror(-error));
	return error;
}

static int do_dma_unmap(struct vfu_device *dev, struct vfu_message *msg, struct answer *answer)
{
	struct vfu_dma_unmap unmap;
	int error = 0;

	if (!body_copy(msg, &unmap, sizeof(unmap)) || unmap.argsz < sizeof(unmap) ||
	    unmap.flags & ~VFU_UNMAP_F_ALL)
		return -EINVAL;
	if (!(unmap.flags & VFU_UNMAP_F_ALL))
		error = vfu_dma_unmap(&dev->dma, unmap.iova, unmap.size, &unmap.size, quiesce, dev);
	else if (unmap.iova || unmap.size)
		error = -EINVAL;
	else
		vfu_dma_unmap_all(&dev->dma, &unmap.size, quiesce, dev);
	unmap.argsz = sizeof(unmap);
	answer_with(dev, answer, &unmap, sizeof(unmap));
	return error;
}

/* --- what the device is ------------------------------------------------------------------------- */

static int do_get_info(struct vfu_device *dev, struct vfu_message *msg, struct answer *answer)
{
	struct vfu_device_info info;

	if (!body_copy(msg, &info, sizeof(info)) || info.argsz < sizeof(info))
		return -EINVAL;
	info = (struct vfu_device_info){
		.argsz = sizeof(info), .flags = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
		.regions = VFIO_PCI_NUM_REGIONS, .irqs = VFIO_PCI_NUM_IRQS,
	};
	answer_with(dev, answer, &info, sizeof(info));
	return 0;
}

static int do_get_region_info(struct vfu_device *dev, struct vfu_message *msg, struct answer *answer)
{
	struct vfio_region_info info;
	int bytes;

	if (!body_copy(msg, &info, sizeof(info)))
		return -EINVAL;
	bytes = vfu_region_info(dev, info.index, info.argsz, dev->reply, &answer->fd);
	if (bytes < 0)
		return bytes;
	answer->bytes = bytes;
	return 0;
}

static int do_get_irq_info(struct vfu_device *dev, struct vfu_message *msg, struct answer *answer)
{
	struct vfio_irq_info info;

	if (!body_copy(msg, &info, sizeof(info)) || info.argsz < sizeof(info) ||
	    info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info.argsz = sizeof(info);
	info.flags = VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE;
	info.count = info.index == VFIO_PCI_MSIX_IRQ_INDEX ? dev->irqs.vectors : 0;
	answer_with(dev, answer, &info, sizeof(info));
	return 0;
}

/* --- interrupts --------------------------------------------------------------------------------- */

static int irqs_set_eventfds(struct vfu_device *dev, struct vfu_message *msg, uint32_t start,
			     uint32_t count)
{
	uint32_t vectors = ((1ull << count) - 1) << start;

	if (msg->fd_count && msg->fd_count != count)
		return -EINVAL;
	for (unsigned int i = 0; i < msg->fd_count; i++) {
		if (!vfu_irqs_fd_valid(msg->fds[i])) {
			vfu_complain(dev, "the file for interrupt vector %u is no eventfd", start + i);
			return -EINVAL;
		}
	}
	/* Masked before its eventfd goes, unmasked after it has come: nothing is lost in between. */
	if (!msg->fd_count)
		gaon_sim_msix_unmask(dev->sim, vfu_irqs_armed(&dev->irqs) & ~vectors);
	vfu_irqs_set(&dev->irqs, start, count, msg->fd_count ? msg->fds : NULL);
	gaon_sim_msix_unmask(dev->sim, vfu_irqs_armed(&dev->irqs));
	return 0;
}

/* The client asks for interrupts to be sent as if the device had: VFIO's loopback test. */
static int irqs_trigger(struct vfu_device *dev, const struct vfu_message *msg,
			const struct vfio_irq_set *set)
{
	bool some = set->flags & VFIO_IRQ_SET_DATA_BOOL;
	const uint8_t *which = msg->body + sizeof(*set);

	if (some && msg->bytes - sizeof(*set) < set->count)
		return -EINVAL;
	for (uint32_t i = 0; i < set->count; i++)
		if (!some || which[i])
			vfu_irqs_raise(&dev->irqs, set->start + i);
	return 0;
}

static int do_set_irqs(struct vfu_device *dev, struct vfu_message *msg, struct answer *answer)
{
	uint32_t vectors = dev->irqs.vectors;
	struct vfio_irq_set set;

	(void)answer;
	if (!body_copy(msg, &set, sizeof(set)) || set.argsz < sizeof(set) ||
	    set.index >= VFIO_PCI_NUM_IRQS ||
	    (set.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK) != VFIO_IRQ_SET_ACTION_TRIGGER)
		return -EINVAL;
	if (set.index != VFIO_PCI_MSIX_IRQ_INDEX)
		vectors = 0;
	if (set.start > vectors || set.count > vectors - set.start)
		return -EINVAL;
	switch (set.flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_EVENTFD:
		return irqs_set_eventfds(dev, msg, set.start, set.count);
	case VFIO_IRQ_SET_DATA_NONE:
		if (!set.count && !set.start && !msg->fd_count)
			return irqs_set_eventfds(dev, msg, 0, vectors);
		/* fall through */
	case VFIO_IRQ_SET_DATA_BOOL:
		return irqs_trigger(dev, msg, &set);
	default:
		return -EINVAL;
	}
}

/* --- accesses ----------------------------------------------------------------------------------- */

static int do_region_read(struct vfu_device *dev, struct vfu_message *msg, struct answer *answer)
{
	struct vfu_region_access access;

	if (!body_copy(msg, &access, sizeof(access)) || access.count > VFU_DATA_MAX)
		return -EINVAL;
	memcpy(dev->reply, &access, sizeof(access));
	answer->bytes = sizeof(access) + access.count;
	return vfu_region_read(dev, access.region, access.offset, dev->reply + sizeof(access),
			       access.count);
}

static int do_region_write(struct vfu_device *dev, struct vfu_message *msg, struct answer *answer)
{
	struct vfu_region_access access;

	if (!body_copy(msg, &access, sizeof(access)) || access.count > VFU_DATA_MAX ||
	    access.count != msg->bytes - sizeof(access))
		return -EINVAL;
	answer_with(dev, answer, &access, sizeof(access));
	/* A doorbell is a hint, and a guest's processor waits for this reply. */
	if (access.region == GAON_BAR_DOORBELL && !(msg->header.flags & VFU_F_NO_REPLY) &&
	    vfu_region_access_valid(dev, access.region, access.offset, access.count)) {
		vfu_channel_reply(&dev->channel, &msg->header, 0, dev->reply, answer->bytes, -1);
		answer->replied = true;
	}
	return vfu_region_write(dev, access.region, access.offset, msg->body + sizeof(access),
				access.count);
}

static int do_region_write_multi(struct vfu_device *dev, struct vfu_message *msg, struct answer *answer)
{
	struct vfu_write_multi_entry entry;
	const uint8_t *at = msg->body + sizeof(uint64_t);
	uint64_t count;
	int error = 0;

	if (!body_copy(msg, &count, sizeof(count)) || count > VFU_MULTI_MAX ||
	    msg->bytes - sizeof(count) != count * sizeof(entry))
		return -EINVAL;
	for (uint64_t i = 0; i < count; i++, at += sizeof(entry)) {
		int result = -EINVAL;

		memcpy(&entry, at, sizeof(entry));
		if (entry.count <= sizeof(entry.data))
			result = vfu_region_write(dev, entry.region, entry.offset, entry.data, entry.count);
		error = error ? error : result;
	}
	answer_with(dev, answer, &count, sizeof(count));
	return error;
}

static int do_reset(struct vfu_device *dev, struct vfu_message *msg, struct answer *answer)
{
	(void)msg;
	(void)answer;
	gaon_sim_reset(dev->sim);
	gaon_sim_msix_unmask(dev->sim, vfu_irqs_armed(&dev->irqs));
	return 0;
}

/* --- the session -------------------------------------------------------------------------------- */

static const handler_fn handlers[] = {
	[VFU_VERSION] = do_version,
	[VFU_DMA_MAP] = do_dma_map,
	[VFU_DMA_UNMAP] = do_dma_unmap,
	[VFU_GET_INFO] = do_get_info,
	[VFU_GET_REGION_INFO] = do_get_region_info,
	[VFU_GET_IRQ_INFO] = do_get_irq_info,
	[VFU_SET_IRQS] = do_set_irqs,
	[VFU_REGION_READ] = do_region_read,
	[VFU_REGION_WRITE] = do_region_write,
	[VFU_RESET] = do_reset,
	[VFU_REGION_WRITE_MULTI] = do_region_write_multi,
};

/* 0, or -errno if the session cannot go on. */
static int session_request(struct vfu_device *dev, struct vfu_message *msg)
{
	uint16_t command = msg->header.command;
	struct answer answer = { .fd = -1 };
	handler_fn handler = NULL;
	int error;

	if (command < sizeof(handlers) / sizeof(handlers[0]))
		handler = handlers[command];
	if (!dev->versioned && command != VFU_VERSION) {
		vfu_complain(dev, "the client's first message is command %u, not VERSION", command);
		return -EPROTO;
	}
	error = handler ? handler(dev, msg, &answer) : -ENOTSUP;
	if (error)
		vfu_complain(dev, "command %u refused: %s", command, strerror(-error));
	if ((msg->header.flags & VFU_F_NO_REPLY) || answer.replied)
		return 0;
	return vfu_channel_reply(&dev->channel, &msg->header, -error, dev->reply, answer.bytes, answer.fd);
}

static int session_loop(struct vfu_device *dev)
{
	struct vfu_message msg;

	for (;;) {
		int got = vfu_channel_receive(&dev->channel, &msg);

		if (got <= 0)
			return got;
		switch (msg.header.flags & VFU_F_TYPE_MASK) {
		case VFU_F_REQUEST:
			got = session_request(dev, &msg);
			break;
		case VFU_F_REPLY:
			vfu_channel_answer(&dev->channel, &msg);
			got = 0;
			break;
		default:
			got = -EPROTO;
		}
		vfu_message_close(&msg);
		if (got)
			return got;
		if (atomic_load_explicit(&dev->dma.lost, memory_order_relaxed)) {
			vfu_complain(dev, "the client has cut short a file of guest memory");
			return -EPROTO;
		}
	}
}

int vfu_session_run(struct vfu_device *dev, int fd)
{
	uint64_t bytes;
	int error;

	dev->versioned = false;
	dev->complaints = 0;
	vfu_channel_open(&dev->channel, fd);
	vfu_log(dev, 6, "client connected");
	error = session_loop(dev);
	if (error == -EPIPE || error == -ECONNRESET)
		vfu_log(dev, 5, "client gone in the middle of a message");
	else if (error)
		vfu_log(dev, 4, "client dropped: %s", error == -EPROTO ? "it does not keep to the protocol" :
			strerror(-error));
	else
		vfu_log(dev, 6, "client gone");

	/* The device first, then what it could have reached. */
	vfu_channel_close(&dev->channel);
	gaon_sim_reset(dev->sim);
	vfu_irqs_set(&dev->irqs, 0, dev->irqs.vectors, NULL);
	vfu_dma_unmap_all(&dev->dma, &bytes, quiesce, dev);
	return error;
}
