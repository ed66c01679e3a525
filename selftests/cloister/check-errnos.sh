#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# check-errnos.sh [HEADER]: the errnos that calls.h lets each call fail with are those that
# linux/cloister.h documents for it. TAP.
set -eu
here=$(dirname "$0")
header=${1:-$here/../../uapi/linux/cloister.h}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# errnos(name, line, mark): `NAME ERRNO` for each errno of the line that stands after the mark.
errnos='
	function errnos(name, line, mark) {
		while (match(line, mark "E[A-Z0-9]+")) {
			print name, substr(line, RSTART + 1, RLENGTH - 1)
			line = substr(line, RSTART + RLENGTH)
		}
	}'

# What the comment above each structure lists from `Errors:` on.
awk "$errnos"'
	/^ \* struct cloister_[a-z_]+ - / { name = substr($3, 10); listed = 0 }
	/^ \* Errors:/ { listed = 1 }
	/^ \*\// { listed = 0 }
	listed { errnos(name, $0, "%") }
' "$header" | grep -v -E ' (EFAULT|EINVAL|E2BIG)$' | sort -u >"$work/header"

# SEAL and REMOVE_PAGES share a structure: together they have what it documents.
awk "$errnos"'
	/CALL\([A-Z_]+, [a-z_]+,/ { split($0, part, /[(,] */); name = part[3] }
	/\.errnos = / { listed = 1 }
	listed { errnos(name, $0, "[{ ,\t]") }
	/\},$/ { listed = 0 }
' "$here/calls.h" | sort -u >"$work/table"

echo "TAP version 13"
echo "1..2"
status=0
ok="ok"
if [ "$(wc -l <"$work/header")" -lt 30 ]; then
	ok="not ok"
	status=1
	sed 's/^/# found: /' "$work/header"
fi
echo "$ok 1 errnos are found in the header"
ok="ok"
if ! diff "$work/header" "$work/table" >"$work/diff"; then
	ok="not ok"
	status=1
	sed -e 's/^</# only in the header:/' -e 's/^>/# only in calls.h:/' "$work/diff"
fi
echo "$ok 2 calls.h allows each call what the header documents"
exit "$status"
