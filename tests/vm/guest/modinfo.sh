#!/bin/sh
# SPDX-License-Identifier: MIT
# What modinfo says of the module that is loaded.
set -eu
# shellcheck source=tests/vm/guest/has.sh
. "$(dirname "$0")/has.sh"
text=$(modinfo gaon)
has '^license: +Dual MIT/GPL$' 'licence'
has '^version: +[0-9.]+$' 'version'
has '^description: +[A-Z]' 'description'
has '^firmware: +gaon/ga1\.bin$' 'firmware, for who makes an initramfs'
has '^alias: +pci:v00001234d00006A10sv' 'alias, by which udev loads it'
has "^vermagic: +$(uname -r | sed 's/[.+]/\\&/g') " 'this kernel'
has '^parm: +job_timeout_ms:.*\(uint\)$' 'parameter with a description'
[ -e "/lib/firmware/$(modinfo -F firmware gaon)" ] || { echo "not ok $((number += 1)) - the firmware that it names is there"; bad=1; }
# Each parameter is in the administrator's guide.
for parameter in $(modinfo -p gaon | cut -d: -f1); do
	number=$((number + 1))
	if grep -q "\`\`$parameter\`\`" Documentation/admin/install.rst; then
		echo "ok $number - $parameter is documented"
	else
		echo "not ok $number - $parameter is not in Documentation/admin/install.rst"
		bad=1
	fi
done
[ $bad = 0 ] || echo "$text"
exit $bad
