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
ln -s ../../drivers/gaon "$card/driver"
ln -s ../../../bus/pci/devices/0000:00:04.0 "$root/sys/class/accel/accel0/device"
: >"$root/dev/accel/accel0"
