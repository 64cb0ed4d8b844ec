// SPDX-License-Identifier: MIT
/* Gathers, scatters, adds, waits and prints: the kernel of tests/conformance/ops_device.c. */
#include <gaon/device.h>

struct kit { uint32_t *table, *rows, *out; uint64_t *sums; uint32_t *index; };

static uint32_t calls[4] = { 10, 20, 30, 40 };
static uint32_t *const where[2] = { &calls[1], &calls[3] };

GAON_KERNEL(kit, struct kit, GAON_COOPERATIVE, .spm_bytes = 65536)
{
	uint32_t *spm = gaon_spm(uint32_t, 0), me = gaon_wg_linear(), all = gaon_workgroups();
	uint64_t sum = 0;

	/* Gather eight rows of 16 words by index, scatter them elsewhere in the reverse order. */
	gaon_dma_gather(0, spm, 64, args->table, 64, 64, args->index + 8 * me, 8);
	gaon_wait(GAON_ENGINE_DMA0, 0);
	for (int i = 0; i < 128; i++)
		sum += spm[i];
	gaon_atomic_add_u64(args->sums, sum);
	gaon_dma_store_2d(1, args->out + 128 * me, 64, spm + 7 * 16, -64, 64, 8);
	gaon_fence();
	gaon_barrier();
	/* After the barrier every workgroup sees the whole sum. */
	args->sums[1 + me] = gaon_atomic_load_u64(args->sums);
	/* A token goes round once. */
	if (me)
		gaon_sem_wait(1, 3);
	args->rows[0] = args->rows[0] * 10 + me;
	gaon_sem_post((me + 1) % all, 3);
	if (!me)
		gaon_sem_wait(1, 3);
	if (!me) {
		*where[0] += 5;
		gaon_printf("%d %s %.2f %c %llx|%u\n", -7, "text", 2.5f, 'z', 0xabcdef0123ull,
			    *where[0] + *where[1]);
	}
}
