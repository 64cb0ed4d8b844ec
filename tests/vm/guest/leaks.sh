#!/bin/sh
# SPDX-License-Identifier: MIT
# Lets kmemleak look for memory that nothing points to; prints what it found, exit status 1 if it found any.
# The second look leaves out what was only on its way at the first.
#
# One leak is the kernel's own and is left out, by its trace. When the last device that uses TTM goes,
# ttm_pool_mgr_fini() of drivers/gpu/drm/ttm/ttm_pool.c (7.3) empties the 44 lists that ttm_pool_mgr_init() made by
# list_lru_init(), and never calls list_lru_destroy(), which frees what list_lru_init() allocated; with the next first
# device list_lru_init() overwrites the only pointers. The lists are static in that file: no driver can destroy them.
# (Those of the device's own pool can be destroyed, and gaon_compat.c does.)
set -eu
report=/sys/kernel/debug/kmemleak
found=$(mktemp)
trap 'rm -f "$found"' EXIT
echo scan >$report
sleep 6
echo scan >$report
awk 'function object_end() {
	if (object != "" && !(object ~ /list_lru_init/ && object ~ /ttm_pool_mgr_init/))
		printf "%s", object
	object = ""
}
/^unreferenced object/ { object_end() }
{ object = object $0 "\n" }
END { object_end() }' $report >"$found"
if [ -s "$found" ]; then
	head -n 200 "$found"
	exit 1
fi
