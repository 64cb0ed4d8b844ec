#!/bin/sh
# SPDX-License-Identifier: MIT
# As an admin does it: the source package is added, built and installed by DKMS, here in the guest, and the card works
# with what came of it. In directories of its own, since the guest's root is not to change.
set -eu
work=$(mktemp -d)
release=$(uname -r)
trap 'cat "$work"/dkms/gaon/*/build/make.log 2>/dev/null || :; rm -rf "$work"' EXIT
mkdir -p "$work/dkms" "$work/modules/$release"
ln -s "/lib/modules/$release/build" "$work/modules/$release/build"

# The guest's own index of modules stays as it is: to read all modules anew takes an emulated guest minutes.
mkdir "$work/bin"
ln -s /bin/true "$work/bin/depmod"
PATH=$work/bin:$PATH

trees() { # trees COMMAND...
	dkms "$@" --dkmstree "$work/dkms" --sourcetree "$work/src" --installtree "$work/modules"
}

sh driver/dkms.sh "$work/src"
version=$(basename "$work"/src/gaon-*)
version=${version#gaon-}
trees add -m gaon -v "$version"
trees build -m gaon -v "$version" -k "$release"
trees install -m gaon -v "$version" -k "$release"
module=$(find "$work/modules/$release" -name 'gaon.ko*')
told=$(modinfo -F version "$module")
[ "$told" = "$version" ] || { echo "DKMS says $version, the module $told"; exit 1; }

modprobe -r gaon
modinfo -F depends "$module" | tr , '\n' | xargs -r -n 1 modprobe
insmod "$module"
taken=$(cat /sys/module/gaon/srcversion)
[ "$taken" = "$(modinfo -F srcversion "$module")" ] || { echo "not the module that was built"; exit 1; }
udevadm settle
"$O/bin/gaon" info --device accel0
modprobe -r gaon
trees remove -m gaon -v "$version" --all
[ -z "$(find "$work/modules/$release" -name 'gaon.ko*')" ] || { echo "dkms remove left the module"; exit 1; }
modprobe gaon
trap 'rm -rf "$work"' EXIT
