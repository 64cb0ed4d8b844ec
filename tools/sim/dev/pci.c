// SPDX-License-Identifier: MIT
/* The PCI function: configuration space, capabilities, MSI-X. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "devside.h"

#define CONFIG_BYTES	4096
#define CAP_PM		0x40
#define CAP_MSIX	0x50
#define CAP_EXP		0x60
#define CAP_VENDOR	0xa0
#define EXT_AER		0x100
#define EXT_SERIAL	0x150

#define COMMAND_MEMORY	0x2
#define COMMAND_MASTER	0x4
#define MSIX_ENABLE	0x8000
#define MSIX_MASK_ALL	0x4000
#define DEVCTL_FLR	0x8000

struct sim_pci {
	uint8_t config[CONFIG_BYTES];
	uint8_t writable[CONFIG_BYTES];
	uint8_t clear[CONFIG_BYTES];	/* bits cleared by writing 1 */
	_Atomic bool memory;
	struct {
		uint64_t addr;
		uint32_t data, control;
	} table[GAON_MSIX_VECTORS];
	uint32_t pending;		/* the PBA */
	uint32_t held;			/* a LATE device delivers these in its next pass */
};

/* --- the image of the configuration space -------------------------------------------------------- */

static void config_set(struct sim_pci *pci, unsigned int offset, uint64_t value, unsigned int len,
		       uint64_t writable)
{
	memcpy(pci->config + offset, &value, len);
	memcpy(pci->writable + offset, &writable, len);
}

uint64_t sim_pci_bar_size(struct gaon_sim *sim, unsigned int bar)
{
	uint64_t size = 1ull << 20;

	switch (bar) {
	case GAON_BAR_REGS:
		return GAON_BAR0_SIZE;
	case GAON_BAR_HBM:
		while (size < sim->identify.aperture_bytes)
			size <<= 1;
		return size;
	case GAON_BAR_DOORBELL:
		return (uint64_t)GAON_CONTEXTS * GAON_DOORBELL_STRIDE;
	default:
		return 0;
	}
}

uint64_t gaon_sim_bar_size(struct gaon_sim *sim, unsigned int bar)
{
	return sim_pci_bar_size(sim, bar);
}

static void config_header(struct gaon_sim *sim, struct sim_pci *pci)
{
	config_set(pci, 0x00, GAON_PCI_VENDOR, 2, 0);
	config_set(pci, 0x02, GAON_PCI_DEVICE, 2, 0);
	config_set(pci, 0x04, 0, 2, 0x0546);		/* memory, master, parity, SERR, INTx off */
	config_set(pci, 0x06, 0x0010, 2, 0);		/* capabilities */
	pci->clear[0x07] = 0xf9;
	config_set(pci, 0x08, 1 | (uint64_t)GAON_PCI_CLASS << 8, 4, 0);
	config_set(pci, 0x0c, 0, 1, 0xff);
	config_set(pci, 0x10, 0x0, 4, ~(sim_pci_bar_size(sim, 0) - 1));
	config_set(pci, 0x18, 0xc, 8, ~(sim_pci_bar_size(sim, 2) - 1));	/* 64-bit, prefetchable */
	config_set(pci, 0x20, 0x4, 8, ~(sim_pci_bar_size(sim, 4) - 1));	/* 64-bit */
	config_set(pci, 0x2c, GAON_PCI_SUBVENDOR, 2, 0);
	config_set(pci, 0x2e, GAON_PCI_SUBDEVICE, 2, 0);
	config_set(pci, 0x34, CAP_PM, 1, 0);
	config_set(pci, 0x3c, 0, 1, 0xff);
}

static void config_capabilities(struct gaon_sim *sim, struct sim_pci *pci)
{
	config_set(pci, CAP_PM, 0x01 | CAP_MSIX << 8 | 0x0003u << 16, 4, 0);
	config_set(pci, CAP_PM + 4, 0x0008, 2, 0x0003);	/* no soft reset */

	config_set(pci, CAP_MSIX, 0x11 | CAP_EXP << 8, 2, 0);
	config_set(pci, CAP_MSIX + 2, sim->config.msix_vectors - 1, 2, MSIX_ENABLE | MSIX_MASK_ALL);
	config_set(pci, CAP_MSIX + 4, GAON_MSIX_TABLE | GAON_BAR_REGS, 4, 0);
	config_set(pci, CAP_MSIX + 8, GAON_MSIX_PBA | GAON_BAR_REGS, 4, 0);

	config_set(pci, CAP_EXP, 0x10 | CAP_VENDOR << 8 | 0x0002u << 16, 4, 0);
	config_set(pci, CAP_EXP + 0x04, 1u << 28 | 1u << 15 | 1, 4, 0);	/* FLR, 256-byte payload */
	config_set(pci, CAP_EXP + 0x08, 0x2810, 2, 0x7eff);
	pci->clear[CAP_EXP + 0x0a] = 0x0f;
	config_set(pci, CAP_EXP + 0x0c, 16u << 4 | 4, 4, 0);		/* 16 GT/s, x16 */
	config_set(pci, CAP_EXP + 0x10, 0, 2, 0x01c3);
	config_set(pci, CAP_EXP + 0x12, 16u << 4 | 4, 2, 0);
	config_set(pci, CAP_EXP + 0x24, 0x1f, 4, 0);			/* completion timeout ranges */
	config_set(pci, CAP_EXP + 0x28, 0, 2, 0x001f);
	config_set(pci, CAP_EXP + 0x2c, 0x1e, 4, 0);
	config_set(pci, CAP_EXP + 0x30, 4, 2, 0x000f);

	config_set(pci, CAP_VENDOR, 0x09 | GAON_PCI_VSEC_LENGTH << 16, 4, 0);
	config_set(pci, CAP_VENDOR + 4, GAON_PCI_VSEC_MAGIC, 8, 0);
}

