// SPDX-License-Identifier: MIT
/*
 * Everything that host, firmware and user can say to the device: configuration space, BARs,
 * doorbells, the management core's registers, and the contents of host memory with page tables,
 * rings and state blocks in it.  The input is a list of actions; nothing may crash or hang.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "../../tools/sim/dev/devside.h"
#include "input.h"

#define HOST_BYTES	(1ull << 20)
#define HOST_IOVA	0x100000ull
#define HOST_PA		(GAON_PA_HOST | HOST_IOVA)

/* Layout of host memory, in pages. */
#define PAGE_TABLES	0	/* root, two directories, a table */
#define PAGE_RINGS	8
#define PAGE_STATE	12
#define PAGE_CODE	16
#define USER_VA		0x200000ull	/* maps all of host memory */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct gaon_sim *sim;
static uint8_t *mem;

static uint8_t *dma_map(void *ctx, uint64_t iova, uint64_t *len, bool write)
{
	uint64_t offset = iova - HOST_IOVA;

	(void)ctx;
	(void)write;
	if (offset >= HOST_BYTES)
		return NULL;
	if (*len > HOST_BYTES - offset)
		*len = HOST_BYTES - offset;
	return mem + offset;
}

static void create(void)
{
	struct gaon_sim_config c = {
		.size = sizeof(c), .hbm_bytes = 16ull << 20, .spm_bytes = 65536, .cores = 2, .slots = 4,
		.threads = 1, .debug_fuse = true, .vlen = 256,
	};
	struct gaon_sim_host_ops ops = { .dma_map = dma_map };

	mem = mmap(NULL, HOST_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	sim = gaon_sim_create(&c, &ops, NULL);
	if (mem == MAP_FAILED || !sim)
		abort();
}

/* A context and two queues that work, for the input to spoil. */
static void prepare(void)
{
	uint64_t rwxu = GAON_PTE_R | GAON_PTE_W | GAON_PTE_X | GAON_PTE_U;
	uint64_t (*table)[512] = (void *)mem;
	uint16_t command = 6;

	gaon_sim_reset(sim);
	gaon_sim_config_write(sim, 4, &command, 2);
	memset(mem, 0, HOST_BYTES);
	table[0][0] = gaon_pte_table(HOST_PA + 4096);
	table[1][0] = gaon_pte_table(HOST_PA + 8192);
	table[2][1] = gaon_pte_table(HOST_PA + 12288);
	for (unsigned int i = 0; i < HOST_BYTES / 4096; i++)
		table[3][i] = gaon_pte_leaf(HOST_PA + 4096 * i, rwxu);
	pthread_mutex_lock(&sim->lock);
	sim->contexts[1].enabled = true;
	sim->contexts[1].asid = 1;
	sim->contexts[1].root_pa = HOST_PA;
	for (unsigned int q = 0; q < 2; q++) {
		struct sim_slot_fields f = {
			.index = q, .queue = q, .context = 1, .log2 = 4,
			.ring_va = USER_VA + 4096 * (PAGE_RINGS + q),
			.state_va = USER_VA + 4096 * PAGE_STATE + 64 * q,
		};

		sim_doorbell_map(sim, q, 1, q);
		sim_slot_command(sim, GAON_SLOT_CMD_LOAD, &f);
	}
	pthread_mutex_unlock(&sim->lock);
}

/* Packet @n of queue @q from the input, most fields plausible. */
static void put_packet(struct fuzz_input *in)
{
	uint8_t where = fuzz_take(in, 1);
	unsigned int q = where & 1;
	struct gaon_queue_state *st = (void *)(mem + 4096 * PAGE_STATE + 64 * q);
	struct gaon_packet *pkt = (void *)(mem + 4096 * (PAGE_RINGS + q));
	struct gaon_packet p = { .type = 1 + fuzz_take(in, 1) % 12, .flags = fuzz_take(in, 1) };

	for (unsigned int i = 0; i < 5; i++) {
		uint8_t kind = fuzz_take(in, 1);

		p.payload[i] = kind & 0x80 ? fuzz_take(in, 8) :
			       kind & 0x40 ? USER_VA + fuzz_take(in, 2) * 8 : kind;
	}
	if (p.flags & GAON_PKT_F_SIGNAL)
		p.signal_va = USER_VA + fuzz_take(in, 2) * 8;
	p.signal_value = fuzz_take(in, 1);
	pkt[st->write++ & 15] = p;
	gaon_sim_doorbell(sim, 1, q);
}

static void poke_memory(struct fuzz_input *in)
{
	uint64_t offset = fuzz_take(in, 3) % HOST_BYTES;
	uint8_t bytes = fuzz_take(in, 1) % 32;

	for (uint64_t i = 0; i < bytes; i++)
		mem[(offset + i) % HOST_BYTES] = fuzz_take(in, 1);
}

static void touch_mcu(struct fuzz_input *in)
{
	uint8_t what = fuzz_take(in, 1);
	uint32_t reg = GAON_MCU_REGS + fuzz_take(in, 2) % (GAON_MCU_REGS_SIZE / 4) * 4;
	uint32_t value = fuzz_take(in, what & 2 ? 4 : 1);

	pthread_mutex_lock(&sim->lock);
	if (what & 1)
		sim_mcubus_write(sim, reg, what & 4 ? 2 : 4, value);
	else
		sim_mcubus_read(sim, reg, 4, &value);
	pthread_mutex_unlock(&sim->lock);
}

static void touch_bar(struct fuzz_input *in)
{
	uint8_t what = fuzz_take(in, 1);
	unsigned int bar = what >> 1 & 7, len = 1u << (what >> 4 & 3);
	uint64_t offset = fuzz_take(in, 3);

	if (what & 0x80)
		offset = offset % GAON_REG_LIMIT & ~3ull;
	if (what & 1)
		gaon_sim_bar_write(sim, bar, offset, fuzz_take(in, len), len);
	else
		gaon_sim_bar_read(sim, bar, offset, len);
}

static void touch_config(struct fuzz_input *in)
{
	uint8_t what = fuzz_take(in, 1), data[8];
	unsigned int offset = fuzz_take(in, 2) & 4095, len = 1u << (what >> 1 & 3);
	uint64_t value = fuzz_take(in, len);

	memcpy(data, &value, 8);
	if (what & 1)
		gaon_sim_config_write(sim, offset, data, len);
	else
		gaon_sim_config_read(sim, offset, data, len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input in = { data, size };

	if (!sim)
		create();
	prepare();
	for (unsigned int steps = 0; in.left && steps < 300; steps++) {
		uint8_t action = fuzz_take(&in, 1);

		switch (action % 8) {
		case 0:
			touch_config(&in);
			break;
		case 1:
		case 2:
			touch_bar(&in);
			break;
		case 3:
			touch_mcu(&in);
			break;
		case 4:
			poke_memory(&in);
			break;
		case 5:
			put_packet(&in);
			break;
		case 6:
			gaon_sim_doorbell(sim, fuzz_take(&in, 2), fuzz_take(&in, 2));
			break;
		default:
			gaon_sim_run(sim, NULL, 0, 50000);
			break;
		}
	}
	gaon_sim_run(sim, NULL, 0, 500000);
	return 0;
}
