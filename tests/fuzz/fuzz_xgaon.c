// SPDX-License-Identifier: MIT
/*
 * Hostile kernels: the input is code for the cores, which may start with custom instructions on
 * descriptors that are in the input as well.
 */
#include <string.h>

#include "engine_lib.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CODE_OFFSET	0x200000
#define DATA_OFFSET	0x400000

static struct engine *e;
static struct engine_queue *q;

/* x10 = the data, x11..x13 = descriptors in it, x14 = scratchpad; then the input's instructions. */
static const uint32_t prologue[] = {
	0x00050593,	/* mv a1, a0 */
	0x08050613,	/* addi a2, a0, 128 */
	0x10050693,	/* addi a3, a0, 256 */
	0x7f000737,	/* lui a4, 0x7f000 */
	0x01071713,	/* slli a4, a4, 16 */
	0x00100793,	/* li a5, 1 */
};

static void setup(void)
{
	struct gaon_sim_config config = { .threads = 1, .spm_bytes = 1 << 20, .vlen = 512 };

	e = engine_create(&config);
	engine_map(e, 1, VA_HBM + CODE_OFFSET, PA_HBM + CODE_OFFSET, GAON_HUGE_SIZE,
		   GAON_PTE_R | GAON_PTE_W | GAON_PTE_X | GAON_PTE_U, GAON_HUGE_SIZE);
	q = engine_queue(e, 0, GAON_QUEUE_KIND_USER, 1, true, 100000);
}

/* Make descriptors land in memory that exists more often than chance would. */
static void steer(uint8_t *bytes)
{
	struct gaon_dma_desc d;
	struct gaon_gemm_desc g;

	memcpy(&d, bytes, sizeof(d));
	if (!(d.reserved0[0] & 0x80)) {
		d.type &= 1;
		memset(d.reserved0, 0, sizeof(d.reserved0));
		d.flags &= GAON_DMA_FLAGS;
		d.mem_va = VA_HBM + DATA_OFFSET + (d.mem_va & 0xffff);
		d.spm_va = GAON_VA_SPM + (d.spm_va & 0x3ffff);
		d.index_va = d.type ? VA_HBM + (d.index_va & 0xfff8) : 0;
		d.bytes &= 0xfff;
		for (unsigned int i = 0; i < 3; i++) {
			d.count[i] &= 15;
			d.spm_stride[i] = d.spm_stride[i] % 8192;
			d.mem_stride[i] = d.mem_stride[i] % 8192;
		}
		memcpy(bytes, &d, sizeof(d));
	}
	memcpy(&g, bytes + 128, sizeof(g));
	if (!(g.reserved0 & 0x80)) {
		uint64_t *operand[] = { &g.a, &g.b, &g.c, &g.d };

		g.reserved0 = 0;
		memset(g.reserved1, 0, sizeof(g.reserved1));
		g.flags &= GAON_GEMM_FLAGS;
		g.m &= 63, g.n &= 63, g.k &= 127;
		for (unsigned int i = 0; i < 4; i++)
			*operand[i] = GAON_VA_SPM + 0x20000 * i + (*operand[i] & 0xffff);
		if (g.flags & GAON_GEMM_B_MEMORY)
			g.b += VA_HBM - GAON_VA_SPM;
		g.lda &= 1023, g.ldb &= 1023, g.ldc &= 1023, g.ldd &= 1023;
		memcpy(bytes + 128, &g, sizeof(g));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gaon_packet pkt;
	uint8_t bytes[256] = { 0 };

	if (size < 8)
		return 0;
	if (!e)
		setup();
	memcpy(bytes, data, size < 256 ? size : 256);
	steer(bytes);
	memcpy(engine_hbm(e, DATA_OFFSET), bytes, sizeof(bytes));
	data += size < 256 ? size : 256;
	size -= size < 256 ? size : 256;
	size = size < 2048 ? size : 2048;
	memset(engine_hbm(e, CODE_OFFSET), 0, 4096);
	memcpy(engine_hbm(e, CODE_OFFSET), prologue, sizeof(prologue));
	memcpy(engine_hbm(e, CODE_OFFSET) + sizeof(prologue), data, size);
	e->sim->config.effects = bytes[3] % 3;
	/* The code was changed behind the device's back. */
	atomic_fetch_add(&e->sim->contexts[1].tlb_gen, 1);
	pkt = engine_launch(VA_HBM + CODE_OFFSET, VA_HBM + DATA_OFFSET, 1 + bytes[0] % 4, 1, 1);
	pkt.launch.spm_bytes = 512 << 10;
	pkt.launch.launch_flags = bytes[1] & 1 ? GAON_LAUNCH_COOPERATIVE : 0;
	engine_push(e, q, &pkt);
	engine_ring(e, q);
	gaon_sim_run(e->sim, NULL, 0, 200000);
	if (bytes[2] & 1)
		engine_preempt(e, q, 0);
	engine_run(e);
	if (e->sim->slots[0].status == GAON_SLOT_FAULTED)
		engine_clear(e, q);
	return 0;
}
