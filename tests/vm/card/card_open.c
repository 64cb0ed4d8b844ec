// SPDX-License-Identifier: MIT
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "card.h"

#define HUGE_BYTES	(2ull << 20)
#define VFIO_IOVA	0x100000000ull

void card_die(const char *what)
{
	printf("not ok - %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- registers ---------------------------------------------------------------------------------- */

static uint64_t card_read(void *ctx, unsigned int bar, uint64_t offset, unsigned int len)
{
	struct card *c = ctx;
	volatile uint8_t *at = c->bar[bar] + offset;

	switch (len) {
	case 1:
		return *at;
	case 2:
		return *(volatile uint16_t *)at;
	case 4:
		return *(volatile uint32_t *)at;
	default:
		return *(volatile uint64_t *)at;
	}
}

static void card_write(void *ctx, unsigned int bar, uint64_t offset, uint64_t value, unsigned int len)
{
	struct card *c = ctx;
	volatile uint8_t *at = c->bar[bar] + offset;

	switch (len) {
	case 1:
		*at = value;
		break;
	case 2:
		*(volatile uint16_t *)at = value;
		break;
	case 4:
		*(volatile uint32_t *)at = value;
		break;
	default:
		*(volatile uint64_t *)at = value;
	}
}

static void card_run(void *ctx, const volatile uint64_t *watch, uint64_t target)
{
	const struct timespec pause = { .tv_nsec = 100000 };

	(void)ctx;
	for (int i = 0; i < 10 && !(watch && __atomic_load_n(watch, __ATOMIC_ACQUIRE) >= target); i++)
		nanosleep(&pause, NULL);
}

static const struct dev_bus card_bus = { .read = card_read, .write = card_write, .run = card_run };

static void card_init(struct card *c, const char *bdf)
{
	memset(c, 0, sizeof(*c));
	c->bdf = bdf;
	c->host.bus = &card_bus;
	c->host.ctx = c;
	memset(c->irq, -1, sizeof(c->irq));
}

uint32_t card_config(struct card *c, unsigned int offset, unsigned int len)
{
	uint32_t value = 0;

	if (pread(c->config, &value, len, c->config_at + offset) != (ssize_t)len)
		card_die("read of configuration space");
	return value;
}

void card_config_write(struct card *c, unsigned int offset, uint32_t value, unsigned int len)
{
	if (pwrite(c->config, &value, len, c->config_at + offset) != (ssize_t)len)
		card_die("write to configuration space");
}

/* --- sysfs --------------------------------------------------------------------------------------- */

static int sysfs_file(const struct card *c, const char *name, int flags)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", c->bdf, name);
	fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		card_die(path);
	return fd;
}

/* One huge page: contiguous, and it stays where it is. */
static void sysfs_memory(struct card *c)
{
	uint64_t entry;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	c->host.mem = mmap(NULL, HUGE_BYTES, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_POPULATE, -1, 0);
	if (c->host.mem == MAP_FAILED)
		card_die("a huge page (vm.nr_hugepages)");
	if (fd < 0 || pread(fd, &entry, 8, (uintptr_t)c->host.mem / 4096 * 8) != 8 || !(entry >> 63))
		card_die("/proc/self/pagemap");
	close(fd);
	c->host.bytes = HUGE_BYTES;
	c->host.iova = (entry & ((1ull << 55) - 1)) * 4096;
}

void card_open_sysfs(struct card *c, const char *bdf)
{
	static const char * const names[] = { "resource0", NULL, "resource2", NULL, "resource4" };
	int fd;

	card_init(c, bdf);
	fd = sysfs_file(c, "enable", O_WRONLY);
	if (write(fd, "1", 1) != 1)
		card_die("enable");
	close(fd);
	c->config = sysfs_file(c, "config", O_RDWR);
	for (unsigned int i = 0; i < 5; i += 2) {
		fd = sysfs_file(c, names[i], O_RDWR);
		c->bar_bytes[i] = lseek(fd, 0, SEEK_END);
		c->bar[i] = mmap(NULL, c->bar_bytes[i], PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (c->bar[i] == MAP_FAILED)
			card_die(names[i]);
		close(fd);
	}
	card_config_write(c, 4, card_config(c, 4, 2) | 6, 2);
	sysfs_memory(c);
	c->device = -1;
}

/* --- vfio ---------------------------------------------------------------------------------------- */

static int vfio_group(const char *bdf)
{
	char path[256], link[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	n = readlink(path, link, sizeof(link) - 1);
	if (n < 0)
		card_die("no IOMMU group (intel_iommu=on, and an emulated IOMMU)");
	link[n] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(link, '/') + 1);
	n = open(path, O_RDWR | O_CLOEXEC);
	if (n < 0)
		card_die(path);
	return n;
}

static void vfio_bars(struct card *c)
{
	struct vfio_region_info info = { .argsz = sizeof(info) };

	for (unsigned int i = 0; i < 5; i += 2) {
		info.index = i;
		if (ioctl(c->device, VFIO_DEVICE_GET_REGION_INFO, &info))
			card_die("VFIO_DEVICE_GET_REGION_INFO");
		c->bar_bytes[i] = info.size;
		c->bar[i] = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, c->device, info.offset);
		if (c->bar[i] == MAP_FAILED)
			card_die("mmap of a BAR");
	}
	info.index = VFIO_PCI_CONFIG_REGION_INDEX;
	if (ioctl(c->device, VFIO_DEVICE_GET_REGION_INFO, &info))
		card_die("VFIO_DEVICE_GET_REGION_INFO");
	c->config = c->device;
	c->config_at = info.offset;
}

static void vfio_interrupts(struct card *c)
{
	struct vfio_irq_set *set = calloc(1, sizeof(*set) + sizeof(c->irq));
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = VFIO_PCI_MSIX_IRQ_INDEX };

	if (!set || ioctl(c->device, VFIO_DEVICE_GET_IRQ_INFO, &info) || info.count > GAON_MSIX_VECTORS)
		card_die("VFIO_DEVICE_GET_IRQ_INFO");
	for (unsigned int i = 0; i < info.count; i++)
		c->irq[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*set = (struct vfio_irq_set){
		.argsz = sizeof(*set) + info.count * sizeof(int), .index = VFIO_PCI_MSIX_IRQ_INDEX,
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER, .count = info.count,
	};
	memcpy(set->data, c->irq, info.count * sizeof(int));
	if (ioctl(c->device, VFIO_DEVICE_SET_IRQS, set))
		card_die("VFIO_DEVICE_SET_IRQS");
	free(set);
}

void card_dma_map(struct card *c, void *mem, uint64_t bytes, uint64_t iova)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)mem, .iova = iova, .size = bytes,
	};

	if (ioctl(c->container, VFIO_IOMMU_MAP_DMA, &map))
		card_die("VFIO_IOMMU_MAP_DMA");
}

