#!/bin/sh
# SPDX-License-Identifier: MIT
# links.sh GAON: `gaon diag --only links` on a machine with two cards.
# shellcheck disable=SC1091,SC2034,SC2154 # what has.sh and ask.sh set and use
set -u
. tests/vm/guest/has.sh
. tests/vm/guest/ask.sh
gaon=$1

for card in accel0 accel1; do
	ask diag --device "$card" --only links --time 1 --seed 7
	is 0 "the links of $card"
	has '^links_peers +1 cards$' "that to the other card among them"
	has '^links_mib +[1-9][0-9]+ MiB$' "carry all that they are given"
done
# What the other one is doing does not matter: it is a card like others for it.
exec 3<>/dev/accel/accel1
ask diag --device accel0 --only links --time 1
is 0 "while somebody has the other card open"
has '^links_peers +1 cards$' "which is tried all the same"
exec 3>&-
echo "1..$number"
exit "$bad"
