#!/bin/sh
# SPDX-License-Identifier: MIT
# What the command `gaon` prints and how it exits, over the driver: cli_test.py in short, without JSON's schemas.
set -eu
# shellcheck source=tests/vm/guest/has.sh
. "$(dirname "$0")/has.sh"
gaon=$O/bin/gaon
program=$O/tests/conformance/cli/kernels.elf
export GAON_DEVICE=accel0

# what NAME STATUS PATTERN COMMAND...: its exit status, and a line of what it prints on either stream.
what() {
	name=$1 want=$2 pattern=$3
	shift 3
	got=0
	text=$("$@" 2>&1) || got=$?
	text="exit status $got
$text"
	has "^exit status $want\$" "$name: exit status"
	has "$pattern" "$name: output"
	[ $bad = 0 ] || { echo "$text"; exit 1; }
}

what 'list' 0 '^accel0 .*pci' "$gaon" list
what 'info' 0 'HBM' "$gaon" info
what 'info of no device' 1 'GAON_ERROR_NO_DEVICE' "$gaon" info --device 9999:00:00.0
what 'bench' 0 'launch' "$gaon" bench launch
what 'run' 0 'hello 7' "$gaon" run --kernel hello "$program" u64:7
what 'arguments of the wrong size' 1 'GAON_ERROR_ARGUMENTS_SIZE' "$gaon" run --kernel saxpy "$program" u32:1
what 'no such kernel' 1 'GAON_ERROR_NOT_FOUND' "$gaon" run --kernel none "$program"
what 'a wild store' 3 '123456789000' "$gaon" run --kernel wild "$program" u64:0x123456789000
what 'no end' 4 'GAON_ERROR_TIMEOUT' "$gaon" run --timeout 300 --kernel forever "$program" u64:0
what 'and afterwards' 0 'hello 8' "$gaon" run --kernel hello "$program" u64:8
exit $bad
