#!/bin/sh
# SPDX-License-Identifier: MIT
# diag_long.sh GAON: levels 3 and 4 of `gaon diag` on a card, in seconds, and in air so hot that the card slows
# down under load. Of a card with the debug fuse, whose module has inject=1.
# shellcheck disable=SC1091,SC2034,SC2154,SC2317 # what has.sh and ask.sh set and use; meanwhile calls by name
set -u
. tests/vm/guest/has.sh
. tests/vm/guest/ask.sh
gaon=$1
out=$(mktemp)

launches() { # since the card's last reset
	"$gaon" info --json | sed -n 's/.*"launches": \([0-9]*\).*/\1/p'
}

inject() { # inject WHAT...: through the driver
	for file in /sys/kernel/debug/accel/0000:*/inject; do
		echo "$*" > "$file"
	done
}

meanwhile() { # meanwhile COMMAND OPTION...: what happens when a test has begun
	command=$1
	shift
	before=$(launches)
	"$gaon" diag "$@" --time 6 --seed 7 > "$out" 2>&1 &
	test=$!
	while kill -0 $test && [ "$(launches)" -lt $((before + 5)) ]; do
		sleep 0.1
	done
	$command
	wait $test
	status=$?
	text=$(cat "$out")
}

ask diag --run 4 --memory 2M --time 1 --seed 7
is 0 "level 4"
has '^GAON OK - accel0: 23 tests good' "all of its tests"
for test in stress queues links march soak errors; do
	has "^ok +$test " "$test is among them"
done
has '^clock_least_mhz +1050 MHz$' "nothing slows the card down"

# Errors that the card finds itself: of before they are a warning, of meanwhile what they are.
inject ce hbm 0x5040
ask diag --only errors
is 0 "an error that was corrected before"
has '^errors_corrected +1 errors$' "is a figure, and no more"
inject ue hbm 0x800040
ask diag --only errors
is 1 "one that could not be"
has '^warning +errors ' "is a warning"
has '1 errors that could not be corrected since the device was reset; none during the tests' "that says when"
errors() {
	inject ce scratchpad 1
	inject ue hbm 0xa00040
}
meanwhile errors --only stress,errors
is 2 "one that comes meanwhile"
has '^critical +errors ' "is critical"
has '1 errors that could not be corrected came during the tests' "and says so"
has '1 errors came during the tests, and were corrected' "one that was corrected is told of"

# Air that is hot before has slowed the card down before: that it begins meanwhile is what is to be counted.
heat() {
	inject ambient 75000
}
events=$(mktemp)
"$gaon" events --kind throttle --count 1 --timeout 200 > "$events" 2>&1 &
watcher=$!
until grep -q watching "$events"; do
	sleep 0.1
done
meanwhile heat --only stress
inject ambient 35000
is 1 "level 3 in air that becomes hot"
has '^warning +stress ' "is a warning"
has 'so hot that it slowed down, [1-9][0-9]* times since the start; seen were [0-9.]+ C and [0-9]+ MHz' "that says how often"
has '^throttles_heat +[1-9]' "and so does a figure"
wait $watcher
text=$(cat "$events")
has 'accel0 +throttle +slows down: [0-9.]+ GHz; cause: heat' "gaon events told of it"
# It gets its clock back by steps, in modelled time of load: it may be slow still, but nothing begins.
ask diag --only stress --time 1 --seed 7
has '^throttles_heat +0 ' "what began before is not counted"
rm -f "$out" "$events"
echo "1..$number"
exit "$bad"
