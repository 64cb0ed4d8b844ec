// SPDX-License-Identifier: MIT
#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "server.h"

int vfu_sandbox_enter(void)
{
	const struct rlimit files = { 1024, 1024 }, core = { 0, 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	if (setrlimit(RLIMIT_NOFILE, &files) || setrlimit(RLIMIT_CORE, &core))
		return -errno;
	return 0;
}
