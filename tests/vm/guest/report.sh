#!/bin/sh
# SPDX-License-Identifier: MIT
# report.sh GAON: `gaon bugreport` and `gaon cdi` of a real card.
set -u
. tests/vm/guest/has.sh
. tests/vm/guest/ask.sh
gaon=$1
address=$(sh tests/vm/guest/bdf.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

in_file() { # in_file NAME: what the report has of it
	text=$(cat "$work"/gaon-bugreport-*/"$1")
}

ask bugreport --output "$work/report.tar.gz"
is 0 "bugreport"
equal "$(stat -c %a "$work/report.tar.gz")" 600 "it is its owner's to read"
tar -xzf "$work/report.tar.gz" -C "$work"
in_file kernel.log
has "^\[ *[0-9]+\.[0-9]{6}\] .*$address" "lines of the kernel's log that name the card"
equal "$(grep -cv "gaon\|Gaon\|$address" "$work"/gaon-bugreport-*/kernel.log)" 0 "and no others"
in_file doctor.txt
has '^good +runtime .* opens accel0$' "what doctor says"
in_file info.json
has "\"serial\": \"$(cat "/sys/bus/pci/devices/$address/serial")\"" "what info says"
in_file module.json
has '"loaded": true' "what module says"
in_file lspci.txt
has 'Kernel driver in use: gaon' "what lspci says"
ask info --root "$work"/gaon-bugreport-*/tree
is 0 "info of the tree"
has "reached by +PCI $address, /dev/accel/accel0" "it is this card's"
equal "$(cat "$work"/gaon-bugreport-*/tree/proc/cmdline | grep -c console=)" 0 "the kernel's command line is cut"
ask bugreport --output "$work/none.tar.gz" --no-serials
is 0 "bugreport --no-serials"
equal "$(tar -xzOf "$work/none.tar.gz" | grep -c "$(cat "/sys/bus/pci/devices/$address/serial")")" 0 "the serial number is nowhere"
mkdir "$work/small"
mount -t tmpfs -o size=4k none "$work/small"
ask bugreport --output "$work/small/report.tar.gz"
is 1 "a full disk"
equal "$(ls "$work/small")" "" "nothing is left on it"
umount "$work/small"

ask cdi --groups --json
is 0 "cdi"
has '"name": "accel0"' "cdi: the card"
has '"hostPath": "/dev/accel/accel0"' "cdi: its node"
group=$(stat -c %g /dev/accel/accel0)
has "\"additionalGids\": \[\]|^ +$group\$" "cdi: its group, $group"
echo "1..$number"
exit $bad
