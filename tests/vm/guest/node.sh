#!/bin/sh
# SPDX-License-Identifier: MIT
# The driver has bound each card that is there, and each has a node.
set -eu
cards=$(lspci -n -d 1234:6a10 | wc -l)
for card in $(seq "$cards"); do
	address=$(sh "$(dirname "$0")/bdf.sh" "$card")
	[ "$(basename "$(readlink "/sys/bus/pci/devices/$address/driver")")" = gaon ] ||
		{ echo "no driver is bound to $address"; dmesg | grep -i gaon; exit 1; }
	node=$(basename "/sys/bus/pci/devices/$address/accel"/accel*)
	[ -c "/dev/accel/$node" ] || { echo "$address has no node /dev/accel/$node"; exit 1; }
	echo "$address: /dev/accel/$node"
done
[ "$cards" -gt 0 ]
