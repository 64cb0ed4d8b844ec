#!/bin/sh
# SPDX-License-Identifier: MIT
# reset.sh GAON: `gaon reset` on a real card: refused without privilege and while it is in use, then each way.
set -u
. tests/vm/guest/has.sh
. tests/vm/guest/ask.sh
gaon=$1
address=$(sh tests/vm/guest/bdf.sh)
resets() {
	cat "/sys/bus/pci/devices/$address/resets"
}

text=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$gaon" reset --device accel0 2>&1)
status=$?
is 1 "without privilege"
has '^gaon: only root resets cards: sudo gaon reset --device accel0 --method function$' "says what is missing"

exec 3<>/dev/accel/accel0
before=$(resets)
for method in function chip firmware engines; do
	ask reset --device accel0 --method $method
	is 1 "$method, while this shell has the card open"
	has '^gaon: accel0 is in use; nothing was reset$' "$method: says so"
	has "process $$, sh, of root has $address open" "$method: names this shell"
	has "gaon reset --device accel0 --method $method --force" "$method: and what does it all the same"
done
equal "$(resets)" "$before" "nothing was reset"
ask reset --device accel0 --method chip --force
is 0 "with --force"
exec 3>&-

for method in function chip; do
	before=$(resets)
	ask reset --device "$address" --method $method --json
	is 0 "$method"
	has '"done": true' "$method: done"
	has '"state": "ready"' "$method: the card is ready"
	equal "$(resets)" $((before + 1)) "$method: the driver counted one reset"
	ask run --device accel0 --kernel hello "$GAON_PROGRAM" u64:7
	is 0 "$method: the card runs programs after it"
	has 'hello 7' "$method: and right"
done
before=$(resets)
ask reset --device accel0 --method firmware
is 0 "firmware"
has '^accel0: reset of the firmware, ready after' "firmware: says so"
equal "$(resets)" "$before" "firmware: no reset of the whole card"
ask reset --device accel0 --method engines
is 0 "engines"
has '^accel0: reset of the engines, ready after' "engines: says so"
equal "$(resets)" "$before" "engines: no reset of the whole card"

echo "$address" >/sys/bus/pci/drivers/gaon/unbind
ask reset --device "$address" --method chip
is 1 "chip without a driver"
has 'no driver that could reset its chip; --method function needs none' "says what does it"
ask reset --device "$address"
is 0 "function without a driver"
echo "$address" >/sys/bus/pci/drivers/gaon/bind
ask info --device accel0
is 0 "the card is usable after it"
echo "1..$number"
exit $bad
