#!/bin/sh
# SPDX-License-Identifier: MIT
# Whether anybody ever sees what was in HBM before: all of it is written, then taken again by others, after it
# was freed, after the driver was unbound and bound, after the card was reset.
set -eu
clean=$O/tests/uapi/clean/clean
pci=$(sh tests/vm/guest/bdf.sh)
driver=/sys/bus/pci/drivers/gaon
$clean clean
$clean dirty
$clean clean
$clean dirty
echo "$pci" >$driver/unbind
echo "$pci" >$driver/bind
$clean mixed
$clean dirty
echo "$pci" >$driver/unbind
echo 1 >"/sys/bus/pci/devices/$pci/reset"
echo "$pci" >$driver/bind
$clean clean
