#!/bin/sh
# SPDX-License-Identifier: MIT
# install.sh BUILD DESTDIR PREFIX VERSION: what `make install` puts where. Libraries go into PREFIX/$LIBDIR.
set -eu
cd "$(dirname "$0")/../.."
build=$1
root=$2$3
prefix=$3
version=$4
libdir=${LIBDIR:-lib}

put() { # put MODE SOURCE DIRECTORY
	[ -e "$2" ] || { echo "install: $2 was not built: run make first" >&2; exit 1; }
	install -D -m "$1" "$2" "$root/$3/$(basename "$2")"
}

for program in "$build"/bin/*; do
	put 755 "$program" bin
done
for library in "$build"/libgaon*.so.*; do
	[ -L "$library" ] || put 755 "$library" "$libdir"
done
for library in "$build"/libgaon*.so "$build"/libgaon*.so.*; do
	[ -L "$library" ] && cp -P "$library" "$root/$libdir/"
done
for archive in "$build"/libgaon*.a; do
	put 644 "$archive" "$libdir"
done
# What GAON_TOOLS may name; gaon looks for them beside libgaon.
for tool in "$build"/gaon/*.so; do
	put 644 "$tool" "$libdir/gaon"
done
# Headers below hw/ and uapi/ go into gaon/, out of the way of others'.
for header in $(cd include && find gaon hw uapi -name '*.h'); do
	case $header in
	gaon/*) at=$header ;;
	*) at=gaon/$header ;;
	esac
	install -D -m 644 "include/$header" "$root/include/$at"
done
# ggml's plug-in, which finds the other two libraries beside it; make install GGML=no does without.
if [ "${GGML:-}" = no ]; then
	echo "install: without libggml-gaon.so (GGML=no)"
else
	put 755 "$build/libggml-gaon.so" "$libdir"
fi
put 644 "$build/firmware/ga1.bin" lib/firmware/gaon
find tools/gaoncc -name '*.ld' -exec install -D -m 644 -t "$root/share/gaon" {} +
# gaon-demo-llm is run from the tree, with the llama.cpp that was fetched for it.
find tools runtime Documentation -name '*.1' ! -name gaon-demo-llm.1 -exec install -D -m 644 -t "$root/share/man/man1" {} +
install -D -m 644 -t "$root/share/man/man3" "$build"/man3/*.3
put 644 "$build/completion/gaon" share/bash-completion/completions
put 644 "$build/completion/_gaon" share/zsh/site-functions
put 644 "$build/completion/gaon.fish" share/fish/vendor_completions.d
# A file for each command that it completes.
for program in "$build"/bin/gaon?*; do
	ln -sf gaon "$root/share/bash-completion/completions/${program##*/}"
done
install -D -m 644 -t "$root/share/gaon/schema" tools/gaon/schema/*.json
install -D -m 644 tools/gaon/exporter/grafana.json "$root/share/gaon/grafana/gaon.json"
install -D -m 644 README.md "$root/share/doc/gaon/README.md"

fill() { # fill TEMPLATE DIRECTORY: with the version and the places of this installation
	mkdir -p "$root/$libdir/$2"
	up=$(echo "$libdir/$2" | sed 's|[^/][^/]*|..|g')
	sed -e "s|@PREFIX@|$prefix|" -e "s|@LIBDIR@|$libdir|" -e "s|@VERSION@|$version|" -e "s|@UP@|$up|" "$1" \
		>"$root/$libdir/$2/$(basename "$1" .in)"
}
fill runtime/gaon.pc.in pkgconfig
fill runtime/ops/gaonops.pc.in pkgconfig
fill runtime/cmake/gaonConfig.cmake.in cmake/gaon
fill runtime/cmake/gaonConfigVersion.cmake.in cmake/gaon
echo "installed into $root"
