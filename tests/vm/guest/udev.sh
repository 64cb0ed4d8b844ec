#!/bin/sh
# SPDX-License-Identifier: MIT
# The rule that is installed with the module: group, mode and a name by the card's place; the name goes with the card.
set -eu
rule=/etc/udev/rules.d/70-gaon.rules
tools=/etc/udev/rules.d/60-gaon-tools.rules
udevd=/lib/systemd/systemd-udevd
address=$(sh "$(dirname "$0")/bdf.sh")
link=/dev/accel/by-path/pci-$address-accel
# The guest's root was not installed: the group that udev's package makes may not be there.
cp /etc/group /tmp/group.before
grep -q ^render: /etc/group || echo render:x:992: >>/etc/group
mkdir -p /etc/udev/rules.d
cp "$(dirname "$0")/../../../driver/70-gaon.rules" "$rule"
cp "$(dirname "$0")/../../../debian/gaon-tools.udev" "$tools"

leave() {
	rm -f "$rule" "$tools"
	udevadm control --exit
	cp /tmp/group.before /etc/group
}

fail() {
	echo "$*"
	ls -lR /dev/accel
	exit 1
}

"$udevd" --daemon --resolve-names=early
trap leave EXIT
udevadm trigger --action=add --subsystem-match=accel
udevadm settle --timeout=60
node=$(basename "/sys/bus/pci/devices/$address/accel"/accel*)
[ "$(stat -c '%G %a' "/dev/accel/$node")" = "render 660" ] || fail "$node is not of the group render with mode 660"
[ "$(readlink -f "$link")" = "/dev/accel/$node" ] || fail "$link does not lead to $node"
udevadm info "/dev/accel/$node" | grep -q '^E: TAGS=.*:systemd:' || fail "$node is no device of systemd's"
udevadm info "/dev/accel/$node" | grep -q "^E: SYSTEMD_WANTS=gaon-config@$node.service$" ||
	fail "$node brings no settings"
echo "$address" >/sys/bus/pci/drivers/gaon/unbind
udevadm settle --timeout=60
[ ! -e "$link" ] || fail "$link is there without the card"
echo "$address" >/sys/bus/pci/drivers/gaon/bind
udevadm settle --timeout=60
node=$(basename "/sys/bus/pci/devices/$address/accel"/accel*)
[ "$(readlink -f "$link")" = "/dev/accel/$node" ] || fail "$link does not lead to $node again"
[ "$(stat -c %G "/dev/accel/$node")" = render ] || fail "$node is not of the group render again"
udevadm info "/dev/accel/$node" | grep -q "^E: SYSTEMD_WANTS=gaon-config@$node.service$" || fail "$node brings no settings again"
echo "$link"
