#!/bin/sh
# SPDX-License-Identifier: MIT
# Firmware that is missing, damaged, of another ABI, or of the newer name: what the driver says, what `gaon info` says, and
# that the card works when the right file is there. The kernel looks into a directory of ours first.
set -eu
# shellcheck source=tests/vm/guest/has.sh
. "$(dirname "$0")/has.sh"
card=$(sh "$(dirname "$0")/bdf.sh" 1)
driver=/sys/bus/pci/drivers/gaon
installed=/lib/firmware/gaon/ga1.bin
work=$(mktemp -d)
good=$work/good
mkdir "$work/gaon"
mv "$installed" "$good"
file=$work/gaon/ga1.bin
path=/sys/module/firmware_class/parameters/path
trap 'printf "%s\0" "$was" >"$path"; mv "$good" "$installed"; rm -rf "$work"; [ -e "$driver/$card" ] || echo "$card" >"$driver/bind"' EXIT
was=$(cat "$path")
printf %s "$work" >"$path"

# bytes FILE OFFSET TEXT: writes some there; TEXT may have octal numbers
bytes() {
	printf '%b' "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# refused WHAT PATTERN PATTERN: the driver does not take the card and says why, and so does the library
refused() {
	[ ! -e "$driver/$card" ] || echo "$card" >"$driver/unbind"
	dmesg --clear
	! echo "$card" >"$driver/bind" 2>/dev/null || { echo "not ok - $1: the driver took the card"; exit 1; }
	text=$(dmesg)
	has "$2" "$1: the driver's message"
	text=$("$O/bin/gaon" info --device "$card" 2>&1) && bad=1
	echo "# $text"
	has "card $card.*$3" "$1: gaon info"
}

refused 'no file' 'no firmware: neither gaon/ga1-abi[0-9]+.bin nor gaon/ga1.bin is below /lib/firmware \(error -2\)' \
	'did not start: the firmware is missing: .*GAON_ERROR_FIRMWARE'

size=$(stat -c %s "$good")
cp "$good" "$file"
truncate -s 100 "$file"
refused 'a file of 100 bytes' 'firmware gaon/ga1.bin refused \(100 bytes\): ' \
	"did not start: the firmware $file was refused: .*GAON_ERROR_FIRMWARE"

cp "$good" "$file"
bytes "$file" 0 'XXXX'
refused 'a file of something else' "firmware gaon/ga1.bin refused \\($size bytes\\): " \
	"did not start: the firmware $file was refused: .*GAON_ERROR_FIRMWARE"

cp "$good" "$file"
bytes "$file" "$((size / 2))" 'GAON'
refused 'a damaged file' 'firmware gaon/ga1.bin refused by the device, state FATAL: .*SHA-256 differs.* \(boot error 0x[0-9a-f]+\)' \
	': the driver is loaded and refused it.*GAON_ERROR_NO_DEVICE'

cp "$good" "$file"
bytes "$file" 200 'GAON'
refused 'a signature that is wrong' 'firmware gaon/ga1.bin refused by the device, state FATAL: .*not signed by a key.* \(boot error 0x[0-9a-f]+\)' \
	': the driver is loaded and refused it.*GAON_ERROR_NO_DEVICE'

cp "$good" "$file"
bytes "$file" 40 '\0007\0000\0011\0000'
refused 'a file of another ABI' 'firmware gaon/ga1.bin, version [0-9.]+, speaks admin ABI 7 to 9; this driver, version [0-9.]+, speaks [0-9]+ to [0-9]+' \
	"did not start: the firmware $file, version [0-9.]+, speaks admin ABI 7 to 9, .*GAON_ERROR_FIRMWARE"

# The name with the ABI goes first.
abi=$(modinfo -F firmware gaon | sed -n 's/.*-abi\([0-9]*\)\.bin$/\1/p' | head -n 1)
cp "$good" "$work/gaon/ga1-abi${abi:-1}.bin"
dmesg --clear
echo "$card" >"$driver/bind"
text=$(dmesg)
has "from gaon/ga1-abi${abi:-1}.bin" 'the file named after the ABI is preferred'
has 'Initialized gaon' 'and the card works'
text=$("$O/bin/gaon" info --device accel0)
has 'HBM' 'gaon info'
text=$(cat "/sys/kernel/debug/accel/$card/firmware_log")
has '.' 'the firmware has a log'
exit $bad
