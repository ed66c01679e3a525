# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the checks share. Sourced from the top of the tree, never run.

# For those who source this:
# shellcheck disable=SC2034
here=selftests/lint
out=${out:-build/lint/alone}
kept=build/lint/kept
mkdir -p "$out" "$kept"

# files [PATTERN...]: files of the tree, those that git would take; without git all but build/.
# shellcheck disable=SC2120  # they have
files() {
	if [ -e .git ]; then
		git ls-files -co --exclude-standard -- "$@" | sort -u
	elif [ $# -eq 0 ]; then
		find . -path ./build -prune -o -type f -printf '%P\n' | sort
	else
		find . -path ./build -prune -o -type f -printf '%P\n' | sort | grep -E "$(pattern "$@")"
	fi | while IFS= read -r file; do
		# What was just deleted is still in git's index.
		[ ! -f "$file" ] || printf '%s\n' "$file"
	done
}

# pattern GLOB...: an extended regular expression for globs whose * also matches slashes, as git's.
pattern() {
	printf '%s\n' "$@" | sed -e 's/[.]/\\./g' -e 's/[*]/.*/g' -e 's|.*|^&(/.*)?$|' | paste -sd '|'
}

# scripts: shell scripts, by name or first line.
scripts() {
	local file
	files | while IFS= read -r file; do
		case $file in
		*.sh) echo "$file" ;;
		*.[ch] | *.py | *.rst | *.md | *.mk) ;;
		*) ! head -n 1 "$file" | grep -qE '^#!.*(/|env )(ba|da|busybox )?sh\b' || echo "$file" ;;
		esac
	done
}

# need TOOL PACKAGE: a check without its tool fails.
need() {
	command -v "$1" >/dev/null || { echo "there is no $1: run 'make deps' (package $2)"; exit 1; }
}

# quiet: fails, and shows it, where there is any output.
quiet() {
	local text
	text=$(cat)
	[ -z "$text" ] || { printf '%s\n' "$text"; return 1; }
}
