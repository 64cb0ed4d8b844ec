#!/bin/sh
# SPDX-License-Identifier: MIT
# demo.sh ARGUMENTS: what `make demo DEVICE=vm` runs in the guest: the language model on the card. Its arguments are in a
# file, each with a zero byte behind it. The processor does not answer as well: it is an emulated one.
status=0
export GAON_DEVICE=accel0
xargs -0 -a "$1" sh tests/vm/guest/llama.sh \
	"$O/frameworks/gaon-demo-llm" --no-processor --tokens=64 || status=$?
echo "gaon-vm: demo: exit status $status" >/dev/kmsg
