// SPDX-License-Identifier: MIT
/* Boot and the main loop: everything that happens starts with an interrupt line. */
#include "fw.h"
#include "sched.h"
#include "version.h"

_Noreturn void fw_main(void);

#define MIE_MTIE	(1u << 7)
#define MIE_MEIE	(1u << 11)

static void boot(void)
{
	identify_init();
	if (!identify.slots || identify.slots > FW_SLOTS_MAX)
		fw_panic(GAON_PANIC_SHAPE);
	limits_init(&identify);
	power_init();
	sched_init(identify.slots);
	admin_init();
	log_line(LOG_INFO, "%s up: %u cores, %u slots", FW_BUILD, identify.cores, identify.slots);
	reg_write(GAON_MCU_FW_VERSION, FW_VERSION);
	reg_write(GAON_MCU_FW_ABI, GAON_ABI_MIN << 16 | GAON_ABI_MAX);
	reg_write(GAON_MCU_IRQ_ENABLE, GAON_MCU_IRQ_ADMIN | GAON_MCU_IRQ_SLOT | GAON_MCU_IRQ_PENDQ |
				       GAON_MCU_IRQ_POWER);
	/*
	 * The lines wake wfi, but mstatus.MIE stays 0: what happens is looked at in one place and in
	 * one order, and no state needs to be guarded against a handler.
	 */
	__asm__ volatile("csrw mie, %0" :: "r"(MIE_MTIE | MIE_MEIE));
	reg_write(GAON_MCU_STATE, GAON_STATE_READY);
}

/* One pass; true if something is left that no interrupt line will tell of. */
static bool serve(void)
{
	uint32_t pending = reg_read(GAON_MCU_IRQ_PENDING);
	bool more = false;

	if (pending & GAON_MCU_IRQ_ADMIN)
		reg_write(GAON_MCU_IRQ_PENDING, GAON_MCU_IRQ_ADMIN);
	if (pending & GAON_MCU_IRQ_POWER) {
		reg_write(GAON_MCU_IRQ_PENDING, GAON_MCU_IRQ_POWER);
		power_measured();
	}
	more |= admin_service();
	more |= sched_events();
	more |= sched_doorbells();
	return more;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

_Noreturn void fw_main(void)
{
	boot();
	heartbeat_beat();
	for (;;) {
		bool more = serve();

		sched_service();
		sched_run();
		timer_arm(earlier(power_service(), earlier(sched_deadline(), heartbeat_service())));
		admin_flush();
		log_flush();
		if (more || timer_due())
			continue;
		__asm__ volatile("wfi" ::: "memory");
	}
}
