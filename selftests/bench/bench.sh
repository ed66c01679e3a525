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
in_vm="vm_bench threads_bench many_bench swap_bench guards_bench"
for program in host_bench verify_bench $in_vm; do
	[ -x "$programs/$program" ] || die "there is no $programs/$program; run 'make bench'"
done
results=$(mktemp)
trap 'rm -f "$results"' EXIT

# show: rows go to the terminal, their JSON to $results, and so do notes; anything else is passed on.
show() {
	while IFS= read -r line; do
		case $line in
		bench-json:*) printf '%s\n' "${line#bench-json: }" >>"$results" ;;
		"# "*)
			printf '%s\n' "$line"
			printf '{"note": "%s"}\n' "${line#??}" >>"$results"
			;;
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

# A process of the first rank among all of this machine's, where that is allowed: what else runs
# distorts less.
first() {
	if nice -n -20 true 2>/dev/null; then nice -n -20 "$@"; else "$@"; fi
}

first "$programs/host_bench" | show
first "$programs/verify_bench" | show
peer=$(build_peer)
set --
for program in $in_vm; do
	set -- "$@" -- "$programs/$program"
done
# All in one boot: ratios of figures of different boots mean nothing.
first selftests/vm/run --kernel "$kernel" --timeout 500 --mem 1536M --module "$peer" \
	--kmod "brd rd_nr=2 rd_size=65536" --kmod dm-crypt --kmod dm-integrity --kmod xts "$@" | show

selftests/bench/write_json.py "$results" build/bench.json
