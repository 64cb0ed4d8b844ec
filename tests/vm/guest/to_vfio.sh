#!/bin/sh
# SPDX-License-Identifier: MIT
# Gives the card to the guest's own vfio-pci.
set -eu
address=$(sh "$(dirname "$0")/bdf.sh")
modprobe vfio-pci
echo vfio-pci >"/sys/bus/pci/devices/$address/driver_override"
[ ! -e "/sys/bus/pci/devices/$address/driver" ] || echo "$address" >"/sys/bus/pci/devices/$address/driver/unbind"
echo "$address" >/sys/bus/pci/drivers_probe
[ "$(basename "$(readlink "/sys/bus/pci/devices/$address/driver")")" = vfio-pci ]
