#!/bin/sh
# SPDX-License-Identifier: MIT
# llama.sh PROGRAM [ARGUMENT...]: runs a program of the llama.cpp that roots/llama.txt names, or one that is built
# against its libraries, in this machine's file system with /usr and /etc of that root in the place of its own.
# llama.sh --root: prints the root's path.
set -eu

root=$(sh "$(dirname "$0")/root.sh" llama)
case ${1:-} in
'' | --help | -h)
	echo "usage: llama.sh PROGRAM [ARGUMENT...] | llama.sh --root"
	echo "programs in $root/usr/bin: $(cd "$root/usr/bin" && echo llama-*)"
	exit 0
	;;
--root)
	echo "$root"
	exit 0
	;;
esac

program=$1
shift
set -- --dev-bind /dev /dev --proc /proc --die-with-parent --setenv PATH /usr/bin:/bin -- "$program" "$@"
for link in bin sbin lib lib64; do
	set -- --symlink "usr/$link" "/$link" "$@"
done
set -- --ro-bind "$root/usr" /usr --ro-bind "$root/etc" /etc "$@"
for dir in /*; do
	case $dir in
	/bin | /sbin | /lib* | /usr | /etc | /dev | /proc) ;;
	*) [ ! -d "$dir" ] || [ -L "$dir" ] || set -- --bind "$dir" "$dir" "$@" ;;
	esac
done
exec bwrap "$@"
