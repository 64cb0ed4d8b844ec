// SPDX-License-Identifier: MIT
/* Ends of the line: the state becomes FATAL with a reason, and the core sleeps until a reset. */
#include "fw.h"

static bool panicking;

_Noreturn void fw_hang(void)
{
	for (;;)
		__asm__ volatile("csrw mie, zero\n\twfi" ::: "memory");
}

_Noreturn void fw_panic(uint32_t code)
{
	/* The log uses memory that may be what is broken: one try, and the register in any case. */
	if (!panicking) {
		panicking = true;
		log_line(LOG_ERROR, "panic %x", code);
		log_flush();
	}
	reg_write(GAON_MCU_PANIC, code);
	fw_hang();
}

_Noreturn void fw_panic_trap(uint32_t cause, uint32_t pc, uint32_t value)
{
	uint32_t code = GAON_PANIC_TRAP + (cause & 0xff);

	if (panicking) {
		reg_write(GAON_MCU_PANIC, code);
		fw_hang();
	}
	log_line(LOG_ERROR, "trap %x at %x, value %x", cause, pc, value);
	fw_panic(code);
}
