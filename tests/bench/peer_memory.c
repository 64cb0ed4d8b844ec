// SPDX-License-Identifier: MIT
/* What the host's memory can do: memcpy, and reading with several threads. */
#include <immintrin.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench.h"

#define COPY_BYTES	((size_t)64 << 20)

/*
 * GB/s of memcpy between two touched buffers.  Both addresses escape into the assembler statements:
 * a source that the compiler knows to hold one value makes a memset of the copy, three times as fast.
 */
static double memory_memcpy(void)
{
	const size_t bytes = COPY_BYTES;
	char *a = aligned_alloc(4096, bytes), *b = aligned_alloc(4096, bytes);
	double best = -1;

	if (a && b) {
		memset(a, 1, bytes);
		memset(b, 2, bytes);
		for (int i = 0; i < 5; i++) {
			double start, seconds;

			b[i] = (char)i;
			__asm__ volatile("" ::"r"(a), "r"(b) : "memory");
			start = bench_now();
			memcpy(a, b, bytes);
			__asm__ volatile("" ::"r"(a), "r"(b) : "memory");
			seconds = bench_now() - start;
			if (best < 0 || seconds < best)
				best = seconds;
		}
	}
	free(a);
	free(b);
	return best > 0 ? (double)bytes / best * 1e-9 : -1;
}

#define READ_BYTES	((size_t)256 << 20)

__attribute__((target("avx2"))) static void *read_memory(void *arg)
{
	const __m256i *p = arg, *end = (const __m256i *)((char *)arg + READ_BYTES);
	__m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0;

	for (; p < end; p += 4) {
		s0 = _mm256_xor_si256(s0, p[0]);
		s1 = _mm256_xor_si256(s1, p[1]);
		s2 = _mm256_xor_si256(s2, p[2]);
		s3 = _mm256_xor_si256(s3, p[3]);
	}
	s0 = _mm256_xor_si256(_mm256_xor_si256(s0, s1), _mm256_xor_si256(s2, s3));
	return (void *)(uintptr_t)(_mm256_extract_epi64(s0, 0) & 1);
}

/* GB/s that all threads together read from memory. */
static double memory_read(void)
{
	unsigned int threads = bench_threads();
	size_t bytes = READ_BYTES * threads;
	pthread_t ids[64];
	double best = -1;
	char *memory;

	if (!threads || threads > 64)
		return -1;
	memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return -1;
	memset(memory, 1, bytes);
	for (int round = 0; round < 4; round++) {
		double start = bench_now(), seconds;

		for (unsigned int i = 0; i < threads; i++) {
			if (pthread_create(&ids[i], NULL, read_memory, memory + READ_BYTES * i))
				abort();
		}
		for (unsigned int i = 0; i < threads; i++)
			pthread_join(ids[i], NULL);
		seconds = bench_now() - start;
		if (best < 0 || seconds < best)
			best = seconds;
	}
	munmap(memory, bytes);
	return (double)bytes / best * 1e-9;
}

const struct bench_probe bench_probes_memory[] = {
	{ "memory_memcpy", memory_memcpy },
	{ "memory_read", memory_read },
	{ NULL, NULL },
};
