#!/bin/sh
# SPDX-License-Identifier: MIT
# gaon-sim as people use it: programs that pass and fail, limits, traces, bad files.
# usage: bare_test.sh GAON-SIM PROGRAM
sim=$1
program=$2
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
failed=0

# expect NAME STATUS COMMAND...: output goes to $dir/out and $dir/err
expect()
{
	name=$1 want=$2
	shift 2
	"$@" >"$dir/out" 2>"$dir/err"
	have=$?
	if [ "$have" -eq "$want" ]; then
		echo "ok - $name"
	else
		echo "not ok - $name: exit status $have, want $want"
		cat "$dir/out" "$dir/err"
		failed=1
	fi
}

has()
{
	if ! grep -q "$2" "$dir/$1"; then
		echo "not ok - $name: no '$2' in its output"
		failed=1
	fi
}

expect "privileged program" 0 "$sim" --elf "$program" --max-instructions 1000000
has out hello
expect "traced" 0 "$sim" --elf "$program" --trace
has err "^0000000080000000 [0-9a-f]* auipc x5=0000000080000000"
has err "mode=U"
expect "limit" 124 "$sim" --elf "$program" --max-instructions 10
for vlen in 128 65536; do
	expect "vlen $vlen" 0 "$sim" --elf "$program" --vlen $vlen --max-instructions 1000000
done
expect "bad vlen" 125 "$sim" --elf "$program" --vlen 100
expect "no file" 125 "$sim" --elf "$dir/none"
expect "another machine's file" 125 "$sim" --elf /bin/sh
has err "not for RISC-V"
expect "no arguments" 125 "$sim"
expect "help" 0 "$sim" --help

# Damaged files: cut anywhere, and with any byte of the headers changed, they end orderly.
size=$(wc -c <"$program")
for cut in 0 3 16 40 63 64 100 200 $((size / 2)) $((size - 1)); do
	head -c "$cut" "$program" >"$dir/cut"
	"$sim" --elf "$dir/cut" --max-instructions 100000 >/dev/null 2>"$dir/err"
	if [ $? -gt 127 ] || grep -q Sanitizer "$dir/err"; then
		echo "not ok - file cut at $cut"
		failed=1
	fi
done
at=0
while [ $at -lt 240 ]; do
	cp "$program" "$dir/bent"
	printf '\377' | dd of="$dir/bent" bs=1 seek=$at conv=notrunc 2>/dev/null
	"$sim" --elf "$dir/bent" --max-instructions 10000 >/dev/null 2>"$dir/err"
	if [ $? -gt 127 ] || grep -q Sanitizer "$dir/err"; then
		echo "not ok - byte $at changed"
		failed=1
	fi
	at=$((at + 1))
done
exit $failed
