/* SPDX-License-Identifier: MIT */
/*
 * The card as user space of a guest reaches it, without gaon.ko: through sysfs (guest memory by its
 * physical address, no interrupts), or through the guest's own vfio-pci behind an emulated IOMMU.
 */
#ifndef TESTS_VM_CARD_H
#define TESTS_VM_CARD_H

#include <stdbool.h>
#include <stdint.h>

#include "../../unit/dev_host.h"

struct card {
	struct dev_host host;		/* memory and registers, for the helpers of the unit tests */
	const char *bdf;		/* 0000:00:03.0 */
	volatile uint8_t *bar[6];
	uint64_t bar_bytes[6];
	int config;			/* a file to pread() and pwrite() configuration space */
	uint64_t config_at;		/* at this offset */
	/* vfio only */
	int device, container;
	int irq[GAON_MSIX_VECTORS];	/* eventfds, or -1 */
};

/* Each opens the card for the rest of the process' life, or says what is missing and exits with 1. */
void card_open_sysfs(struct card *c, const char *bdf);
void card_open_vfio(struct card *c, const char *bdf);

/* More guest memory that the device reaches, or not any more; vfio only. */
void card_dma_map(struct card *c, void *mem, uint64_t bytes, uint64_t iova);
void card_dma_unmap(struct card *c, uint64_t iova, uint64_t bytes);

/* A Function Level Reset by the kernel. */
void card_reset(struct card *c);

uint32_t card_config(struct card *c, unsigned int offset, unsigned int len);
void card_config_write(struct card *c, unsigned int offset, uint32_t value, unsigned int len);

void card_die(const char *what) __attribute__((noreturn));

#endif