static void config_extended(struct gaon_sim *sim, struct sim_pci *pci)
{
	uint64_t serial;

	config_set(pci, EXT_AER, 0x0001 | 2u << 16 | (uint32_t)EXT_SERIAL << 20, 4, 0);
	memset(pci->clear + EXT_AER + 4, 0xff, 4);
	config_set(pci, EXT_AER + 0x08, 0, 4, 0x07fff030);
	config_set(pci, EXT_AER + 0x0c, 0x00462030, 4, 0x07fff030);
	memset(pci->clear + EXT_AER + 0x10, 0xff, 4);
	config_set(pci, EXT_AER + 0x14, 0x2000, 4, 0xf1c1);

	memcpy(&serial, sim->identify.serial + sizeof(sim->identify.serial) - sizeof(serial), sizeof(serial));
	config_set(pci, EXT_SERIAL, 0x0003 | 1u << 16, 4, 0);
	config_set(pci, EXT_SERIAL + 4, serial, 8, 0);
}

void sim_pci_reset(struct gaon_sim *sim)
{
	struct sim_pci *pci = sim->pci;

	memset(pci->config, 0, sizeof(pci->config));
	memset(pci->writable, 0, sizeof(pci->writable));
	memset(pci->clear, 0, sizeof(pci->clear));
	config_header(sim, pci);
	config_capabilities(sim, pci);
	config_extended(sim, pci);
	for (unsigned int i = 0; i < GAON_MSIX_VECTORS; i++) {
		pci->table[i].addr = 0;
		pci->table[i].data = 0;
		pci->table[i].control = 1;
	}
	pci->pending = 0;
	pci->held = 0;
	atomic_store(&pci->memory, false);
	atomic_store(&sim->bus_master, false);
}

int sim_pci_create(struct gaon_sim *sim)
{
	sim->pci = calloc(1, sizeof(*sim->pci));
	if (!sim->pci)
		return -ENOMEM;
	sim_pci_reset(sim);
	return 0;
}

void sim_pci_destroy(struct gaon_sim *sim)
{
	free(sim->pci);
	sim->pci = NULL;
}

bool sim_pci_memory_enabled(struct gaon_sim *sim)
{
	return atomic_load_explicit(&sim->pci->memory, memory_order_relaxed);
}

/* --- MSI-X --------------------------------------------------------------------------------------- */

static uint16_t msix_control(const struct sim_pci *pci)
{
	return pci->config[CAP_MSIX + 2] | pci->config[CAP_MSIX + 3] << 8;
}

static void msix_deliver(struct gaon_sim *sim)
{
	struct sim_pci *pci = sim->pci;
	uint16_t control = msix_control(pci);

	if (!(control & MSIX_ENABLE) || (control & MSIX_MASK_ALL) || !atomic_load(&sim->bus_master))
		return;
	for (unsigned int i = 0; i < sim->config.msix_vectors; i++) {
		if (!(pci->pending >> i & 1) || (pci->table[i].control & 1))
			continue;
		pci->pending &= ~(1u << i);
		if (sim->ops.interrupt)
			sim->ops.interrupt(sim->ops_ctx, i);
	}
}

void sim_msix_raise(struct gaon_sim *sim, unsigned int vector)
{
	sim_run_notify(sim);
	/* The last vector stands for those that a function with fewer does not have. */
	if (vector >= sim->config.msix_vectors)
		vector = sim->config.msix_vectors - 1;
	if (sim->config.effects == GAON_SIM_EFFECTS_LATE) {
		sim->pci->held |= 1u << vector;
		sim_run_poke(sim);
		return;
	}
	sim->pci->pending |= 1u << vector;
	msix_deliver(sim);
}

