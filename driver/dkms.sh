#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR MIT
# dkms.sh DIR: the sources as DKMS wants them, in DIR/gaon-VERSION; then: dkms install gaon/VERSION
set -eu
[ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
here=$(dirname "$0")
version=$(sh "$here/version.sh")
sh "$here/sources.sh" "$1/gaon-$version"
echo "now: dkms install gaon/$version"
