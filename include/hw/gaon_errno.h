/* SPDX-License-Identifier: MIT */
/* What the firmware's answers are in the system's errors: for the driver and the runtime alike. */
#ifndef GAON_HW_ERRNO_H
#define GAON_HW_ERRNO_H

#ifdef __KERNEL__
#include <linux/errno.h>
#else
#include <errno.h>
#endif

#include "gaon_admin.h"

/**
 * gaon_admin_errno() - what a status of the firmware means to callers
 * @status: GAON_ADMIN_OK or GAON_ADMIN_ERR_*
 *
 * Return: 0 or a negative error; -EPROTO for a number that is no status.
 */
static inline int gaon_admin_errno(uint16_t status)
{
	static const int map[] = {
		[GAON_ADMIN_OK] = 0,
		[GAON_ADMIN_ERR_OPCODE] = -EOPNOTSUPP,
		[GAON_ADMIN_ERR_RESERVED] = -EINVAL,
		[GAON_ADMIN_ERR_ID] = -ENOENT,
		[GAON_ADMIN_ERR_BUSY] = -EBUSY,
		[GAON_ADMIN_ERR_RANGE] = -ERANGE,
		[GAON_ADMIN_ERR_ALIGN] = -EINVAL,
		[GAON_ADMIN_ERR_FEATURE] = -EOPNOTSUPP,
		[GAON_ADMIN_ERR_STATE] = -EBUSY,
		[GAON_ADMIN_ERR_DMA] = -EFAULT,
		[GAON_ADMIN_ERR_TIMEOUT] = -ETIMEDOUT,
	};

	return status < sizeof(map) / sizeof(map[0]) ? map[status] : -EPROTO;
}

#endif
