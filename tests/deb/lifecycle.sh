#!/bin/sh
# SPDX-License-Identifier: MIT
# lifecycle.sh OLD NEW TREE VERSION: in a Debian of its own (tests/deb/check.py), as root: the packages of OLD are installed, then
# those of NEW over them, looked at, removed, purged. After the removal only configuration is left, then nothing. TAP.
# shellcheck disable=SC2317 # functions that check calls
set -u
old=$1
new=$2
tree=$3
version=$4
number=0
bad=0
export DEBIAN_FRONTEND=noninteractive
mkdir -p /tmp/life

check() { # check WHAT COMMAND...
	what=$1
	shift
	number=$((number + 1))
	if "$@" >/tmp/life/output 2>&1; then
		echo "ok $number - $what"
	else
		echo "not ok $number - $what: $(tail -c 1500 /tmp/life/output | tr '\n' '|')"
		bad=1
	fi
}

# Everything but what the kernel and the package tools themselves keep.
snapshot() { # snapshot FILE
	find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /run -o -path /var/log -o -path /var/cache \
		-o -path /var/lib/apt -o -path /var/lib/dpkg \) -prune -o -printf '%p %y\n' |
		grep -v -e '^/etc/ld.so.cache ' -e '^/root ' | sort >"$1"
}

added() { # added BEFORE AFTER: what is there now and was not
	comm -13 "$1" "$2"
}

same() { # same BEFORE AFTER
	diff "$1" "$2"
}

install() { # install DIRECTORY
	apt-get -q -y --no-install-recommends -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold \
		-o Dpkg::Use-Pty=0 install "$1"/*.deb
}

of_ours() { # the packages
	dpkg-query -W -f '${Package} ${db:Status-Status}\n' | sed -n 's/^\(\(lib\)\?gaon[a-z0-9-]*\) .*/\1/p' | tr '\n' ' '
}

versions() { # versions VERSION: all have it
	dpkg-query -W -f '${Package} ${Version}\n' | grep -E '^(lib)?gaon' >/tmp/life/versions
	cat /tmp/life/versions
	[ -s /tmp/life/versions ] && ! grep -v " $1\$" /tmp/life/versions
}

only_conffiles() { # only_conffiles LIST: each line of it is a conffile of ours, or a directory above one
	dpkg-query -W -f '${Conffiles}\n' 'gaon*' | awk 'NF { print $1 }' >/tmp/life/conffiles
	cat "$1" /tmp/life/conffiles
	while read -r path kind; do
		if [ "$kind" = d ]; then
			grep -q "^$path/" /tmp/life/conffiles || return 1
		else
			grep -qx "$path" /tmp/life/conffiles || return 1
		fi
	done <"$1"
}

# DKMS' trees, systemd's own notes, and what dpkg lays beside a conffile that was changed.
all_known() {
	while read -r path kind; do
		case $path in
		/var/lib/dkms*|/var/lib/systemd*|*.dpkg-dist) continue ;;
		esac
		# Directories that were merged have two names, and dpkg knows one.
		dpkg -S "$path" >/dev/null 2>&1 || dpkg -S "${path#/usr}" >/dev/null 2>&1 || echo "$path $kind"
	done </tmp/life/added >/tmp/life/foreign
	cat /tmp/life/foreign
	[ ! -s /tmp/life/foreign ]
}

snapshot /tmp/life/before
check "install of the older release" install "$old"
check "all of it is of the older release" versions "$(cat "$old/version")"
conf=/etc/modprobe.d/gaon.conf
[ ! -e $conf ] || echo 'options gaon job_timeout_ms=1234' >>$conf
cp $conf /tmp/life/conf 2>/dev/null
check "upgrade" install "$new"
check "all of it is $version" versions "$version"
[ ! -e $conf ] || check "a changed conffile is kept" cmp $conf /tmp/life/conf
[ ! -e $conf ] || check "the package's own lies beside it" grep -q 'Options of the module gaon' $conf.dpkg-dist
snapshot /tmp/life/installed
added /tmp/life/before /tmp/life/installed >/tmp/life/added
check "every file is of a package, but for DKMS' own and the kept conffile's" all_known

(cd "$tree" && GAON_VERSION=${version%%-*} sh debian/tests/installed) >/tmp/life/tap
sed -e '/^1\.\./d' -e 's/ok [0-9]* - /&installed: /' /tmp/life/tap | while read -r line; do echo "$line"; done
number=$((number + $(grep -c '^\(not \)\?ok ' /tmp/life/tap)))
! grep -q '^not ok' /tmp/life/tap && grep -q '^1\.\.' /tmp/life/tap || bad=1

# What an administrator and the commands leave.
check "settings are kept by a command" sh -c 'mkdir -p /etc/gaon && echo "* clock 700" >/etc/gaon/config'
check "so are options of the module" sh -c 'echo "options gaon job_timeout_ms=5" >/etc/modprobe.d/gaon_local.conf'
ours=$(of_ours)
# shellcheck disable=SC2086 # a list
check "removal of $ours" apt-get -q -y -o Dpkg::Use-Pty=0 remove $ours
snapshot /tmp/life/removed
added /tmp/life/before /tmp/life/removed | grep -v -e '^/etc/gaon' -e '^/etc/modprobe.d/gaon_local.conf ' \
	-e '\.dpkg-dist ' -e '^/var/lib/dkms' -e '^/var/lib/systemd' >/tmp/life/left
check "only conffiles are left" only_conffiles /tmp/life/left
rest=$(of_ours)
# shellcheck disable=SC2086
check "purge of $rest" dpkg --purge $rest
snapshot /tmp/life/purged
check "nothing is left" same /tmp/life/before /tmp/life/purged
check "nothing is taken that was there" sh -c '! comm -23 /tmp/life/before /tmp/life/purged | grep .'
check "a fresh install" install "$new"
# shellcheck disable=SC2086
check "purged without being removed first" apt-get -q -y -o Dpkg::Use-Pty=0 purge $ours
snapshot /tmp/life/purged
check "nothing is left of that either" same /tmp/life/before /tmp/life/purged
echo "1..$number"
exit $bad
