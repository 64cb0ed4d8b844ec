#!/bin/sh
# SPDX-License-Identifier: MIT
# HTML of Documentation/ below $1/docs.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-build}/docs
mkdir -p "$out"
/usr/bin/python3 -m sphinx -q -b html -d "$out/.cache" Documentation "$out"
echo "open $out/index.html"
