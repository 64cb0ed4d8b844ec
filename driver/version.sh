#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR MIT
# version.sh: prints the module's version, which is that of its interface
set -eu
header=$(dirname "$0")/../include/uapi/drm/gaon_accel.h
number() {
	sed -n "s/^#define DRM_GAON_VERSION_$1[[:space:]]*\([0-9]*\)\$/\1/p" "$header"
}
echo "$(number MAJOR).$(number MINOR)"
