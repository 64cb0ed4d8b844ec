#!/bin/sh
# SPDX-License-Identifier: MIT
# A Function Level Reset through sysfs: the card is there before and after, with the same BARs.
set -eu
address=$(sh "$(dirname "$0")/bdf.sh")
device=/sys/bus/pci/devices/$address
cat "$device/reset_method"
grep -qw flr "$device/reset_method"
before=$(lspci -nn -v -s "$address")
for pause in 0 0 0.1 0; do
	echo 1 >"$device/reset"
	sleep $pause
done
[ "$before" = "$(lspci -nn -v -s "$address")" ]
