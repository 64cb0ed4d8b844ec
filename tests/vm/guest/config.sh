#!/bin/sh
# SPDX-License-Identifier: MIT
# config.sh GAON: `gaon config` on a real card: refused without privilege, set and read back in the driver's files, kept
# over a reset and for when the driver binds again; and neither it nor `gaon info` wakes a card that sleeps.
set -u
. tests/vm/guest/has.sh
. tests/vm/guest/ask.sh
gaon=$1
address=$(sh tests/vm/guest/bdf.sh)
device=/sys/bus/pci/devices/$address

file() { # file NAME: what it has
	# shellcheck disable=SC2086 # a pattern
	cat "$device"/$1
}

wait_for() { # wait_for STATUS
	tries=0
	while [ "$(file power/runtime_status)" != "$1" ] && [ $tries -lt 300 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	equal "$(file power/runtime_status)" "$1" "the card is $1"
}

# As the driver has left it, which is what the command calls the default. That it may sleep is a rule of udev's.
echo auto >"$device/power/control"
ask config --device accel0 --json
is 0 "what is there"
for name in power-cap clock persistence autosuspend page-ce-limit channel-ce-limit; do
	same=$(echo "$text" | python3 -c 'import json, sys
told = json.load(sys.stdin)
found = [s for s in told["cards"][0]["settings"] + told["module"] if s["name"] == sys.argv[1]]
print(found[0]["value"] == found[0]["default"] and found[0]["value"] is not None)' $name)
	equal "$same" True "$name is at its default"
done
max=$(file 'hwmon/hwmon*/power1_cap_max')
min=$(file 'hwmon/hwmon*/power1_cap_min')
cap=$(((min + max) / 2000000))
clock=$(($(file freq/hw_max_freq) - 100))

text=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$gaon" config --device accel0 --save set clock=$clock 2>&1)
status=$?
is 1 "without privilege"
has "^gaon: only root changes settings: sudo gaon config --device accel0 --save set clock=$clock$" "says what is missing"
text=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$gaon" config --device accel0 2>&1)
status=$?
is 0 "anybody may look"
has 'retired pages +not known: only root sees them: sudo gaon config' "but not at retired pages"

exec 3<>/dev/accel/accel0
ask config --device accel0 --idle set clock=$clock
is 1 "--idle, while this shell has the card open"
has "process $$, sh, of root has $address open" "says who"
ask config --device accel0 --save set power-cap=$cap clock=$clock autosuspend=200
is 0 "while it is in use"
has "power-cap +$cap W .* $cap$" "what is set, and kept"
exec 3>&-
equal "$(file 'hwmon/hwmon*/power1_cap') $(file freq/set_max_freq) $(file power/autosuspend_delay_ms)" "$((cap * 1000000)) $clock 200" "the driver has it"
ask config --device accel0 set power-cap=$((max / 1000000 + 1))
is 1 "more than the card can"
has "power-cap is .* to [0-9.]+ W, or 'default'" "says the range"
ask config --all set page-ce-limit=5
is 0 "of the module"
equal "$(cat /sys/module/gaon/parameters/page_ce_limit)" 5 "the module has it"
ask config --all reset page-ce-limit
equal "$(cat /sys/module/gaon/parameters/page_ce_limit)" 16 "and is as before"

# A card that sleeps goes on sleeping.
wait_for suspended
before=$(cat "$device/power/runtime_active_time")
ask config
is 0 "settings of a card that sleeps"
has "retired pages +0" "its retired pages"
ask info
is 0 "info of a card that sleeps"
has 'errors +not known: it sleeps' "its errors are not asked for"
ask watch --count 1 power_w
equal "$(file power/runtime_status) $(($(cat "$device/power/runtime_active_time") - before))" "suspended 0" "it was not woken"
ask config --device accel0 set persistence=on
is 0 "persistence"
wait_for active
ask config --device accel0 set persistence=off
wait_for suspended

echo 1 >"$device/reset"
equal "$(file freq/set_max_freq)" $clock "a reset changes nothing"
echo "$address" >/sys/bus/pci/drivers/gaon/unbind
ask config --device "$address" set clock=$clock
is 1 "without the driver"
has "not the driver gaon's, but nobody's: clock cannot be set" "says so"
echo "$address" >/sys/bus/pci/drivers/gaon/bind
equal "$(file freq/set_max_freq)" $((clock + 100)) "the driver has forgotten it"
ask config --device accel0 apply
is 0 "apply, as the service does"
equal "$(file 'hwmon/hwmon*/power1_cap') $(file freq/set_max_freq) $(file power/autosuspend_delay_ms)" "$((cap * 1000000)) $clock 200" "it is as kept"
ask config --device accel0 --save reset
is 0 "reset to what the card has by itself"
equal "$(grep -vc '^#' /etc/gaon/config)" 0 "nothing is kept any more"
equal "$(file freq/set_max_freq) $(file power/autosuspend_delay_ms)" "$((clock + 100)) 5000" "the driver has its defaults"
rm -r /etc/gaon
echo "1..$number"
exit $bad
