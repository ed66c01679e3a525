#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tap-summary: what counts as passed, failed and skipped.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/vm/tests/tap.sh
. "$here/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
output=$work/output
: >"$work/skips"

# summary KERNEL: reads results from stdin; what it says, and `status N`, is in $output.
summary() {
	local status=0
	cat >"$work/$1.tap"
	"$here/../tap-summary" --expected "$work/skips" "$work/$1.tap" >"$output" || status=$?
	echo "status $status" >>"$output"
}

# comes_to SUMMARY STATUS
comes_to() {
	[ "$(tail -n 2 "$output")" = "$1"$'\n'"status $2" ]
}

summary 6.1 <<'END'
#@ program first
TAP version 13
1..2
ok 1 one
ok 2 - two
#@ exit 0
#@ run 0
END
check "results that are whole pass" comes_to "2 passed, 0 failed, 0 skipped" 0

summary 6.1 <<'END'
#@ program first
1..2
ok 1 one
# what went wrong
not ok 2 two
#@ exit 1
#@ run 0
END
check "not ok fails" comes_to "1 passed, 1 failed, 0 skipped" 1
check "a failure is listed" has "not ok 6.1 first: two"
check "with what was printed before it" has "    # what went wrong"

summary 6.1 <<'END'
#@ program first
1..2
not ok 1 one
# what went wrong
not ok 2 two
# what else went wrong
#@ exit 1
#@ run 0
END
check "or after it" [ "$(grep -A 1 '^not ok' "$output" | tr -d '\n ')" = \
	"notok6.1first:one#whatwentwrong--notok6.1first:two#whatelsewentwrong" ]

summary 6.1 <<'END'
#@ program first
1..1
ok 1 one
#@ exit 139
#@ run 0
END
check "an exit status that TAP does not explain fails" comes_to "1 passed, 1 failed, 0 skipped" 1

summary 6.1 <<'END'
#@ program first
1..3
ok 1 one
#@ exit 0
#@ run 0
END
check "fewer tests than planned fail" comes_to "1 passed, 1 failed, 0 skipped" 1

summary 6.1 <<'END'
#@ program first
ok 1 one
#@ exit 0
#@ run 0
END
check "a missing plan fails" comes_to "1 passed, 1 failed, 0 skipped" 1

summary 6.1 <<'END'
#@ program silent
#@ exit 0
#@ run 0
END
check "a program without tests fails" comes_to "0 passed, 1 failed, 0 skipped" 1

summary 6.1 <<'END'
#@ program first
1..1
ok 1 one
#@ program second
1..1
ok 1 one
#@ exit 0
#@ run 0
END
check "a program that did not end fails" comes_to "2 passed, 1 failed, 0 skipped" 1

summary 6.1 <<'END'
#@ program first
1..1
ok 1 one
#@ exit 0
END
check "a run that did not end fails" comes_to "1 passed, 1 failed, 0 skipped" 1

summary 6.1 <<'END'
#@ program first
1..1
ok 1 one
#@ exit 0
#@ run 121 the kernel reported a bug
END
check "a run with a kernel bug fails" comes_to "1 passed, 1 failed, 0 skipped" 1
check "and says so" has "the kernel reported a bug"

skipping='#@ program first
1..2
ok 1 one
#  RUN           global.needs_swap ...
ok 2 # SKIP no swap device
#@ exit 0
#@ run 0'
summary 6.1 <<<"$skipping"
check "a skip that no line names fails" comes_to "1 passed, 1 failed, 0 skipped" 1
check "it is listed by its name and reason" has "expected-skips does not name it: no swap device"
echo '6.1 kernel first:global.needs_swap no swap*' >"$work/skips"
summary 6.1 <<<"$skipping"
check "a skip that a line names passes" comes_to "1 passed, 0 failed, 1 skipped" 0
summary 6.12 <<<"$skipping"
check "but on that kernel only" comes_to "1 passed, 1 failed, 0 skipped" 1
echo '* kernel first:global.needs_swap no zram' >"$work/skips"
summary 6.1 <<<"$skipping"
check "and for that reason only" comes_to "1 passed, 1 failed, 0 skipped" 1

echo '* kernel first:* no device' >"$work/skips"
summary 6.1 <<'END'
#@ program other
1..1
ok 1 one
#@ exit 0
#@ program first
1..0 # SKIP no device
#@ exit 4
#@ run 0
END
check "a program may skip as a whole" comes_to "1 passed, 0 failed, 1 skipped" 0

: >"$work/skips"
summary 6.1 <<'END'
#@ program first
1..1
not ok 1 one # TODO later
#@ exit 0
#@ run 0
END
check "TODO is no excuse" comes_to "0 passed, 1 failed, 0 skipped" 1

summary 6.1 </dev/null
check "no results fail" comes_to "0 passed, 1 failed, 0 skipped" 1
finish
