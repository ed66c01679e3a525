# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# TAP for the harness's own tests. Sourced.

number=0
failures=0

# check NAME COMMAND...: COMMAND must succeed; what it was given is shown if it does not.
check() {
	local name=$1
	shift
	number=$((number + 1))
	if "$@" >/dev/null 2>&1; then
		echo "ok $number - $name"
	else
		failures=$((failures + 1))
		echo "not ok $number - $name"
		printf '# %s\n' "$*"
		[ -z "${output-}" ] || tail -n 60 "$output" | sed 's/^/# | /'
	fi
}

# has TEXT, lacks TEXT: about the last command's output.
has() { grep -qF -e "$1" "$output"; }
lacks() { ! has "$1"; }

finish() {
	echo "1..$number"
	[ "$failures" -eq 0 ]
}
