#!/bin/sh
# SPDX-License-Identifier: MIT
# packages.sh DIRECTORY: the packages in it on a machine with a card: dpkg installs them in this guest, udev finds their rules,
# the driver their options, the card gets the settings that are kept; then they are purged, and leave nothing. What DKMS
# builds is tests/vm/vm_dkms.py's: an emulated processor compiles for minutes.
set -u
. tests/vm/guest/has.sh
. tests/vm/guest/ask.sh
gaon=/usr/bin/gaon
where=$1
address=$(sh tests/vm/guest/bdf.sh)
udevd=/lib/systemd/systemd-udevd
work=$(mktemp -d)
saved=$(cat /etc/group)

# The guest's root was unpacked, not installed: dpkg knows of nothing, and the group of udev's package is not there.
grep -q ^render: /etc/group || echo render:x:992: >>/etc/group
mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /var/lib/dpkg/triggers /etc/dkms
# What several packages share belongs to one of the system's, or the last of ours would take it along: /lib is a link.
printf '%s\n' /. /bin /sbin /lib /lib64 /usr /usr/bin /usr/sbin /usr/lib /usr/share /usr/share/doc /usr/share/man /etc /var /var/lib \
	>/var/lib/dpkg/info/base-files.list
printf '%s\n' "Package: base-files" "Status: install ok installed" "Version: 1" "Architecture: amd64" "Maintainer: nobody" \
	"Description: the guest's root" >/var/lib/dpkg/status
: >/etc/dkms/no-autoinstall

everything() { # everything [TEST]: names of what is there, of the kind that find is asked for
	find /usr /etc /var/lib -xdev \( -path /var/lib/dpkg -o -path "/usr/lib/modules/*" -o -path /etc/ld.so.cache \) -prune -o "$@" -print |
		grep -v -e '^/var/lib/dkms$' | sort
}

wait_udev() {
	udevadm settle --timeout=60
}

modprobe -r gaon
ldconfig
modules=/usr/lib/modules/$(uname -r)
# As in dkms.sh: the guest's own index of modules stays as it is.
mkdir "$work/bin"
ln -s /bin/true "$work/bin/depmod"
PATH=$work/bin:$PATH
# The firmware is to be the package's.
mv /usr/lib/firmware "$work/firmware"
everything -true >"$work/before"
# What they depend on is here as files only.
text=$(dpkg --force-depends -i "$where"/gaon-firmware_*.deb "$where"/libgaon0_*.deb "$where"/libgaonops0_*.deb "$where"/gaon-dkms_*.deb \
	"$where"/gaon-tools_*.deb 2>&1)
status=$?
is 0 "dpkg installs them"
text=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n')
has '^gaon-tools installed$' "and knows them"

echo 'options gaon page_ce_limit=7' >>/etc/modprobe.d/gaon.conf
"$udevd" --daemon --resolve-names=early
modprobe gaon
udevadm trigger --action=add --subsystem-match=accel
wait_udev
node=$(basename "/sys/bus/pci/devices/$address/accel"/accel*)
equal "$(stat -c '%G %a' "/dev/accel/$node")" "render 660" "the node is the group render's"
equal "$(readlink -f "/dev/accel/by-path/pci-$address-accel")" "/dev/accel/$node" "its name by path"
equal "$(cat /sys/module/gaon/parameters/page_ce_limit)" 7 "the module has the options of modprobe.d"
text=$(udevadm info "/dev/accel/$node")
has "^E: SYSTEMD_WANTS=gaon-config@$node.service$" "systemd is to start the service of its settings"
ask doctor
has '^good +firmware' "gaon doctor: firmware"
has '^good +runtime' "gaon doctor: runtime"
ask info --device "$node"
is 0 "gaon info"
has "gaon .*, ready" "of the card"
max=$(cat "/sys/bus/pci/devices/$address/freq/hw_max_freq")
ask config --device "$node" --save set clock=$((max - 50))
is 0 "gaon config --save"
echo "$address" >/sys/bus/pci/drivers/gaon/unbind
echo "$address" >/sys/bus/pci/drivers/gaon/bind
# The line that systemd runs.
line=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/gaon-config@.service | sed "s/%i/$node/")
text=$($line 2>&1)
status=$?
is 0 "the service: $line"
equal "$(cat "/sys/bus/pci/devices/$address/freq/set_max_freq")" $((max - 50)) "the card has its settings"
text=$(setpriv --reuid 65534 --regid 65534 --groups "$(getent group render | cut -d: -f3)" "$gaon" info --device "$node" 2>&1)
status=$?
is 0 "who is in the group render may use it"
text=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$gaon" info --device "$node" 2>&1)
status=$?
is 1 "who is not, may not"

modprobe -r gaon
text=$(dpkg --force-depends --purge gaon-tools gaon-dkms libgaonops0 libgaon0 gaon-firmware 2>&1)
status=$?
is 0 "dpkg purges them"
everything -true >"$work/after"
equal "$(comm -13 "$work/before" "$work/after")" "" "nothing is left"
equal "$(comm -23 "$work/before" "$work/after")" "" "nothing is missing"
text=$(ls "$modules/updates" 2>&1)
has '^gaon.ko' "the module that was not DKMS' is there"
mv "$work/firmware" /usr/lib/firmware
udevadm control --exit
echo "$saved" >/etc/group
rm -rf "$work" /etc/dkms/no-autoinstall
modprobe gaon
echo "1..$number"
exit $bad
