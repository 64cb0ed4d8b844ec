#!/bin/sh
# SPDX-License-Identifier: MIT
# module.sh GAON: `gaon module` on the real module, against modinfo, sysfs and modprobe.
set -u
. tests/vm/guest/has.sh
. tests/vm/guest/ask.sh
gaon=$1
parameters=/sys/module/gaon/parameters
kept=/etc/modprobe.d/gaon_local.conf

until_node() {
	count=0
	while [ ! -e /dev/accel/accel0 ] && [ $count -lt 300 ]; do
		sleep 0.2
		count=$((count + 1))
	done
}

ask module
is 0 "status"
has "^loaded +version $(modinfo -F version gaon)\$" "the version that modinfo tells"
has "^installed +$(modinfo -n gaon | sed "s/[+.]/./g"), version" "the file that modinfo tells"
has "^references +$(cat /sys/module/gaon/refcnt)\$" "references"
has '^cards +accel0$' "the card"
ask module options
is 0 "options"
for name in $(modinfo -F parm gaon | sed 's/:.*//'); do
	has "^$name +[a-z]+ +" "the parameter $name"
done

exec 3<>/dev/accel/accel0
ask module unload
is 1 "unload while this shell has the card open"
has 'the module is in use; it stays' "says so"
has "process $$, sh, of root" "names this shell"
exec 3>&-
text=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$gaon" module unload 2>&1)
status=$?
is 1 "unload without privilege"
has 'only root unloads modules: sudo gaon module unload' "says what is missing"
ask module unload
is 0 "unload"
has '^loaded +no' "it is not loaded"
equal "$(grep -c '^gaon ' /proc/modules)" 0 "nor does the kernel have it"
ask module unload
is 0 "unload again"

text=$(setpriv --reuid 65534 --regid 65534 --clear-groups "$gaon" module load 2>&1)
status=$?
is 1 "load without privilege"
ask module load job_timeout_ms=12345
is 0 "load with an option"
until_node
equal "$(cat $parameters/job_timeout_ms)" 12345 "the module has it"
ask module load
is 0 "load again"
ask module load job_timeout_ms=1
is 1 "load again with an option"
equal "$(cat $parameters/job_timeout_ms)" 12345 "the module has what it had"

ask module options page_ce_limit=7 job_timeout_ms=2222
is 0 "options kept"
equal "$(cat $parameters/job_timeout_ms)" 12345 "not set now"
ask module options page_ce_limit=8
is 0 "one of them changed"
ask module --now options channel_ce_limit=99
is 0 "one set now as well"
equal "$(cat $parameters/channel_ce_limit)" 99 "it is"
ask module --now options inject=1
is 1 "one that is only read when the module is loaded"
has 'it is kept for the next load' "says so"
ask module options inject=
is 0 "and forgotten"
equal "$(grep -c inject $kept)" 0 "it is"
ask module unload
is 0 "unload"
modprobe gaon
until_node
equal "$(cat $parameters/page_ce_limit) $(cat $parameters/job_timeout_ms) $(cat $parameters/channel_ce_limit)" "8 2222 99" \
	"modprobe loads it with what was kept"
rm -f $kept
ask module unload
is 0 "unload"
ask module --json load
is 0 "load"
until_node
has '"loaded": true' "it is loaded"
equal "$(cat $parameters/job_timeout_ms)" 0 "with its defaults"
ask info --device accel0
is 0 "the card is usable"
echo "1..$number"
exit $bad
