/* SPDX-License-Identifier: MIT */
/*
 * Words for what the device reports by number, so that the driver's messages and the runtime's say
 * the same of the same. All of these take any number, from a device that may lie, and return a
 * static string.
 */
#ifndef GAON_HW_TEXT_H
#define GAON_HW_TEXT_H

#include "gaon_event.h"
#include "gaon_fwimage.h"
#include "gaon_regs.h"

/**
 * gaon_state_name() - name of a GAON_STATE_*
 * @state: what the register read
 *
 * Return: the name; "GONE" for all ones and whatever else no device says.
 */
static inline const char *gaon_state_name(uint32_t state)
{
	static const char *const name[] = {
		[GAON_STATE_RESET] = "RESET",
		[GAON_STATE_ROM] = "ROM",
		[GAON_STATE_LOADING] = "LOADING",
		[GAON_STATE_READY] = "READY",
		[GAON_STATE_DEGRADED] = "DEGRADED",
		[GAON_STATE_FATAL] = "FATAL",
	};

	return state < sizeof(name) / sizeof(name[0]) ? name[state] : "GONE";
}

/**
 * gaon_boot_error_text() - why a device is FATAL
 * @error: GAON_REG_BOOT_ERROR
 *
 * Return: a clause that can follow a colon.
 */
static inline const char *gaon_boot_error_text(uint32_t error)
{
	static const char *const text[] = {
		[GAON_BOOT_OK] = "no error",
		[GAON_BOOT_ADDRESS] = "the image is not readable by the device",
		[GAON_BOOT_TRUNCATED] = "the image is truncated",
		[GAON_BOOT_MAGIC] = "the file is no firmware image",
		[GAON_BOOT_HEADER] = "the image's header is damaged or of another version",
		[GAON_BOOT_CHIP] = "the image is for another chip",
		[GAON_BOOT_HASH] = "the image's contents are damaged (SHA-256 differs)",
		[GAON_BOOT_SIGNATURE] = "the image is not signed by a key that the device trusts",
		[GAON_BOOT_ROLLBACK] = "the image is older than the device's rollback fuses allow",
		[GAON_BOOT_RANGE] = "the image does not fit the device's memory",
		[GAON_BOOT_CRASH] = "the firmware crashed",
		[GAON_BOOT_TIMEOUT] = "the firmware did not become ready in time",
		[GAON_BOOT_PANIC] = "the firmware gave up",
	};

	if (error == (GAON_BOOT_PANIC | GAON_PANIC_HEAT << GAON_PANIC_SHIFT))
		return "it became too hot: the firmware gave up";
	error &= 0xffff;
	return error < sizeof(text) / sizeof(text[0]) ? text[error] : "unknown boot error";
}

/**
 * gaon_fw_fault_text() - what is wrong with a firmware image
 * @fault: what gaon_fw_header_check() said
 *
 * Return: a clause that can follow a colon.
 */
static inline const char *gaon_fw_fault_text(int fault)
{
	switch (fault) {
	case GAON_FW_FAULT_NONE:
		return "nothing is wrong with it";
	case GAON_FW_FAULT_SIZE:
		return "it is truncated or too long";
	case GAON_FW_FAULT_MAGIC:
		return "it is no firmware image";
	case GAON_FW_FAULT_CHIP:
		return "it is for another chip";
	default:
		return "its header is damaged or of another version";
	}
}

/**
 * gaon_fault_name() - name of a GAON_FAULT_*
 * @type: of a fault record
 *
 * Return: the name, in lower case.
 */
static inline const char *gaon_fault_name(uint16_t type)
{
	static const char *const name[GAON_FAULT_TYPES] = {
		[GAON_FAULT_NONE] = "no fault",
		[GAON_FAULT_PAGE] = "page fault",
		[GAON_FAULT_PERMISSION] = "permission fault",
		[GAON_FAULT_ILLEGAL] = "illegal instruction",
		[GAON_FAULT_MISALIGNED] = "misaligned access",
		[GAON_FAULT_WATCHDOG] = "watchdog",
		[GAON_FAULT_BAD_PACKET] = "bad packet",
		[GAON_FAULT_SPM_BOUNDS] = "scratchpad bounds",
		[GAON_FAULT_ECC] = "uncorrectable memory error",
		[GAON_FAULT_LINK] = "link error",
		[GAON_FAULT_FIRMWARE] = "firmware error",
		[GAON_FAULT_RESET] = "reset",
		[GAON_FAULT_BREAK] = "failed assertion",
		[GAON_FAULT_ECALL] = "ecall",
		[GAON_FAULT_BUS] = "bus error",
		[GAON_FAULT_BAD_DESCRIPTOR] = "bad descriptor",
		[GAON_FAULT_PREEMPT] = "preemption timeout",
	};

	return type < GAON_FAULT_TYPES ? name[type] : "unknown fault";
}

/**
 * gaon_access_name() - name of a GAON_ACCESS_*
 * @access: of a fault record
 *
 * Return: the name, "access" if it is not known which.
 */
static inline const char *gaon_access_name(uint8_t access)
{
	static const char *const name[] = {
		[GAON_ACCESS_NONE] = "access",
		[GAON_ACCESS_FETCH] = "fetch",
		[GAON_ACCESS_READ] = "read",
		[GAON_ACCESS_WRITE] = "write",
		[GAON_ACCESS_ATOMIC] = "atomic",
	};

	return access < sizeof(name) / sizeof(name[0]) ? name[access] : "access";
}

#endif
