#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR MIT
# sources.sh OUT: copies everything that gaon.ko is built from into OUT, which then stands on its own.
# Leaves alone what has not changed, so that make builds only what has.
set -eu
[ $# -eq 1 ] || { echo "usage: $0 OUT" >&2; exit 2; }
top=$(cd "$(dirname "$0")/.." && pwd)
out=$1

copy() { # copy SOURCE DESTINATION
	cmp -s "$1" "$2" || { mkdir -p "$(dirname "$2")" && cp "$1" "$2"; }
}
for file in "$top"/driver/*.[ch] "$top"/driver/conftest.sh "$top"/driver/Kbuild "$top"/driver/Kconfig \
	"$top"/driver/Makefile; do
	copy "$file" "$out/${file##*/}"
done
for file in "$top"/driver/tests/*.[ch]; do
	copy "$file" "$out/tests/${file##*/}"
done
for file in "$top"/include/hw/*.h; do
	copy "$file" "$out/include/hw/${file##*/}"
done
copy "$top/include/uapi/drm/gaon_accel.h" "$out/include/uapi/drm/gaon_accel.h"
conf() {
	sed "s/#MODULE_VERSION#/$(sh "$top/driver/version.sh")/" "$top/driver/dkms.conf"
}
conf | cmp -s - "$out/dkms.conf" || conf >"$out/dkms.conf"