void sim_msix_flush(struct gaon_sim *sim)
{
	if (!sim->pci->held)
		return;
	sim->pci->pending |= sim->pci->held;
	sim->pci->held = 0;
	msix_deliver(sim);
}

void gaon_sim_msix_unmask(struct gaon_sim *sim, uint32_t unmasked)
{
	sim_lock(sim);
	for (unsigned int i = 0; i < sim->config.msix_vectors; i++)
		sim->pci->table[i].control = !(unmasked >> i & 1);
	msix_deliver(sim);
	sim_unlock(sim);
}

uint64_t sim_msix_read(struct gaon_sim *sim, uint64_t offset, unsigned int len)
{
	struct sim_pci *pci = sim->pci;
	uint64_t vector = (offset - GAON_MSIX_TABLE) / 16;
	uint64_t value = 0;

	if (offset >= GAON_MSIX_PBA) {
		if (offset == GAON_MSIX_PBA)
			value = pci->pending;
		return value;
	}
	if (vector >= sim->config.msix_vectors)
		return 0;
	if (offset & 8)
		value = pci->table[vector].data | (uint64_t)pci->table[vector].control << 32;
	else
		value = pci->table[vector].addr;
	if (len == 8)
		return value;
	return offset & 4 ? value >> 32 : (uint32_t)value;
}

void sim_msix_write(struct gaon_sim *sim, uint64_t offset, uint64_t value, unsigned int len)
{
	struct sim_pci *pci = sim->pci;
	uint64_t vector = (offset - GAON_MSIX_TABLE) / 16;
	uint64_t word;

	if (vector >= sim->config.msix_vectors)
		return;
	if (!(offset & 8)) {
		sim_regs_merge64(&pci->table[vector].addr, offset & 4, value, len);
		return;
	}
	word = pci->table[vector].data | (uint64_t)pci->table[vector].control << 32;
	sim_regs_merge64(&word, offset & 4, value, len);
	pci->table[vector].data = word;
	pci->table[vector].control = word >> 32 & 1;
	msix_deliver(sim);
}

/* --- accesses ------------------------------------------------------------------------------------ */

static bool config_access_valid(unsigned int offset, size_t len)
{
	return (len == 1 || len == 2 || len == 4 || len == 8) && offset < CONFIG_BYTES &&
	       !(offset & (len - 1));
}

void gaon_sim_config_read(struct gaon_sim *sim, unsigned int offset, void *data, size_t len)
{
	if (!config_access_valid(offset, len)) {
		memset(data, 0xff, len);
		return;
	}
	sim_lock(sim);
	if (sim->pulled)
		memset(data, 0xff, len);
	else
		memcpy(data, sim->pci->config + offset, len);
	sim_unlock(sim);
}

static bool config_touches(unsigned int offset, size_t len, unsigned int reg)
{
	return offset <= reg && reg < offset + len;
}

/* Memory decoding and bus mastering follow the command register and the power state. */
static void config_apply_command(struct gaon_sim *sim)
{
	struct sim_pci *pci = sim->pci;
	bool on = !(pci->config[CAP_PM + 4] & 3);
	bool master = on && (pci->config[4] & COMMAND_MASTER);
	bool was = atomic_load(&sim->bus_master);

	atomic_store(&pci->memory, on && (pci->config[4] & COMMAND_MEMORY));
	atomic_store(&sim->bus_master, master);
	if (was && !master) {
		/* No access may be under way, nor a host pointer kept, once the write has returned. */
		sim_run_quiesce_begin(sim);
		sim_run_quiesce_end(sim);
	}
	if (!was && master) {
		msix_deliver(sim);
		sim_run_poke(sim);
	}
}

void gaon_sim_config_write(struct gaon_sim *sim, unsigned int offset, const void *data, size_t len)
{
	struct sim_pci *pci = sim->pci;
	const uint8_t *in = data;
	bool flr = false;

	if (!config_access_valid(offset, len))
		return;
	sim_lock(sim);
	for (size_t i = 0; i < len && !sim->pulled; i++) {
		uint8_t *byte = &pci->config[offset + i];
		uint8_t mask = pci->writable[offset + i];

		*byte = (*byte & ~mask) | (in[i] & mask);
		*byte &= ~(in[i] & pci->clear[offset + i]);
		if (offset + i == CAP_EXP + 9)
			flr = in[i] & DEVCTL_FLR >> 8;
	}
	if (flr)
		sim_reset_chip(sim, SIM_RESET_FUNCTION);
	else if (config_touches(offset, len, 4) || config_touches(offset, len, CAP_PM + 4))
		config_apply_command(sim);
	if (config_touches(offset, len, CAP_MSIX + 3))
		msix_deliver(sim);
	sim_unlock(sim);
}
