#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the path of the debugging kernel: Linux 7.3 with debug.config and debug.patch; or, called with the name of
# another file of options beside it (coverage.config), of the kernel that has those as well, and lacks what is not set
# in it. The first call builds it, in about 15 minutes of processor time; later ones find it in the cache, $GAON_CACHE
# or ~/.cache/gaon. The result:
#	bzImage  release  config  headers/ (for modules)  lib/modules/
set -eu

here=$(cd "$(dirname "$0")" && pwd)
cache=${GAON_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/gaon}/kernels
more=${1:+$here/$1}
# shellcheck disable=SC2086 # none or one
key=$(cat "$here/debug.config" $more "$here/debug.patch" "$here/helpers.kconfig" "$here/../../tools/setup/roots/linux-source.txt" |
	sha256sum | cut -c1-12)
made=$cache/debug-$key
if [ -d "$made" ]; then
	touch -c "$made"
	echo "$made"
	exit 0
fi
mkdir -p "$cache"
exec 9>"$cache/debug.lock"
flock 9
if [ -d "$made" ]; then
	echo "$made"
	exit 0
fi

tools=$(sh "$here/../../tools/setup/root.sh" linux-source)
work=$(mktemp -d "$cache/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
inside() { # with the compiler's root as root directory; the work directory is writable
	bwrap --ro-bind "$tools/usr" /usr --ro-bind "$tools/etc" /etc --symlink usr/bin /bin --symlink usr/sbin /sbin \
		--symlink usr/lib /lib --symlink usr/lib64 /lib64 --dev /dev --proc /proc --tmpfs /tmp \
		--bind "$work" "$work" --ro-bind "$here" "$here" --chdir "$work/linux" --die-with-parent \
		--setenv LC_ALL C.UTF-8 --setenv KBUILD_BUILD_USER gaon --setenv KBUILD_BUILD_HOST gaon "$@"
}
fail() {
	tail -n 20 "$work/log" >&2
	echo "debug_kernel.sh: $1; the lines above say why" >&2
	exit 1
}

echo "debug_kernel.sh: building Linux 7.3 for debugging, once, in about 15 minutes of processor time; kept in $made" >&2
mkdir "$work/linux" "$work/made"
tar -x -f "$tools"/usr/src/linux-source-7.3.tar.xz -C "$work/linux" --strip-components=1
patch -s -d "$work/linux" -p1 <"$here/debug.patch" >"$work/log" 2>&1 || fail "debug.patch does not fit"
sed -i "/^source \"drivers\/accel\/rocket/r $here/helpers.kconfig" "$work/linux/drivers/accel/Kconfig"
# shellcheck disable=SC2086
cat "$here/debug.config" $more >"$work/all"
sed -n 's/^# \(CONFIG_[A-Z0-9_]*\) is not set$/^\1=/p' "$work/all" >"$work/without"
grep -v -f "$work/without" "$work/all" >"$work/wanted"
inside make -s KCONFIG_ALLCONFIG="$work/wanted" allnoconfig >"$work/log" 2>&1 || fail "no configuration"
grep '^CONFIG_' "$work/wanted" | while read -r line; do
	grep -qFx "$line" "$work/linux/.config" || { echo "this kernel does not take $line" >>"$work/log"; exit 1; }
done || fail "debug.config $* does not fit"
inside make -s -j"${JOBS:-$(nproc)}" bzImage modules >"$work/log" 2>&1 || fail "the build failed"
release=$(cat "$work/linux/include/config/kernel.release")
inside make -s INSTALL_MOD_PATH="$work/made" modules_install >"$work/log" 2>&1 || fail "modules_install failed"
# What modules from outside are built with, without the sources.
# shellcheck disable=SC2016 # make's variable
inside make -s run-command KBUILD_RUN_COMMAND='+$(srctree)/scripts/package/install-extmod-build '"$work/made/headers" \
	>"$work/log" 2>&1 || fail "no headers"
rm -f "$work/made/lib/modules/$release/build" "$work/made/lib/modules/$release/source"
cp "$work/linux/.config" "$work/made/config"
cp "$work/linux/arch/x86/boot/bzImage" "$work/made/bzImage"
echo "$release" >"$work/made/release"
mv "$work/made" "$made"
find "$cache" -maxdepth 1 \( -name 'debug-*' -mtime +14 -o -name 'work.*' -mtime +0 \) -type d -exec rm -rf {} +
echo "$made"
