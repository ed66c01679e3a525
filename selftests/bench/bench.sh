#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# bench.sh: runs the benchmarks that `make bench` has built, one row a figure, and writes
# build/bench.json. peers.md says what each is held against. Exit status: 0 when every figure was
# taken and none is short of its bar.
# Environment: KERNEL (of the VM; default 6.12).
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

kernel=${KERNEL:-6.12}
kernel=${kernel##* }
programs=build/host/selftests/bench
for program in host_bench verify_bench vm_bench; do
	[ -x "$programs/$program" ] || die "there is no $programs/$program; run 'make bench'"
done
results=$(mktemp)
trap 'rm -f "$results"' EXIT

# show: rows go to the terminal, their JSON to $results; anything else is passed on.
show() {
	while IFS= read -r line; do
		case $line in
		bench-json:*) printf '%s\n' "${line#bench-json: }" >>"$results" ;;
		*) printf '%s\n' "$line" ;;
		esac
	done
}

# build_peer: the module that vm_bench is held against; prints its path.
build_peer() {
	local release directory
	release=$(scripts/fetch-kernel.sh "$kernel")
	directory=$PWD/build/$release/selftests/bench/bench_peer
	scripts/farm.sh "$PWD/build/$release" driver selftests/bench/bench_peer
	make --no-print-directory -s -C "$kernels/$release/usr/src/linux-headers-$release" \
		M="$directory" modules 2>&1 |
		sed -e '/^warning: the compiler differs/d' \
			-e '/^  \(The kernel was built by\|You are using\):/d' \
			-e '/^Skipping BTF generation for/d' >&2
	echo "$directory/cloister_bench_peer.ko"
}

"$programs/host_bench" | show
"$programs/verify_bench" | show
peer=$(build_peer)
selftests/vm/run --kernel "$kernel" --timeout 300 --module "$peer" -- "$programs/vm_bench" | show

selftests/bench/write_json.py "$results" build/bench.json
