#!/bin/sh
# SPDX-License-Identifier: MIT
# doctor.sh GAON: what stands in the way of a card is broken on a real node, one thing after the other: `gaon doctor` names it, and what
# it says mends it. Rights and an unbound driver are in admin.sh; a kernel without accel and a wedged card in recorded trees only.
# shellcheck disable=SC1091,SC2034,SC2154 # what has.sh and ask.sh set and use
# shellcheck disable=SC3045 # every shell of Debian has ulimit -n
set -u
. tests/vm/guest/has.sh
. tests/vm/guest/ask.sh
gaon=$1
address=$(sh tests/vm/guest/bdf.sh)
firmware=/lib/firmware/gaon/ga1.bin
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The command that mends what the line says; the rest of it is for people.
mend() { # mend PATTERN: a part of "to mend it: ..."
	echo "$text" | sed -n "s/.*to mend it: .*\($1\).*/\1/p" | head -n 1
}

well() { # well WHAT
	ask doctor
	is 0 "$1"
	has '^good +runtime .* opens accel0$' "$1: the library opens it"
}

well "before"
has '^(good|note) +kernel ' "the kernel"
has '^good +firmware ' "the firmware"
has '^note +iommu .*behind no IOMMU|^good +iommu ' "the IOMMU"

modprobe -r gaon
ask doctor
is 1 "a module that is not loaded"
has '^bad +module +installed, but not loaded' "it says so"
command=$(mend 'modprobe gaon')
eval "$command"
well "mended by '$command'"

modprobe -r gaon
mkdir -p /etc/modprobe.d
echo 'blacklist gaon' >/etc/modprobe.d/no.conf
ask doctor
is 1 "a module that is forbidden"
has '^bad +module .*/etc/modprobe.d/no.conf forbids it' "it names the file"
rm /etc/modprobe.d/no.conf
modprobe gaon
well "allowed again"

mv "$firmware" "$work/good"
modprobe -r gaon
modprobe gaon
ask doctor
is 1 "firmware that is missing"
has '^bad +firmware +neither' "it says which files are looked for"
has 'to mend it: .*gaon-firmware' "and which package has them"
head -c 300 "$work/good" >"$firmware"
ask doctor
is 1 "firmware that is cut short"
has '^bad +firmware .*truncated' "it says so"
head -c 4096 /dev/zero >"$firmware"
ask doctor
is 1 "firmware that is none"
has '^bad +firmware .*no firmware image' "it says so"
rm "$firmware"
mv "$work/good" "$firmware"
ask doctor
is 1 "the right firmware, and the driver was not asked again"
has "^bad +driver +$address has no driver" "it says so"
command=$(mend "echo $address >[^ ]*bind")
eval "$command"
well "mended by '$command'"

mv /dev/accel/accel0 "$work/node"
ask doctor
is 1 "a node that is missing"
has '^bad +node .*accel0.*No such file' "it says so"
mv "$work/node" /dev/accel/accel0
well "with its node"

echo 1 >"/sys/bus/pci/devices/$address/remove"
ask doctor
is 1 "a card that is not there"
has '^bad +bus +no card is on PCI' "it says so"
echo 1 >/sys/bus/pci/rescan
for _ in $(seq 100); do
	[ ! -e /dev/accel/accel0 ] || break
	sleep 0.1
done
well "found again"

: >/run/.containerenv
ask doctor
is 0 "in a container"
has '^note +container .*podman' "it says so"
rm /run/.containerenv
text=$(ulimit -n 64 && "$gaon" doctor 2>&1)
has '^note +limits +64 open files' "a limit of files"
command=$(echo "$text" | sed -n '/limits/,$s/.*to mend it: \(ulimit -n [0-9]*\).*/\1/p' | head -n 1)
text=$(ulimit -n 64 && eval "$command" && "$gaon" doctor 2>&1)
has '^good +limits ' "mended by '$command'"
echo "1..$number"
exit "$bad"
