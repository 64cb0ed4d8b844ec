#!/bin/sh
# SPDX-License-Identifier: MIT
# A card that nobody has open sleeps in D3hot, and is there as it was when somebody comes: runtime_pm.sh [--machine]
# PROGRAM, one that uses the card. With --machine the guest sleeps meanwhile.
set -eu
machine=
[ "$1" != --machine ] || { machine=yes; shift; }
address=$(sh "$(dirname "$0")/bdf.sh")
device=/sys/bus/pci/devices/$address
driver=/sys/bus/pci/drivers/gaon

wait_for() { # wait_for STATUS
	tries=0
	while [ "$(cat "$device/power/runtime_status")" != "$1" ]; do
		tries=$((tries + 1))
		cat "$device/state" "$device"/hwmon/hwmon*/power1_average >/dev/null 2>&1 || :	# who looks does not count
		[ $tries -lt 300 ] || { echo "the card is $(cat "$device/power/runtime_status"), not $1: $2" >&2; exit 1; }
		sleep 0.1
	done
	echo "$2: the card is $1"
}

config_is() { # config_is STATE
	state=$(lspci -vv -s "$address" | sed -n 's/.*Status: \(D[0-3]\) .*/\1/p')
	[ "$state" = "$1" ] || { echo "its configuration space says $state, not $1" >&2; exit 1; }
}

resets=$(cat "$device/resets")
echo 200 >"$device/power/autosuspend_delay_ms"
echo auto >"$device/power/control"
wait_for suspended "nobody has it open"
config_is D3

# Who only looks does not wake it.
cat "$device/state" "$device/serial" "$device/fw_version"
! cat "$device"/hwmon/hwmon*/power1_average 2>/dev/null || { echo "a sensor of a card that sleeps" >&2; exit 1; }
[ "$(cat "$device/power/runtime_status")" = suspended ]

if [ "$machine" ]; then
	echo devices >/sys/power/pm_test
	echo mem >/sys/power/state
	echo none >/sys/power/pm_test
	wait_for suspended "the machine has slept"
fi

for round in 1 2 3; do
	"$@" >/tmp/runtime_pm.log 2>&1 || { cat /tmp/runtime_pm.log; exit 1; }
	wait_for suspended "after program $round"
done
rm /tmp/runtime_pm.log

# An open file keeps it awake, however long nothing happens.
exec 3<>/dev/accel/accel0
wait_for active "it is open"
config_is D0
sleep 1
[ "$(cat "$device/power/runtime_status")" = active ]
cat "$device"/hwmon/hwmon*/power1_average
exec 3>&-
wait_for suspended "it is closed"

# In the middle of everything.
echo 5 >"$device/power/autosuspend_delay_ms"
for round in $(seq 60); do
	exec 3<>/dev/accel/accel0
	exec 3>&-
	sleep 0.0$((round % 10))
done
wait_for suspended "after 60 times open and closed"

echo 1 >"$device/reset"
"$@" >/dev/null
wait_for suspended "after a reset of the function"
[ "$(cat "$device/resets")" = $((resets + 1)) ]
echo "$address" >$driver/unbind
echo "$address" >$driver/bind
"$@" >/dev/null
wait_for suspended "after the driver left it and came back"
echo on >"$device/power/control"
wait_for active "it may not sleep"
"$@" >/dev/null
[ "$(cat "$device/state")" = ready ]
[ "$(cat "$device/resets")" = 0 ]
