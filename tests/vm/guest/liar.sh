#!/bin/sh
# SPDX-License-Identifier: MIT
# Cards that lie: liar.sh KIND...  The program binds each card itself: one may keep the driver for minutes.
set -eu
echo 0 >/sys/bus/pci/drivers_autoprobe
# The kernel's default: the removal of a DRM device waits for all callers of all DRM devices, and a liar keeps a
# caller for 40 s.
echo 120 >/proc/sys/kernel/hung_task_timeout_secs
modprobe gaon
status=0
GAON_LIAR_SECONDS=$((60 * GAON_SLOW)) "$O/tests/uapi/liar/liar" "$@" || status=$?
modprobe -r gaon
exit $status
