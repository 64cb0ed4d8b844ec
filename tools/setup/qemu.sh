#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the path of a qemu-riscv64 that knows Zvfh and the bf16 extensions (version 9 or newer). Debian 12's is
# older: the one of trixie-backports is then unpacked, not installed, into a cache outside the tree:
# $GAON_CACHE, default ~/.cache/gaon.
set -eu

new_enough() {
	[ -x "$1" ] && version=$("$1" --version 2>/dev/null | sed -n 's/^qemu-riscv64 version \([0-9]*\).*/\1/p') &&
		[ "${version:-0}" -ge 9 ]
}

system=$(command -v qemu-riscv64 || true)
if [ -n "$system" ] && new_enough "$system"; then
	echo "$system"
	exit 0
fi

cache=${GAON_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gaon}/qemu
if new_enough "$cache/root/usr/bin/qemu-riscv64"; then
	echo "$cache/root/usr/bin/qemu-riscv64"
	exit 0
fi

# The mirror that this machine's apt already uses.
# shellcheck disable=SC2016 # apt's variables
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' "Created-By: Packages" |
	awk '$1 !~ /security/ && $2 ~ /^(bookworm|trixie|forky|sid|stable)$/ { print $1; exit }')
[ -n "$mirror" ] || { echo "qemu.sh: apt knows no Debian mirror; run: apt-get update" >&2; exit 1; }

mkdir -p "$cache"
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/etc" "$work/root"
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie-backports main" >"$work/etc/sources.list"
apt="-o Dir::State::Lists=$work/lists -o Dir::Cache::archives=$work/archives -o Dir::Cache::pkgcache= \
	-o Dir::Cache::srcpkgcache= -o Dir::Etc::sourcelist=$work/etc/sources.list \
	-o Dir::Etc::sourceparts=/dev/null -o Dir::Etc::preferences=/dev/null \
	-o Dir::Etc::preferencesparts=/dev/null -o APT::Sandbox::User=root"
# shellcheck disable=SC2086 # a list of options
if ! { apt-get $apt update && cd "$work" && apt-get $apt download qemu-user; } >"$work/log" 2>&1; then
	tail -n 5 "$work/log" >&2
	echo "qemu.sh: no newer qemu-user could be fetched; the lines above say why" >&2
	exit 1
fi
dpkg-deb -x "$work"/qemu-user_*.deb "$work/root"
rm -rf "$cache/root"
mv "$work/root" "$cache/root"
new_enough "$cache/root/usr/bin/qemu-riscv64" || { echo "qemu.sh: what was fetched does not run here" >&2; exit 1; }
echo "$cache/root/usr/bin/qemu-riscv64"
