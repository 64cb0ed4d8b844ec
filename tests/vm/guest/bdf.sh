#!/bin/sh
# SPDX-License-Identifier: MIT
# bdf.sh [N]: the address of the card, or of the Nth: 0000:00:04.0
address=$(lspci -D -n -d 1234:6a10 | sed -n "${1:-1}s/ .*//p")
[ -n "$address" ] || { echo "there is no card ${1:-1} in this guest" >&2; exit 1; }
echo "$address"
