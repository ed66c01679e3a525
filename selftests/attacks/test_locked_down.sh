#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Attacks as root on a machine that is locked down: what lockdown closes is closed, and the rest is
# for guards to refuse. In a VM of its own, since lockdown stays until the end.
#
# Left out are programs whose attacks lockdown itself refuses, so that no control can succeed: by
# tracefs (trace_events, user_probes, page_faults), by BPF's readers of memory (bpf_reads), on the
# kernel itself (kcore_search, machine). Single attacks of that kind are in the others, and
# must be refused at any time. What replay and swap_search show has nothing to do with lockdown.
#
# Timeout: 2400
set -eu
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
# A make above has settings of its own.
unset MAKEFLAGS MFLAGS MAKELEVEL KERNEL DEBUG
# shellcheck source=selftests/vm/tests/tap.sh
. selftests/vm/tests/tap.sh
mkdir -p build
work=$(mktemp -d "$PWD/build/locked.XXXXXX")
trap 'rm -rf "$work"' EXIT
output=$work/output
attacks=(bpf_inside bpf_outside bystanders core_dump exit_registers kernel_log memory_read
	perf_registers proc_files trace_owner)

# relay: the results of the programs, numbered anew.
relay() {
	local line
	while IFS= read -r line; do
		case $line in
		'ok '* | 'not ok '*)
			number=$((number + 1))
			case $line in not*) failures=$((failures + 1)) ;; esac
			echo "${line%%ok *}ok $number - ${line#* - }"
			;;
		'1..'* | 'TAP version'*) ;;
		*) echo "# $line" ;;
		esac
	done
}
ended_well() {
	[ "$(grep -c '^#@ exit 0$' "$work/tap")" -eq "$1" ] && grep -qx '#@ run 0 ' "$work/tap"
}

# attack_on KERNEL: one VM.
attack_on() {
	local run=(--kernel "$1" --timeout 900 --tap "$work/tap") module attack
	scripts/build-module.sh "$1" test >&2
	for module in "build/$1"/selftests/cloister/*/*.ko; do
		run+=(--module "$module")
	done
	run+=(-- sh -c 'echo confidentiality >/sys/kernel/security/lockdown
		grep "\[confidentiality\]" /sys/kernel/security/lockdown')
	for attack in "${attacks[@]}"; do
		run+=(-- "build/host/selftests/attacks/$attack")
	done
	selftests/vm/run "${run[@]}" >"$output" 2>&1 || :
	relay <"$output"
	check "Linux $1: the machine was locked down" has "[confidentiality]"
	check "Linux $1: all programs ran to their end" ended_well $((${#attacks[@]} + 1))
}

attack_on 6.1
attack_on 6.12
finish
