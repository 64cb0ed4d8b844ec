# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# For scripts that try the command $gaon, beside has.sh: what it prints is in $text, how it ends in $status.
# shellcheck disable=SC2154,SC2034 # for who reads this file
is() { # is STATUS WHAT: of the command before
	number=$((number + 1))
	if [ "$status" = "$1" ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2: exit $status, not $1: $(echo "$text" | tr '\n' '|')"
		bad=1
	fi
}

equal() { # equal GOT WANTED WHAT
	number=$((number + 1))
	if [ "$1" = "$2" ]; then
		echo "ok $number - $3"
	else
		echo "not ok $number - $3: $1, not $2"
		bad=1
	fi
}

ask() { # ask ARGUMENT...: the command's text and exit status
	text=$("$gaon" "$@" 2>&1)
	status=$?
}
