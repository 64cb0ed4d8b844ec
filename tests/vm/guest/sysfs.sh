#!/bin/sh
# SPDX-License-Identifier: MIT
# What is known of a card without opening its node.
set -eu
device=/sys/bus/pci/devices/$(sh "$(dirname "$0")/bdf.sh")
[ "$(cat "$device/state")" = ready ] || { echo "state: $(cat "$device/state")"; exit 1; }
grep -Eqx '[0-9a-f]{32}' "$device/serial" || { echo "serial: $(cat "$device/serial")"; exit 1; }
grep -Eqx '[0-9]+\.[0-9]+\.[0-9]+' "$device/fw_version"
grep -Eqx '[0-9]+' "$device/fw_abi"
[ "$(cat "$device/hbm_used")" -le "$(cat "$device/hbm_total")" ]
echo "serial $(cat "$device/serial"), firmware $(cat "$device/fw_version")"
