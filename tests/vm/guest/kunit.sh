#!/bin/sh
# SPDX-License-Identifier: MIT
# Loads gaon_kunit.ko, whose suites run meanwhile, and prints what the kernel's log says of each case as TAP. Every
# file of driver/tests that is a suite must have run, with as many cases as it announces.
set -eu
log=$(mktemp)
trap 'rm -f "$log"' EXIT
dmesg -W >"$log" &
reader=$!
sleep 1
modprobe gaon_kunit seed="${GAON_SEED:-0}"
sleep 2
kill $reader
# Not `modprobe -r`, which would take the driver along, and with it the card of every test that follows.
rmmod gaon_kunit
test -c /dev/accel/accel0
set -- driver/tests/*_test.c
sed 's/^\[[^]]*\] //' "$log" | awk -v wanted=$# '
function say(good, text) { print (good ? "ok" : "not ok"), ++number, "- " text; bad += !good }
match($0, /^ *# Subtest: /) { name = substr($0, RLENGTH + 1); if (index($0, "#") == 5) { suite = name; cases = seen = 0 } }
/^    1\.\./ { cases = substr($0, 8) + 0 }
/^(    |        |)(not )?ok [0-9]+ / {
	depth = match($0, /[^ ]/) - 1
	good = substr($0, depth + 1, 2) == "ok"
	text = $0
	sub(/^ *(not )?ok [0-9]+ (- )?/, "", text)
	if (depth == 8) {
		say(good, suite " " name ": " text)
		parameters++
		broken += !good
	} else if (depth == 4) {
		seen++
		if (!parameters || (!good && !broken))
			say(good, suite " " text)
		parameters = broken = 0
	} else if (text ~ /^gaon_/) {
		suites++
		say(seen == cases && cases > 0, text ": " seen " of " cases " cases have run")
	}
	next
}
/EXPECTATION FAILED|ASSERTION FAILED/ { show = 8 }
show-- > 0 || /seed=/ { print "# " $0 }
END {
	say(suites == wanted, suites + 0 " of " wanted " suites have run")
	exit bad > 0
}'
