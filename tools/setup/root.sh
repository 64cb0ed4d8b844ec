#!/bin/sh
# SPDX-License-Identifier: MIT
# root.sh NAME: prints the path of a directory that holds the Debian packages of roots/NAME.txt with all that
# they depend on, unpacked side by side as a file system. The first call for a recipe fetches and unpacks, later
# ones find the result in a cache outside the tree: $GAON_CACHE, default ~/.cache/gaon.
#
# Packages are unpacked, not installed: no maintainer script runs, nothing of the machine changes, no privilege
# is needed. What those scripts would have done and somebody needs (alternatives, ld.so.cache, modules.dep) is
# done in finish() below.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
name=$1
recipe=$here/roots/$name.txt
[ -f "$recipe" ] || { echo "root.sh: no recipe $recipe" >&2; exit 2; }

cache=${GAON_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gaon}/roots
# Raise this when the same recipe is to give another result.
layout=1
key=$({ echo "layout $layout"; cat "$recipe"; } | sha256sum | cut -c1-12)
root=$cache/$name-$key
if [ -d "$root" ]; then
	touch -c "$root"
	echo "$root"
	exit 0
fi

mkdir -p "$cache"
# One builder at a time; who waited finds the root made.
exec 9>"$cache/$name.lock"
flock 9
if [ -d "$root" ]; then
	echo "$root"
	exit 0
fi

suites=$(sed -n 's/^suites://p' "$recipe")
packages=$(sed -n 's/^packages://p' "$recipe" | tr -s ' \t\n' ' ')
# The suite that is preferred, not only looked at.
release=$(sed -n 's/^release: *//p' "$recipe")

work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/root"
: >"$work/status"
# shellcheck disable=SC2086 # a list of suites
sh "$here/mirror.sh" $suites >"$work/sources.list"

# The machine's own apt, with a state in which nothing is installed.
apt() {
	apt-get -q -y -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" \
		-o Dir::State::extended_states="$work/extended_states" \
		-o Dir::Cache::archives="$work/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= \
		-o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::Etc::preferences=/dev/null -o Dir::Etc::preferencesparts=/dev/null \
		${release:+-o APT::Default-Release="$release"} -o APT::Sandbox::User="$(id -un)" \
		-o Acquire::Check-Valid-Until=false -o Acquire::Languages=none -o Debug::NoLocking=1 "$@"
}

# Links that maintainer scripts make, and indexes that they compute.
finish() {
	cd "$work/root"
	mkdir -p dev etc proc run sys tmp var/tmp root
	[ -e usr/bin/sh ] || ! [ -e usr/bin/dash ] || ln -s dash usr/bin/sh
	[ -e usr/bin/awk ] || ! [ -e usr/bin/mawk ] || ln -s mawk usr/bin/awk
	[ -e usr/bin/cc ] || ! [ -e usr/bin/gcc ] || ln -s gcc usr/bin/cc
	[ -e etc/passwd ] || cp usr/share/base-passwd/passwd.master etc/passwd 2>/dev/null || :
	[ -e etc/group ] || cp usr/share/base-passwd/group.master etc/group 2>/dev/null || :
	/sbin/ldconfig -r .
	# An emulated processor takes half a minute to compile what one import takes from the library.
	[ ! -x usr/bin/python3 ] ||
		bwrap --bind . / --dev /dev --proc /proc /usr/bin/python3 -m compileall -q -j 0 /usr/lib/python3*
	for modules in lib/modules/*; do
		[ -d "$modules/kernel" ] || continue
		bwrap --bind . / --dev /dev --proc /proc /sbin/depmod "${modules##*/}"
	done
}

echo "root.sh: fetching $name: once, kept in $root" >&2
# shellcheck disable=SC2086 # a list of packages
if ! { apt update && apt install --download-only --no-install-recommends $packages; } >"$work/log" 2>&1; then
	tail -n 5 "$work/log" >&2
	echo "root.sh: not all of $name could be fetched; the lines above say why" >&2
	exit 1
fi
for top in bin sbin lib lib64; do
	mkdir -p "$work/root/usr/$top"
	ln -s "usr/$top" "$work/root/$top"
done
for package in "$work"/archives/*.deb; do
	dpkg-deb --fsys-tarfile "$package" | tar -x -C "$work/root" --keep-directory-symlink --no-same-owner \
		--exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*'
done
(finish) || { echo "root.sh: $name was fetched and could not be finished" >&2; exit 1; }
touch "$work/root"
mv "$work/root" "$root"
# Roots of older recipes that nobody has asked for in two weeks, and what a killed builder has left.
find "$cache" -maxdepth 1 -name "work.*" -type d -mmin +180 -exec rm -rf {} +
find "$cache" -maxdepth 1 -name "$name-*" -type d -mtime +14 -exec rm -rf {} +
echo "$root"
