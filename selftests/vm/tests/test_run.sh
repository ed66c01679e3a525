#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The VM harness: it returns what programs return, and notices what goes wrong. Three boots.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/vm/tests/tap.sh
. "$here/tap.sh"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
output=$work/output
kernel=6.1

# vm OPTION... -- PROGRAM...: its output and errors are in $output, its status in $status.
vm() {
	status=0
	"$here/../run" --kernel "$kernel" --no-module --mem 256M "$@" >"$output" 2>&1 || status=$?
}
status_is() { [ "$status" -eq "$1" ]; }

echo "from this machine" >"$work/given"
# A dynamic program: what /usr/bin/env needs is found and copied.
vm --file "$work/given:/data/given" --env 'GREETING=a  b;c' --out "$work/out" --swap 16M --tap "$work/tap" \
	-- sh -c 'cat /data/given; mkdir /out/sub; echo "from the VM" >/out/sub/file' \
	-- printf 'no newline' \
	-- /usr/bin/env -u PATH /bin/grep -q partition /proc/swaps \
	-- sh -c 'exit 3' \
	-- env \
	-- sh -c 'grep -q "^/dev/vd" /proc/swaps && ls /dev/disk/swap' \
	-- su -s /bin/sh nobody -c 'id -u; echo x 2>/dev/null >/root/file || echo refused'
check "the status of the first program that failed comes back" status_is 3
check "each program's status is in the results" \
	[ "$(sed -n 's/^#@ exit //p' "$work/tap" | tr '\n' ' ')" = "0 0 0 3 0 0 0 " ]
check "programs' output appears" has "from this machine"
check "the environment is what was asked for" has "GREETING=a  b;c"
check "a last line without newline appears" has "no newline"
check "the run as such went well" grep -qx '#@ run 0 ' "$work/tap"
check "files in /out come back" grep -qx "from the VM" "$work/out/sub/file"
check "there is swap space" has "/dev/disk/swap"
check "there is an unprivileged user" has "65534"
check "who has no privilege" has "refused"

# Two defects in one boot: a report in the kernel's log, and a program that never ends.
vm --timeout 2 -- sh -c 'echo "<4>WARNING: CPU: 0 PID: 1 at made-up.c:1" >/dev/kmsg; echo shown' \
	-- sh -c 'sleep 1000'
check "a timeout is noticed" status_is 124
check "it says what ran" has "timeout after 2 s while sh ran"
check "what was printed before it appears" has "shown"
check "a WARN in the log is noticed" has "the kernel reported a bug"
check "and shown" has "made-up.c:1"

vm --log "$work/log" -- sh -c 'echo 512 >/proc/sys/kernel/tainted; echo c >/proc/sysrq-trigger'
check "a panic ends the run" status_is 122
check "it says where" has "the VM died while sh ran"
check "the log is kept" grep -q "Kernel panic" "$work/log"

"$here/../run" --kernel "$kernel" --no-module -- ./no-such-program >"$output" 2>&1 && status=0 ||
	status=$?
check "a program that does not exist is an error" status_is 125
check "that names it" has "there is no program ./no-such-program"
finish
