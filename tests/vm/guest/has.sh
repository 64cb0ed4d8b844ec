# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# For scripts that look for lines in what a program printed: sets number and bad; the text is in $text.
# shellcheck disable=SC2034 # for who reads this file
number=0
bad=0
text=

has() { # has PATTERN WHAT
	number=$((number + 1))
	if echo "$text" | grep -Eq "$1"; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2: no line matches $1"
		bad=1
	fi
}
