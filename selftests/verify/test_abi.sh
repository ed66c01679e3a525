#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The shared library gives what its header declares, under a version, and nothing else; the
# static one keeps its internal names to itself.
set -eu

build=${BUILD:-build}/host
header=$(dirname "$0")/../../userspace/libcloister-verify/cloister-verify.h
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0
failed=0

# same NAME FILE FILE: one line of TAP
same() {
	count=$((count + 1))
	if diff "$2" "$3" > "$work/diff" && [ -s "$2" ]; then
		echo "ok $count - $1"
	else
		echo "not ok $count - $1"
		sed 's/^/# /' "$work/diff"
		failed=1
	fi
}

# Functions end a line's name with "(" and begin outside of comments and typedefs.
sed -n 's/^[a-z].*[ *]\(cloister_[a-z_]*\)(.*/\1/p' "$header" | sort > "$work/declared"
nm -D --defined-only --with-symbol-versions "$build/libcloister-verify.so.0" |
	sed -n 's/.* T \(.*\)@@CLOISTER_VERIFY_0\.1$/\1/p' | sort > "$work/exported"
same "the shared library exports what the header declares" "$work/declared" "$work/exported"

nm -D --defined-only "$build/libcloister-verify.so.0" | awk '$2 != "A" { print $3 }' |
	sed 's/@.*//' | sort > "$work/all"
same "the shared library exports nothing else" "$work/declared" "$work/all"

nm -g --defined-only "$build/libcloister-verify.a" | awk 'NF == 3 { print $3 }' | sort > "$work/static"
same "the static library exports nothing else" "$work/declared" "$work/static"

echo libcloister-verify.so.0 > "$work/wanted"
objdump -p "$build/libcloister-verify.so.0" | awk '$1 == "SONAME" { print $2 }' > "$work/soname"
same "the soname is that of the first ABI" "$work/wanted" "$work/soname"

echo "1..$count"
exit "$failed"
