#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Sequences of monitor calls against the model. Without FUZZ_SECONDS a short run, the same each time:
# so many sequences from seed 1, by one thread and by several, then libFuzzer over a bounded number
# of inputs. With it, a third of that time each, from a seed of this second (or FUZZ_SEED).
set -eu

build=${BUILD:-build}
number=0
failed=0

# result STATUS NAME LOG
result() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2: exit status $1"
		tail -n 60 "$3" | sed 's/^/# /'
		failed=1
	fi
}

# drive DIRECTORY THREADS SEQUENCES WHAT
drive() {
	log=$build/fuzz/drive_monitor-$1.log
	status=0
	if [ -n "${FUZZ_SECONDS-}" ]; then
		set -- "$1" "$2" "$4" --seconds $((FUZZ_SECONDS / 3)) \
			--seed "${FUZZ_SEED:-$(date +%s)}"
	else
		set -- "$1" "$2" "$4" --sequences "$3"
	fi
	directory=$1 threads=$2 what=$3
	shift 3
	"$build/$directory/selftests/fuzz/drive_monitor" --threads "$threads" "$@" >"$log" 2>&1 ||
		status=$?
	sed -n '/^# /p; s/^ok 1 - drive_monitor:/#/p' "$log" | head -n 3
	result "$status" "$what" "$log"
}

# fuzz: libFuzzer's own search for sequences that reach new code
fuzz() {
	log=$build/fuzz/fuzz_monitor.log
	corpus=$build/fuzz/corpus/monitor
	status=0
	mkdir -p "$corpus"
	if [ -n "${FUZZ_SECONDS-}" ]; then
		bound=-max_total_time=$((FUZZ_SECONDS / 3))
	else
		bound=-runs=3000
	fi
	"$build/fuzz/fuzz_monitor" -max_len=2048 "$bound" -timeout=20 -rss_limit_mb=2048 \
		-print_final_stats=1 -artifact_prefix="$build/fuzz/" "$corpus" >"$log" 2>&1 ||
		status=$?
	sed -n 's/^stat::number_of_executed_units: */# inputs of libFuzzer: /p' "$log"
	result "$status" "libFuzzer finds no difference" "$log"
}

echo "TAP version 13"
mkdir -p "$build/fuzz"
drive asan 1 600 "the monitor does as the model, under ASan and UBSan"
drive tsan 3 60 "so it does for several threads, under TSan"
fuzz
echo "1..$number"
exit "$failed"
