/* SPDX-License-Identifier: MIT */
/* What the firmware's parts know of each other. */
#ifndef GAON_FW_FW_H
#define GAON_FW_FW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hw/gaon_admin.h>
#include <hw/gaon_event.h>
#include <hw/gaon_packet.h>
#include <hw/gaon_regs.h>

#include "reg.h"

#define FW_NONE			0xffffu		/* no queue, no slot */
#define FW_SLOTS_MAX		64
#define FW_TIME_NEVER		UINT64_MAX
#define FW_NS_PER_MS		1000000u

/* libc.c; the compiler calls the first four by itself */
void *memcpy(void *dst, const void *src, size_t len);
void *memmove(void *dst, const void *src, size_t len);
void *memset(void *dst, int value, size_t len);
int memcmp(const void *a, const void *b, size_t len);
bool fw_is_zero(const void *data, size_t len);

/* dma.c: false when memory did not answer; the destination may then hold a part */
bool dma_read(uint64_t pa, void *sram, uint32_t len);
bool dma_write(uint64_t pa, const void *sram, uint32_t len);

/* log.c: %u, %x and %s, 32-bit arguments */
enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
void log_flush(void);
uint32_t log_setup(uint64_t pa, uint32_t bytes, uint32_t level);

/* timer.c */
uint64_t timer_now(void);
void timer_arm(uint64_t when);
bool timer_due(void);

/* panic.c */
_Noreturn void fw_panic(uint32_t code);
_Noreturn void fw_panic_trap(uint32_t cause, uint32_t pc, uint32_t value);
_Noreturn void fw_hang(void);

/* limits.c */
struct fw_limits {
	uint64_t launch_cycles;		/* watchdog for queues that name none */
	uint32_t preempt_ms;
	uint32_t heartbeat_ms;		/* 0: none */
	uint32_t slice_us;
};
extern struct fw_limits limits;
void limits_init(const struct gaon_identify *identify);
uint64_t limits_cycles(uint32_t us);
void heartbeat_beat(void);
/* Beats when it is time; when to come back. */
uint64_t heartbeat_service(void);
void heartbeat_restart(void);

/* power.c */
void power_init(void);
/* IRQ_POWER: power and temperature were measured. */
void power_measured(void);
/* Tells the host what changed, not too often; when to come back. */
uint64_t power_service(void);
/* The firmware's own fields. */
void power_telemetry(struct gaon_telemetry *t);

/* identify.c */
extern struct gaon_identify identify;
void identify_init(void);

/* admin.c: a command whose answer is due later leaves a ticket */
#define FW_DEFERRED		0xffffu
struct fw_ticket {
	uint32_t cookie;
	uint16_t opcode;		/* 0: no ticket; NOP is answered at once */
	uint16_t session;		/* answers to rings that were disabled are dropped */
};
void admin_init(void);
/* Commands that the host has published, a bounded number; true if there are more. */
bool admin_service(void);
void admin_reply(struct fw_ticket *ticket, uint32_t status);
/* Publishes indices and interrupts if something was answered since. */
void admin_flush(void);
/* GAON_ADMIN_ERR_*, 0, or FW_DEFERRED. @value: the reply's. */
uint32_t admin_execute(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
		       uint64_t value[6]);

/* Handlers, one file per subject */
typedef uint32_t fw_handler(const struct gaon_admin_cmd *cmd, const struct fw_ticket *ticket,
			    uint64_t value[6]);
fw_handler context_create, context_destroy, context_suspend, context_resume, context_reset;
fw_handler queue_create, queue_destroy, queue_suspend, queue_resume, queue_priority, queue_reset;
fw_handler queue_clear, queue_query, queue_restore, engine_reset;
fw_handler misc_identify, misc_features, misc_telemetry, misc_log, misc_limits, misc_inject,
	misc_retired, misc_core_state, misc_errors, misc_retire, misc_ports;
fw_handler power_set;

#endif
