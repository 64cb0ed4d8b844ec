#!/bin/sh
# SPDX-License-Identifier: MIT
# abi.sh LIBRARY: the binary interface of a library as libabigail describes it: exported functions and the types that
# the public headers show, without places in the source. `make abi` keeps it in debian/abi, as the last release's.
set -eu
cd "$(dirname "$0")/../.."
exec abidw --headers-dir include/gaon --drop-private-types --drop-undefined-syms --exported-interfaces-only \
	--type-id-style hash --no-parameter-names --no-elf-needed --no-show-locs --no-corpus-path --no-comp-dir-path "$1"
