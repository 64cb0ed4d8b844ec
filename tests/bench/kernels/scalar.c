// SPDX-License-Identifier: MIT
/*
 * Scalar work in CoreMark's mix, written for this purpose: a linked list that is searched and
 * reversed, a small integer matrix product, a state machine over text, and a CRC over the results.
 */
#include <gaon/device.h>

#include "bench_kernels.h"

#define NODES	64
#define DIM	12

struct node {
	struct node *next;
	int16_t key, value;
};

struct work {
	struct node nodes[NODES];
	int16_t a[DIM][DIM], b[DIM][DIM];
	int32_t c[DIM][DIM];
	char text[128];
};

static uint16_t crc16(uint16_t crc, uint32_t value)
{
	for (int bit = 0; bit < 32; bit++) {
		uint32_t carry = (value ^ crc) & 1;

		value >>= 1;
		crc = (uint16_t)(crc >> 1) ^ (carry ? 0xa001 : 0);
	}
	return crc;
}

static struct node *list_reverse(struct node *head)
{
	struct node *out = NULL;

	while (head) {
		struct node *next = head->next;

		head->next = out;
		out = head;
		head = next;
	}
	return out;
}

static int list_find(const struct node *head, int key)
{
	for (; head; head = head->next) {
		if (head->key == key)
			return head->value;
	}
	return -1;
}

static int32_t matrix_work(struct work *w, int32_t seed)
{
	int32_t sum = 0;

	for (int i = 0; i < DIM; i++) {
		for (int j = 0; j < DIM; j++) {
			int32_t s = seed;

#pragma clang loop vectorize(disable) unroll(disable)
			for (int k = 0; k < DIM; k++)
				s += w->a[i][k] * w->b[k][j];
			w->c[i][j] = s;
			sum += s >> 3;
		}
	}
	return sum;
}

static uint32_t scan_numbers(const char *text, uint32_t length)
{
	uint32_t state = 0, counts[4] = { 0 };

#pragma clang loop vectorize(disable) unroll(disable)
	for (uint32_t i = 0; i < length; i++) {
		char c = text[i];

		switch (state) {
		case 0: state = c == '-' || c == '+' ? 1 : c >= '0' && c <= '9' ? 2 : 0; break;
		case 1: state = c >= '0' && c <= '9' ? 2 : 0; break;
		case 2: state = c == '.' ? 3 : c >= '0' && c <= '9' ? 2 : 0; break;
		default: state = c >= '0' && c <= '9' ? 3 : 0; break;
		}
		counts[state]++;
	}
	return counts[0] + counts[1] * 3 + counts[2] * 5 + counts[3] * 7;
}

static void work_init(struct work *w)
{
	static const char sample[] = "12.5,-77,x+9.25;abc,1000,.5,-3.25e7,";

	for (int i = 0; i < NODES; i++)
		w->nodes[i] = (struct node){ i + 1 < NODES ? &w->nodes[i + 1] : NULL,
					     (int16_t)(i * 7 % NODES), (int16_t)(i * i) };
	for (int i = 0; i < DIM * DIM; i++) {
		w->a[i / DIM][i % DIM] = (int16_t)(i * 5 - 60);
		w->b[i / DIM][i % DIM] = (int16_t)(77 - i * 3);
	}
	for (unsigned int i = 0; i < sizeof(w->text); i++)
		w->text[i] = sample[i % (sizeof(sample) - 1)];
}

GAON_KERNEL(bench_scalar, struct bench_scalar_args,
	    GAON_POINTERS(1, offsetof(struct bench_scalar_args, result)), GAON_SPM(struct work))
{
	struct work *w = gaon_spm_static(struct work);
	uint64_t *result = (uint64_t *)args->result + 2 * gaon_wg_linear();
	struct node *head = &w->nodes[0];
	uint64_t before = 0, after = 0;
	uint16_t crc = 0xffff;

	work_init(w);
#ifdef __riscv
	__asm__ volatile("rdinstret %0" : "=r"(before)::"memory");
#endif
	for (uint32_t i = 0; i < args->iterations; i++) {
		head = list_reverse(head);
		crc = crc16(crc, (uint32_t)list_find(head, (int)(i % NODES)));
		crc = crc16(crc, (uint32_t)matrix_work(w, crc));
		crc = crc16(crc, scan_numbers(w->text, sizeof(w->text)));
	}
#ifdef __riscv
	__asm__ volatile("rdinstret %0" : "=r"(after)::"memory");
#endif
	result[0] = crc;
	result[1] = after - before;
}

GAON_KERNEL(bench_nothing, struct bench_nothing_args)
{
	(void)args;
}
