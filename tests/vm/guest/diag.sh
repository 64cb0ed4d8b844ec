#!/bin/sh
# SPDX-License-Identifier: MIT
# diag.sh GAON: `gaon diag` on a card through its driver, idle and in use.
# shellcheck disable=SC1091,SC2034,SC2154 # what has.sh and ask.sh set and use
set -u
. tests/vm/guest/has.sh
. tests/vm/guest/ask.sh
gaon=$1

ask diag
is 0 "level 1"
has '^GAON OK - accel0: [0-9]+ tests good .* \| tests=' "the first line"
has '^ok +software ' "what doctor looks at"
ask diag --run 2 --memory 8M --seed 11
is 0 "level 2"
has '^GAON OK - accel0: 18 tests good' "all of its tests"
has '^link_to_device_gbps .* (9[0-9]|100) % of' "the speed of the link"
has '^seed 11$' "the seed"
text=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$gaon" diag 2>&1)
status=$?
is 2 "who has no right to the card"
has '^critical +software' "by what doctor says"
has 'rights: /dev/accel/accel0 is root.s only' "says so"

exec 3<>/dev/accel/accel0
ask diag --run 2
is 3 "level 2 of a card in use"
has '^GAON UNKNOWN - accel0: in use by [1-9] open files, nothing was tested' "the first line says so"
has "process $$, sh, of root has " "names this shell"
ask diag
is 0 "level 1 of a card in use"
exec 3>&-
echo "1..$number"
exit "$bad"
