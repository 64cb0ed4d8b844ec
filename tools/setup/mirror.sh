#!/bin/sh
# SPDX-License-Identifier: MIT
# mirror.sh SUITE...: prints a sources.list of these suites of Debian, on the mirrors that this machine's apt
# already uses.
set -eu

# $1 is what the release's name must match.
mirror_of() {
	# shellcheck disable=SC2016 # apt's variables
	apt-get indextargets --format '$(REPO_URI) $(RELEASE)' "Created-By: Packages" |
		awk -v want="$1" '$2 ~ want { print $1; exit }'
}
main_mirror=$(mirror_of '^(bookworm|trixie|forky|sid|stable)$')
security_mirror=$(mirror_of '^[a-z]+-security$')
[ -n "$main_mirror" ] || { echo "mirror.sh: apt knows no Debian mirror; run: apt-get update" >&2; exit 1; }
for suite; do
	case $suite in
	*-security) mirror=$security_mirror ;;
	*) mirror=$main_mirror ;;
	esac
	[ -n "$mirror" ] || { echo "mirror.sh: apt knows no mirror for $suite" >&2; exit 1; }
	echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main"
done
