#!/bin/sh
# SPDX-License-Identifier: MIT
# admin.sh GAON: the administrator's commands on a real node: who holds it, what is wrong, what stays in a recording.
set -u
. tests/vm/guest/has.sh
. tests/vm/guest/ask.sh
gaon=$1
address=$(sh tests/vm/guest/bdf.sh)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

ask doctor
is 0 "doctor: nothing stands in the way of root"
has '^good +driver +'"$address"' is accel0$' "doctor: the driver"
has '^good +node +/dev/accel/accel0 can be opened' "doctor: the node"
has '^good +runtime .* opens accel0$' "doctor: the library opens it"

mode=$(stat -c %a /dev/accel/accel0)
chmod 600 /dev/accel/accel0
text=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$gaon" doctor 2>&1)
status=$?
is 1 "doctor: a node that is root's only"
has '^bad +rights +/dev/accel/accel0 is root.s only: mode 600' "doctor: says so"
has 'to mend it: .*chmod 660 /dev/accel/accel0' "doctor: and what mends it"
chmod "$mode" /dev/accel/accel0

echo "$address" >/sys/bus/pci/drivers/gaon/unbind
ask doctor
is 1 "doctor: a card without a driver"
has '^bad +driver +'"$address"' has no driver: it was refused or unbound' "doctor: says so"
mend=$(echo "$text" | sed -n "s/.*to mend it: .*; \(echo .*\/bind\) tries again$/\1/p" | head -n 1)
eval "$mend"
ask doctor
is 0 "doctor: what it says mends it: $mend"

exec 3<>/dev/accel/accel0
ask ps --interval 0
is 0 "ps while this shell has the card open"
has "^ +$$ +root +accel0 .* sh\$" "ps: names this shell"
ask record-tree "$work/tree"
is 0 "record-tree"
exec 3>&-
ask ps --interval 0 --json
has '"processes": \[\]' "ps: nobody, when it is closed"
ask info --root "$work/tree"
is 0 "info of what was recorded"
has '^accel0: Gaon, not opened: this is a recorded tree' "info: the card"
has "reached by +PCI $address, /dev/accel/accel0" "info: its address"
has "GHz, .* W, .* C" "info: its sensors"
has "processes +$$ sh .0.: " "info: who had it open, by number of the user"
has '0 corrected, 0 uncorrected' "info: its errors, from debugfs"
echo "1..$number"
exit $bad
