#!/bin/sh
# SPDX-License-Identifier: MIT
# The card is unbound while llama.cpp generates text: it says so and ends by itself. The card works afterwards.
set -eu
# shellcheck source=tests/vm/guest/has.sh
. "$(dirname "$0")/has.sh"
card=$(sh tests/vm/guest/bdf.sh)
driver=/sys/bus/pci/drivers/gaon
out=$(mktemp) log=$(mktemp)
trap 'rm -f "$out" "$log"; [ -e "$driver/$card" ] || echo "$card" >"$driver/bind"' EXIT

export GGML_BACKEND_PATH="$O/libggml-gaon.so"
sh tests/vm/guest/llama.sh llama-completion -m "$GAON_LLM" -ngl 99 -c 4096 -n 4000 \
	--ignore-eos --temp 0 -no-cnv --no-warmup -p 'One, two, three,' >"$out" 2>"$log" &
program=$!
while kill -0 $program 2>/dev/null && [ "$(stat -c %s "$out")" -lt 40 ]; do
	sleep 0.2
done
text=$(cat "$out")
has '^One, two, three,' 'text comes'
echo "$card" >"$driver/unbind"
status=0
wait $program || status=$?
text="status $status"
has '^status ([1-9]|[1-9][0-9]|1[01][0-9]|12[0-7])$' 'the program ends by itself, with an error'
text=$(grep -v 'left to another backend' "$log" | grep -c 'Gaon0: ' || :)
has '^1$' 'the plug-in says it, once'
text=$(cat "$log")
has 'failed to compute graph' 'llama.cpp knows of it'
[ $bad = 0 ] || tail -n 20 "$log"
echo "$card" >"$driver/bind"
text=$("$O/bin/gaon" info --device accel0)
has 'HBM' 'the card works afterwards'
exit $bad