void card_dma_unmap(struct card *c, uint64_t iova, uint64_t bytes)
{
	struct vfio_iommu_type1_dma_unmap unmap = { .argsz = sizeof(unmap), .iova = iova, .size = bytes };

	if (ioctl(c->container, VFIO_IOMMU_UNMAP_DMA, &unmap) || unmap.size != bytes)
		card_die("VFIO_IOMMU_UNMAP_DMA");
}

void card_open_vfio(struct card *c, const char *bdf)
{
	int group;

	card_init(c, bdf);
	c->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (c->container < 0)
		card_die("/dev/vfio/vfio");
	group = vfio_group(bdf);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &c->container) ||
	    ioctl(c->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		card_die("VFIO_SET_IOMMU");
	c->device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, bdf);
	if (c->device < 0)
		card_die("VFIO_GROUP_GET_DEVICE_FD");
	vfio_bars(c);
	card_config_write(c, 4, card_config(c, 4, 2) | 6, 2);
	vfio_interrupts(c);
	/* Ordinary pages, scattered in guest memory: as many mappings as the emulated IOMMU makes of them. */
	c->host.bytes = 2 * HUGE_BYTES;
	c->host.iova = VFIO_IOVA;
	c->host.mem = mmap(NULL, c->host.bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (c->host.mem == MAP_FAILED)
		card_die("memory");
	madvise(c->host.mem, c->host.bytes, MADV_NOHUGEPAGE);
	card_dma_map(c, c->host.mem, c->host.bytes, c->host.iova);
}

void card_reset(struct card *c)
{
	int fd;

	if (c->device >= 0) {
		if (ioctl(c->device, VFIO_DEVICE_RESET))
			card_die("VFIO_DEVICE_RESET");
	} else {
		fd = sysfs_file(c, "reset", O_WRONLY);
		if (write(fd, "1", 1) != 1)
			card_die("reset");
		close(fd);
	}
	card_config_write(c, 4, card_config(c, 4, 2) | 6, 2);
}
