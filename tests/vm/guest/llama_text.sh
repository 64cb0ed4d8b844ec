#!/bin/sh
# SPDX-License-Identifier: MIT
# llama.cpp as it is, on the card: it continues a text as it does on the embedded device.
set -eu
# shellcheck source=tests/vm/guest/has.sh
. "$(dirname "$0")/has.sh"
llama() {
	GGML_BACKEND_PATH=$O/libggml-gaon.so sh tests/vm/guest/llama.sh "$@"
}

text=$(llama llama-cli --list-devices 2>&1) || :
has '^ +Gaon0: ' 'llama.cpp has the card as a device'
text=$(llama llama-completion -m "$GAON_LLM" -ngl 99 -c 256 -n 6 --temp 0 -no-cnv --no-warmup -p 'The capital of France is' \
	2>/tmp/llama.log) || { echo "not ok - llama-completion: exit status $?"; bad=1; tail -n 20 /tmp/llama.log; }
has 'The capital of France is Paris' 'llama-completion continues a text'
text=$(cat /tmp/llama.log)
has '.' 'it has a log'
! grep -n 'Gaon0: ' /tmp/llama.log | grep -v 'left to another backend' || { echo "not ok - the device is in the log"; bad=1; }
exit $bad
