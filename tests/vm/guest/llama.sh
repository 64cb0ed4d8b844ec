#!/bin/sh
# SPDX-License-Identifier: MIT
# llama.sh PROGRAM [ARGUMENT...]: in a guest, what tools/setup/llama.sh is on the host. Runs a program of llama.cpp, or
# one that is built against its libraries, with llama.cpp's root as its root directory; the source tree, O and the model
# are there under the same paths, and it starts in /. For guests of a shape with `llama = true`, as root.
set -eu

new=/run/llama/root
share() { # share TAG DIRECTORY
	mkdir -p "$2"
	mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144,cache=loose,ro "$1" "$2"
}

bind() { # bind DIRECTORY: the guest's own, with what is mounted below it
	mkdir -p "$new$1"
	mount --rbind "$1" "$new$1"
}

# Once in each guest.
if [ ! -e "$new" ]; then
	share llama /run/llama/lower
	mkdir -p /run/llama/upper
	mount -t tmpfs -o mode=755 tmpfs /run/llama/upper
	mkdir /run/llama/upper/data /run/llama/upper/work "$new"
	mount -t overlay -o lowerdir=/run/llama/lower,upperdir=/run/llama/upper/data,workdir=/run/llama/upper/work overlay "$new"
	for dir in /proc /sys /dev /tmp /lib/modules; do
		bind "$dir"
	done
	# Last, since the tree may lie below /tmp.
	case $O/ in
	"$PWD"/*) ;;
	*) bind "$O" ;;
	esac
	bind "$PWD"
	share models "$new$(dirname "$GAON_LLM")"
fi
# There is no shell in it.
PATH=/usr/bin:/bin exec /usr/sbin/chroot "$new" "$@"
