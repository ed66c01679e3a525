#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run-tests.sh RESULTS TEST...: runs each test (a program or script that prints TAP), with a line of
# progress each, and writes what they print to RESULTS, in the form that tap-summary reads. Whether
# they passed is tap-summary's to say. Environment: TEST_TIMEOUT (seconds a test, 900); a script that
# needs more says so in a line `# Timeout: SECONDS`.
set -eu
results=$1
shift
here=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "${results%/*}"
rm -f "$results"
# Results take their name when they are whole: two runs do not mix theirs.
part=$results.$$

# One output format for tests that know several; leaks are failures.
export CMOCKA_MESSAGE_OUTPUT=TAP
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1}
export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1}

# limit TEST: how many seconds it may take.
limit() {
	local own=
	case $1 in *.sh) own=$(sed -n 's/^# Timeout: //p' "$1") ;; esac
	echo "${own:-${TEST_TIMEOUT:-900}}"
}

for test in "$@"; do
	{
		printf '#@ program %s\n' "${test##*/}"
		status=0
		timeout -k 5 "$(limit "$test")" "$test" </dev/null 2>&1 || status=$?
		# A last line without its newline must not swallow ours.
		printf '\n#@ exit %s\n' "$status"
	} | tee -a "$part" | "$here/selftests/vm/tap-summary" --follow unit
done
echo '#@ run 0' >>"$part"
mv "$part" "$results"
