#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR MIT
# build.sh KDIR OUT [make arguments]: builds gaon.ko against the kernel headers in KDIR, in the
# directory OUT, which gets a copy of the sources.
set -eu

if [ $# -lt 2 ]; then
	echo "usage: $0 KDIR OUT [make arguments]" >&2
	exit 2
fi
kdir=$1
out=$2
shift 2
[ -e "$kdir/Makefile" ] || {
	echo "build.sh: no kernel headers in $kdir: install linux-headers of that kernel" >&2
	exit 1
}
mkdir -p "$out"
out=$(cd "$out" && pwd)
sh "$(dirname "$0")/sources.sh" "$out"
exec make -C "$kdir" M="$out" "$@" modules
