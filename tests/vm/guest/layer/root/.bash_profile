# SPDX-License-Identifier: MIT
# What the shell of `make vm` starts with: the driver, a prompt, and a word of welcome.
stty rows "$LINES" cols "$COLUMNS" 2>/dev/null
unset LINES COLUMNS
shopt -s checkwinsize
hostname gaon-guest
export PATH="$PATH:$O/bin" GAON_BUILD_DIR="$O"
PS1='\[\e[1m\]guest\[\e[0m\]:\w# '
dmesg -n warn
cd "$TREE" || true

# shellcheck disable=SC2086 # the module's name, then its parameters
if [ -n "$gaon_module" ] && modprobe $gaon_module; then
	# Nodes come when the firmware has booted.
	for _ in $(seq 100); do
		[ "$(ls /dev/accel 2>/dev/null | wc -l)" -ge "$(lspci -n -d 1234:6a10 | wc -l)" ] && break
		sleep 0.1
	done
fi
# `make demo DEVICE=vm`: a program in the place of the shell.
# shellcheck disable=SC2086 # a command with its arguments
[ -z "$gaon_run" ] || exec $gaon_run
cards=$(lspci -D -n -d 1234:6a10 | cut -d' ' -f1)
echo
echo "Linux $(uname -r), guest of shape '$gaon_shape'. Cards:"
for card in $cards; do
	driver=$(basename "$(readlink "/sys/bus/pci/devices/$card/driver" || echo none)")
	node=$(basename "$(echo "/sys/bus/pci/devices/$card/accel"/accel*)")
	[ "$node" = 'accel*' ] && node="no node" || node=/dev/accel/$node
	echo "  $card  driver $driver  $node"
done
[ -n "$cards" ] || echo "  none"
cat <<-END

	Things to try:
	  gaon list; gaon info          what the runtime sees
	  gaon-demo-digits              the demo, on the card
	  lspci -vv -d 1234:6a10        the card
	  modinfo gaon; dmesg | tail    the driver, and what it says
	  ls /sys/kernel/debug/accel    its debugging files
	  rmmod gaon; modprobe gaon     once more from the start
	The source tree is here, read-only; $O holds what was built. Nothing that is written lasts.
	exit or Ctrl-D ends the guest.

END
unset cards card driver node
