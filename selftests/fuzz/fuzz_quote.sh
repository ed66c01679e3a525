#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A bounded run of each fuzz target, as a test. FUZZ_SECONDS: time of each, 20 by default.
set -eu

build=${BUILD:-build}
seconds=${FUZZ_SECONDS:-20}
corpus=$build/fuzz/corpus/quote
log=$build/fuzz/fuzz_quote.log
status=0

mkdir -p "$corpus" "$build/fuzz/seeds"
"$build/host/selftests/verify/make-quote" "$build/fuzz/seeds"
# Seeds are new with each run, as their keys are: the corpus must not grow by them.
FUZZ_ROOT=$build/fuzz/seeds/root.pem "$build/fuzz/fuzz_quote" -max_len=20000 \
	-max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	-dict="$(dirname "$0")/quote.dict" -artifact_prefix="$build/fuzz/" \
	"$corpus" "$build/fuzz/seeds" > "$log" 2>&1 || status=$?
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
if [ "$status" -eq 0 ] && [ "${runs:-0}" -gt 1000 ]; then
	echo "ok 1 - fuzz_quote: ${runs} inputs in ${seconds} s, none of them breaks the verifier"
else
	echo "not ok 1 - fuzz_quote: exit status $status after ${runs:-an unknown number of} inputs"
	tail -n 40 "$log" | sed 's/^/# /'
	status=1
fi
echo "1..1"
exit "$status"
