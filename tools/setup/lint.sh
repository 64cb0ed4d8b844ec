#!/bin/sh
# SPDX-License-Identifier: MIT
# The rules that a script can check: licence tags, layout, headers that compile alone, shell scripts,
# cppcheck. Prints one line per finding; exit status 1 if there was any.
set -u
cd "$(dirname "$0")/../.." || exit 2

CC=${CC:-clang-22}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
found=$work/found
: >"$found"
complain() {
	printf '%s\n' "$*" | tee -a "$found"
}

sources=$(git ls-files '*.c' '*.h' '*.S' '*.ld' '*.mk' '*.sh' '*.py' '*.rst' Makefile .ci/run)

# shellcheck disable=SC2086 # a list of paths without blanks
set -- $sources
for file; do
	[ -f "$file" ] || continue
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier:' || complain "$file: no SPDX tag in its first lines"
	if grep -nP '[ \t]+$' "$file" | head -n 1 | grep -q .; then
		complain "$file: blanks at the end of line $(grep -nP '[ \t]+$' "$file" | head -n 1 | cut -d: -f1)"
	fi
done

for file in $(git ls-files '*.c' '*.h'); do
	[ -f "$file" ] || continue
	# A message stays in one piece, so that it can be searched for: only what stands around it counts.
	expand "$file" | awk -v f="$file" '{ text = $0; gsub(/"[^"]*"/, "\"\"", text) }
		length(text) > 110 || (length($0) > 110 && text !~ /""/) {
		printf "%s:%d: %d columns\n", f, FNR, length($0) }' | while read -r line; do
		complain "$line"
	done
	lines=$(wc -l <"$file")
	case "$file" in
	include/uapi/*) lines=0 ;; # one interface, one file
	esac
	[ "$lines" -le 1000 ] || complain "$file: $lines lines; split it by concern"
	if grep -nE '^    +[^ *]' "$file" | head -n 1 | grep -q .; then
		complain "$file: indented with blanks: line $(grep -nE '^    +[^ *]' "$file" | head -n 1 | cut -d: -f1)"
	fi
done

for header in $(git ls-files 'include/*.h' 'tools/sim/**/*.h' 'runtime/*.h' 'runtime/**/*.h'); do
	case "$header" in
	*_kernels*.h | *_body.h | *_template.h | *.inc.h) continue ;; # text for inclusion, said so by their names
	runtime/tools/*) continue ;; # include what the build makes from gaon.h
	esac
	case "$header" in
	runtime/frameworks/ggml/*) framework=$(sh tools/setup/llama.sh --root)/usr/include ;; # fetched once
	*) framework=include ;;
	esac
	# shellcheck disable=SC2086 # CC may carry a wrapper: "ccache clang"
	if ! $CC -std=gnu11 -D_GNU_SOURCE -Iinclude -Iinclude/uapi -Itools/sim -I/usr/include/libdrm -isystem "$framework" -Wall -fsyntax-only -x c "$header" 2>"$work/err"; then
		complain "$header: does not compile alone: $(grep -m1 error: "$work/err")"
	fi
done

if command -v shellcheck >/dev/null 2>&1; then
	scripts=$(git ls-files '*.sh')
	# shellcheck disable=SC2086 # a list of paths without blanks
	[ -z "$scripts" ] || shellcheck -s sh $scripts || complain "shellcheck found something"
fi
if command -v cppcheck >/dev/null 2>&1; then
	checked=$(git ls-files 'runtime/*.c' 'runtime/winsys/*.c' 'tools/sim/dev/*.c' 'tools/sim/mcu/*.c' \
		'tools/gaon/*.c' 'tools/demo/*.c' 'firmware/*.c')
	# shellcheck disable=SC2086 # a list of paths without blanks
	[ -z "$checked" ] || cppcheck --quiet --enable=warning --inline-suppr --error-exitcode=1 -j 2 \
		--suppress=missingIncludeSystem --suppress=internalAstError --suppress=syntaxError \
		--suppress=preprocessorErrorDirective \
		-D__x86_64__ -D_GNU_SOURCE -Iinclude $checked 2>"$work/cppcheck" ||
		{ cat "$work/cppcheck"; complain "cppcheck found something"; }
fi

count=$(wc -l <"$found")
echo "lint: $count findings in $# files"
[ "$count" -eq 0 ]
