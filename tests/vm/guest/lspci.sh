#!/bin/sh
# SPDX-License-Identifier: MIT
# What lspci, which knows nothing of this card, says of it.
set -eu
# shellcheck source=tests/vm/guest/has.sh
. "$(dirname "$0")/has.sh"
text=$(lspci -vv -s "$(sh "$(dirname "$0")/bdf.sh")")
has '^00:[0-9a-f.]* Processing accelerators' 'class'
has 'Region 0: Memory at .* \(32-bit, non-prefetchable\).*\[size=128K\]' 'BAR0: registers'
has 'Region 2: Memory at .* \(64-bit, prefetchable\).*\[size=' 'BAR2: HBM'
has 'Region 4: Memory at .* \(64-bit, non-prefetchable\).*\[size=64M\]' 'BAR4: doorbells'
has 'Power Management version 3' 'power management'
has 'MSI-X: .*Count=8' 'MSI-X'
has 'Express.*Endpoint' 'PCI Express'
has 'FLReset\+' 'Function Level Reset'
has 'Advanced Error Reporting' 'AER'
has 'Device Serial Number' 'serial number'
has 'Vendor Specific Information: Len=10' 'vendor-specific capability'
[ $bad = 0 ] || echo "$text"
exit $bad
