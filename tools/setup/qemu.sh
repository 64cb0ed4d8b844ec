#!/bin/sh
# SPDX-License-Identifier: MIT
# Prints the path of a qemu-riscv64 that knows Zvfh and the bf16 extensions (version 9 or newer). Debian 12's is
# older: the one of trixie-backports is then unpacked, not installed; see root.sh.
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

emulator=$(sh "$(dirname "$0")/root.sh" qemu-user)/usr/bin/qemu-riscv64
new_enough "$emulator" || { echo "qemu.sh: $emulator, which was fetched, does not run here" >&2; exit 1; }
echo "$emulator"
