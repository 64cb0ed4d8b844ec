#!/bin/sh
# SPDX-License-Identifier: MIT
# Installs the Debian packages that building and testing need. Asks first on a terminal, unless
# YES=1 or CI is set. Does nothing, quickly, when all are there. $1: another list than packages.txt.
set -eu

list=${1:-$(dirname "$0")/packages.txt}
want=$(sed 's/#.*//' "$list" | tr -s ' \t\n' ' ')

if ! command -v dpkg-query >/dev/null 2>&1; then
	echo "gaon: not a Debian system: install the equivalents of these packages yourself:" >&2
	echo "  $want" >&2
	exit 0
fi

missing=
for package in $want; do
	status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
	sudo=
elif command -v sudo >/dev/null 2>&1; then
	sudo=sudo
else
	echo "gaon: these packages are missing and you are not root:$missing" >&2
	echo "gaon: as root: apt-get install --no-install-recommends$missing" >&2
	exit 1
fi

if [ -t 0 ] && [ -t 1 ] && [ -z "${YES:-}" ] && [ -z "${CI:-}" ]; then
	printf 'Gaon needs these Debian packages:%s\nInstall them now? [Y/n] ' "$missing"
	read -r answer
	case "$answer" in
	'' | y | Y | yes) ;;
	*)
		echo "gaon: nothing installed; the build cannot go on without them" >&2
		exit 1
		;;
	esac
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
echo "installing:$missing"
# shellcheck disable=SC2086 # both are lists of words
if ! { $sudo apt-get update && $sudo apt-get install -y --no-install-recommends $missing; } \
	>"$log" 2>&1; then
	tail -n 20 "$log" >&2
	echo "gaon: the installation failed; the lines above say why. Try: apt-get install$missing" >&2
	exit 1
fi
