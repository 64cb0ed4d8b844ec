#!/bin/sh
# SPDX-License-Identifier: MIT
# drm_root.sh DIR: what /sys, /dev and /proc of a machine with one card look like to the runtime.
set -e
root=$1
pci=$root/sys/bus/pci
card=$pci/devices/0000:00:04.0
rm -rf "$root"
mkdir -p "$card" "$pci/drivers/gaon" "$root/sys/module/gaon" "$root/sys/class/accel/accel0" \
	"$root/dev/accel" "$root/proc"
echo 0x1234 >"$card/vendor"
echo 0x6a10 >"$card/device"
echo 0x6761 >"$card/subsystem_vendor"
echo 0x0001 >"$card/subsystem_device"
echo 000102030405060708090a0b0c0d0e0f >"$card/serial"
echo ready >"$card/state"
echo 3 >"$card/resets"
echo 1 >"$card/numa_node"
echo "8.0 GT/s PCIe" >"$card/current_link_speed"
echo 8 >"$card/current_link_width"
echo "16.0 GT/s PCIe" >"$card/max_link_speed"
echo 16 >"$card/max_link_width"
mkdir -p "$card/hwmon/hwmon7"
echo gaon >"$card/hwmon/hwmon7/name"
echo 41500 >"$card/hwmon/hwmon7/temp1_input"
echo 75250000 >"$card/hwmon/hwmon7/power1_average"
echo 1100000000 >"$card/hwmon/hwmon7/freq1_input"
sh "$(dirname "$0")/../../driver/version.sh" >"$root/sys/module/gaon/version"
ln -s ../../drivers/gaon "$card/driver"
ln -s ../../../bus/pci/devices/0000:00:04.0 "$root/sys/class/accel/accel0/device"
: >"$root/dev/accel/accel0"
