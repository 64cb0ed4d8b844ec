#!/bin/sh
# SPDX-License-Identifier: MIT
# podman.sh GAON DEMO: programs in containers of podman get the cards that were asked for by `gaon cdi`'s names, and
# none without asking; the demo computes there. On two cards.
# shellcheck disable=SC1091,SC2034,SC2154 # what has.sh and ask.sh set and use
set -u
. tests/vm/guest/has.sh
. tests/vm/guest/ask.sh
gaon=$1
demo=$2
work=$(mktemp -d)

contain() { # contain OPTION... -- COMMAND...: in a container that sees the programs of this machine, and nothing else
	options=
	while [ "$1" != -- ]; do
		options="$options $1"
		shift
	done
	shift
	# shellcheck disable=SC2086 # a list of options without spaces
	text=$(podman --root "$work/root" --runroot "$work/run" --tmpdir "$work/tmp" --storage-driver vfs --runtime crun \
		--cgroup-manager cgroupfs --events-backend none run --rm --network none --cgroups disabled --read-only \
		--volume /usr:/usr:ro --volume "$PWD:$PWD:ro" --workdir "$PWD" $options --rootfs "$work/image" "$@" 2>&1)
	status=$?
}

mkdir -p "$work/image" /etc/cdi
for dir in bin sbin lib lib64; do
	ln -s usr/$dir "$work/image/$dir"
done
mkdir -p "$work/image/usr" "$work/image/etc" "$work/image/proc" "$work/image/sys" "$work/image/dev" "$work/image/tmp" \
	"$work/image/run" "$work/image$PWD"
ask cdi --output /etc/cdi/gaon.json
is 0 "the cards' specification is written"

contain -- ls -1 /dev
is 0 "a container runs"
number=$((number + 1))
if echo "$text" | grep -q accel; then
	echo "not ok $number - no card without asking: $(echo "$text" | tr '\n' '|')"
	bad=1
else
	echo "ok $number - no card without asking"
fi
contain --device gaon/accel=accel7 -- true
number=$((number + 1))
if [ $status != 0 ] && echo "$text" | grep -q accel7; then
	echo "ok $number - a card that there is not is refused"
else
	echo "not ok $number - a card that there is not: $status, $text"
	bad=1
fi

serial=$(grep -o '"name": *"[0-9a-f]*"' /etc/cdi/gaon.json | tail -1 | cut -d'"' -f4)
contain --device "gaon/accel=$serial" -- ls -1 /dev/accel
is 0 "a card by its serial number, $serial"
equal "$text" accel1 "is that one and nothing else"
contain --device gaon/accel=all -- "$gaon" list
is 0 "all cards"
has accel0 "the first is found"
has accel1 "so is the second"
contain --device gaon/accel=accel0 --user 65534:65534 --cap-drop all -- "$demo" --device accel0 --epochs 2 --json
is 0 "the demo in a container, of nobody: it trains, and host and device agree"
has '"device": *"' "and says so"
rm -rf "$work"
echo "1..$number"
exit "$bad"
