// SPDX-License-Identifier: MIT
/* C on the management core: write() and putchar through tohost, then an exit status of 42. */
#include <stdint.h>

volatile uint64_t tohost __attribute__((section(".tohost"), aligned(64)));
volatile uint64_t fromhost __attribute__((section(".tohost"), aligned(64)));

static uint64_t host_call(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
	volatile uint64_t block[8] __attribute__((aligned(64))) = { number, a, b, c };

	__asm__ volatile("fence" ::: "memory");
	tohost = (uintptr_t)block;
	while (!fromhost)
		;
	fromhost = 0;
	return block[0];
}

static void put(char c)
{
	tohost = 0x0101ull << 48 | (uint8_t)c;
	while (!fromhost)
		;
	fromhost = 0;
}

void start(void);

__attribute__((naked, section(".text.start"))) void _start(void)
{
	__asm__ volatile("la sp, stack_end\n\tj start\n\t"
			 ".bss\n\t.balign 16\n\t.skip 4096\nstack_end:\n\t.previous");
}

void start(void)
{
	static const char text[] = "hello from the management core\n";

	host_call(64, 1, (uintptr_t)text, sizeof(text) - 1);
	for (const char *s = "bye\n"; *s; s++)
		put(*s);
	tohost = 42 << 1 | 1;
	for (;;)
		;
}
