#!/bin/sh
# SPDX-License-Identifier: MIT
# fail_bind.sh FAIL: each allocation of the driver's taking the card fails. The firmware comes from memory meanwhile:
# the file system that the guest shares with its host is no longer what it was once allocations have failed in it.
set -u
path=/sys/module/firmware_class/parameters/path
copy=/run/gaon-firmware

mkdir -p $copy/gaon
cp /lib/firmware/gaon/*.bin $copy/gaon || exit 1
printf %s $copy >$path
"$1" 0
status=$?
echo >$path
rm -rf $copy
exit $status
