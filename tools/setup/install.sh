#!/bin/sh
# SPDX-License-Identifier: MIT
# install.sh BUILD DESTDIR PREFIX VERSION: what `make install` puts where.
set -eu
cd "$(dirname "$0")/../.."
build=$1
root=$2$3
prefix=$3
version=$4

put() { # put MODE SOURCE DIRECTORY
	[ -e "$2" ] || { echo "install: $2 was not built: run make first" >&2; exit 1; }
	install -D -m "$1" "$2" "$root/$3/$(basename "$2")"
}

for program in "$build"/bin/*; do
	put 755 "$program" bin
done
for library in "$build"/libgaon*.so.*; do
	[ -L "$library" ] || put 755 "$library" lib
done
for library in "$build"/libgaon*.so "$build"/libgaon*.so.*; do
	[ -L "$library" ] && cp -P "$library" "$root/lib/"
done
for archive in "$build"/libgaon*.a; do
	put 644 "$archive" lib
done
for header in $(cd include && find gaon hw uapi -name '*.h'); do
	install -D -m 644 "include/$header" "$root/include/$header"
done
find "$build/include" -name '*.h' 2>/dev/null | while read -r header; do
	install -D -m 644 "$header" "$root/include/${header#"$build"/include/}"
done
# ggml's plug-in, which finds the other two libraries beside it; make install GGML=no does without.
if [ "${GGML:-}" = no ]; then
	echo "install: without libggml-gaon.so (GGML=no)"
else
	put 755 "$build/libggml-gaon.so" lib
fi
put 644 "$build/firmware/ga1.bin" lib/firmware/gaon
find tools/gaoncc -name '*.ld' -exec install -D -m 644 -t "$root/share/gaon" {} +
# gaon-demo-llm is run from the tree, with the llama.cpp that was fetched for it.
find tools runtime Documentation -name '*.1' ! -name gaon-demo-llm.1 -exec install -D -m 644 -t "$root/share/man/man1" {} +
install -D -m 644 -t "$root/share/gaon/schema" tools/gaon/schema/*.json
install -D -m 644 README.md "$root/share/doc/gaon/README.md"
mkdir -p "$root/lib/pkgconfig"
sed -e "s|@PREFIX@|$prefix|" -e "s|@VERSION@|$version|" runtime/gaon.pc.in >"$root/lib/pkgconfig/gaon.pc"
echo "installed into $root"
