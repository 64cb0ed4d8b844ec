// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * The firmware's log: a ring of text in host memory. Errors and warnings go to the kernel's log
 * as they come, all of it can be read in debugfs.
 */
#include <linux/debugfs.h>
#include <linux/dma-mapping.h>
#include <linux/log2.h>
#include <linux/seq_file.h>

#include <drm/drm_debugfs.h>
#include <drm/drm_managed.h>

#include "gaon_admin.h"
#include "gaon_device.h"
#include "gaon_fw.h"

#define FWLOG_BYTES	(64 * 1024)
#define FWLOG_LEVEL	2	/* information */
#define FWLOG_LINE	256

/** struct gaon_fwlog - what is known of the ring */
struct gaon_fwlog {
	/** @ring: the firmware's; nothing in it is trusted. DMA-coherent. */
	struct gaon_log_ring *ring;
	/** @dma: its bus address. */
	dma_addr_t dma;
	/** @lock: protects @read, @line and @length. */
	struct mutex lock;
	/** @read: bytes that were passed on to the kernel's log. */
	u64 read;
	/** @line: that is not complete yet. */
	char line[FWLOG_LINE];
	/** @length: of @line. */
	unsigned int length;
};

/* Bytes of text that the ring holds: the largest power of two behind the header. */
static u32 fwlog_bytes(void)
{
	return rounddown_pow_of_two(FWLOG_BYTES - sizeof(struct gaon_log_ring));
}

/* One byte, made printable. */
static char fwlog_char(struct gaon_fwlog *log, u64 at)
{
	char c = READ_ONCE(log->ring->data[at & (fwlog_bytes() - 1)]);

	return c == '\n' || (c >= ' ' && c <= '~') ? c : '?';
}

/* A line is "<level> cycle text". */
static void fwlog_line(struct gaon_device *gdev, const char *line)
{
	const char *text = line[0] == '<' && line[1] && line[2] == '>' ? line + 3 : line;

	if (text != line && line[1] == '0')
		drm_err_ratelimited(&gdev->drm, "firmware:%s\n", text);
	else if (text != line && line[1] == '1')
		dev_warn_ratelimited(gdev->drm.dev, "firmware:%s\n", text);
	else
		drm_dbg(&gdev->drm, "firmware:%s\n", text);
}

/**
 * gaon_fwlog_poll() - pass new lines on to the kernel's log
 * @gdev: the device
 */
void gaon_fwlog_poll(struct gaon_device *gdev)
{
	struct gaon_fwlog *log = gdev->fwlog;
	u64 write;

	guard(mutex)(&log->lock);
	/* The text was written before the index. */
	write = smp_load_acquire(&log->ring->write);
	if (write - log->read > fwlog_bytes())
		log->read = write - min_t(u64, write, fwlog_bytes());
	for (; log->read != write; log->read++) {
		char c = fwlog_char(log, log->read);

		if (c != '\n' && log->length < FWLOG_LINE - 1) {
			log->line[log->length++] = c;
			continue;
		}
		log->line[log->length] = '\0';
		fwlog_line(gdev, log->line);
		log->length = 0;
	}
}

/**
 * gaon_fwlog_copy() - the end of the log
 * @gdev: the device
 * @text: where to
 * @bytes: room
 *
 * Does not sleep. The firmware may write meanwhile.
 *
 * Return: bytes of text.
 */
size_t gaon_fwlog_copy(struct gaon_device *gdev, char *text, size_t bytes)
{
	struct gaon_fwlog *log = gdev->fwlog;
	u64 write, at;

	/* The text was written before the index. */
	write = smp_load_acquire(&log->ring->write);
	bytes = min3((u64)bytes, (u64)fwlog_bytes(), write);
	for (at = write - bytes; at != write; at++)
		*text++ = fwlog_char(log, at);
	return bytes;
}

static int fwlog_show(struct seq_file *m, void *unused)
{
	struct drm_debugfs_entry *entry = m->private;
	struct gaon_device *gdev = to_gaon_device(entry->dev);
	struct gaon_fwlog *log = gdev->fwlog;
	u64 write, at;
	int idx;

	if (!drm_dev_enter(&gdev->drm, &idx))
		return -ENODEV;
	/* The text was written before the index. */
	write = smp_load_acquire(&log->ring->write);
	for (at = write - min_t(u64, write, fwlog_bytes()); at != write; at++)
		seq_putc(m, fwlog_char(log, at));
	drm_dev_exit(idx);
	return 0;
}

/** gaon_fwlog_start() - give the ring to the firmware; without it the device works all the same */
void gaon_fwlog_start(struct gaon_device *gdev)
{
	struct gaon_admin_req req = { .cmd = { .opcode = GAON_ADMIN_LOG_SETUP } };
	struct gaon_fwlog *log = gdev->fwlog;
	int err;

	scoped_guard(mutex, &log->lock) {
		memset(log->ring, 0, FWLOG_BYTES);
		log->read = 0;
		log->length = 0;
	}
	req.cmd.buffer.pa = GAON_PA_HOST | log->dma;
	req.cmd.buffer.bytes = FWLOG_BYTES;
	req.cmd.buffer.value = FWLOG_LEVEL;
	err = gaon_admin_exec(gdev, &req, 0);
	if (err)
		drm_warn(&gdev->drm, "firmware keeps no log (error %d)\n", err);
}

int gaon_fwlog_init(struct gaon_device *gdev)
{
	struct gaon_fwlog *log = drmm_kzalloc(&gdev->drm, sizeof(*log), GFP_KERNEL);
	int err;

	if (!log)
		return -ENOMEM;
	err = drmm_mutex_init(&gdev->drm, &log->lock);
	if (err)
		return err;
	log->ring = dmam_alloc_coherent(gdev->drm.dev, FWLOG_BYTES, &log->dma, GFP_KERNEL);
	if (!log->ring)
		return -ENOMEM;
	gdev->fwlog = log;
	drm_debugfs_add_file(&gdev->drm, "firmware_log", fwlog_show, NULL);
	return 0;
}
