# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash disable=SC2317  # check calls functions by name
#
# What guards leave alone, with the tools that people use: strace, perf, systemd's rules for a
# unit's network and devices. Sourced by a script that has check(), on a machine with systemd, after
# `cloister provision`; $secret is a file to protect.
: "${secret:?}"
here_said=/run/cloister/tools
guards=/sys/class/misc/tee/guards

# All hooks that this kernel needs are in that state, and there are some.
all_hooks_are() {
	awk -v state="$1" '$2 == state { some = 1 } $2 != state && $2 != "not-needed" { other = 1 }
		END { exit !some || other }' "$guards"
}

# until_state STATE: waits for what all hooks say; a minute at most.
until_state() {
	local _
	for _ in {1..600}; do
		all_hooks_are "$1" && return
		sleep 0.1
	done
	cat "$guards"
	return 1
}

# fails_with TEXT COMMAND...: it fails, and says so.
fails_with() {
	local text=$1
	shift
	if "$@" >"$here_said" 2>&1; then
		echo "it succeeded"
		return 1
	fi
	cat "$here_said"
	grep -q -- "$text" "$here_said"
}

unit() { systemd-run --quiet --wait --pipe "$@"; }
# Sends a packet to this machine itself.
send() { unit "$@" bash -c 'echo x >/dev/udp/127.0.0.1/9'; }
counted() { systemd-run --wait -p IPAccounting=yes bash -c 'echo x >/dev/udp/127.0.0.1/9' 2>&1 |
	tee "$here_said"; grep -q 'IP traffic sent: [1-9]' "$here_said"; }

traced() {
	strace -f -o "$here_said" -e trace=openat sh -c 'cat /etc/hostname; true' &&
		grep -q '"/etc/hostname"' "$here_said"
}

busy() { sh -c 'i=0; while [ $i -lt 30000 ]; do i=$((i + 1)); done'; }
export -f busy
samples() { [ "$(perf script -i "$here_said.perf" 2>/dev/null | grep -c cpu-clock)" -gt 0 ]; }
# Without a cache of programs' symbols, which perf makes of links to files of the whole system.
sampled() {
	perf record -q -N -e cpu-clock -F 499 -g -o "$here_said.perf" "$@" -- bash -c busy && samples
}

real_tools() {
	local when=$1
	check "$when: strace of a program and its child" traced
	check "$when: perf stat" perf stat -e task-clock,page-faults true
	check "$when: perf record of a program" sampled
	check "$when: perf record of the whole machine" sampled -a
	check "$when: a unit may send packets" send
	check "$when: a unit with IPAddressDeny=any may not" \
		fails_with "Operation not permitted" send -p IPAddressDeny=any
	check "$when: a unit's packets are counted" counted
	check "$when: a unit with DevicePolicy=closed can't read /dev/kmsg" \
		fails_with "Operation not permitted" unit -p DevicePolicy=closed head -c 1 /dev/kmsg
}

real_tools_beside_a_region() {
	local owner
	real_tools "at rest"
	# No terminal, so that no progress is shown between results.
	cloister run --protect "$secret" -- sleep infinity 2>"$here_said.owner" &
	owner=$!
	check "guards are armed" until_state armed
	real_tools "armed"
	check "armed: strace of who has a region is refused" \
		fails_with "Operation not permitted" timeout 20 strace -p "$owner"
	kill "$owner"
	wait "$owner" 2>/dev/null
	check "guards are at rest again" until_state ready
	check "at rest: strace of any process works" traced
	sed 's/^/# owner: /' "$here_said.owner"
	rm -f "$here_said" "$here_said.perf" "$here_said.owner"
}
