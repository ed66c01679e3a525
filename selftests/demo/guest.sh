#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=dash disable=SC2317  # check calls functions by name
#
# The part of the demo that runs in the VM. Prints TAP; the exit status is 0 when every line is ok.
#
#   guest.sh outside SHA256 NONCE SIZE RESIDENT	prepares, protects the file, runs the other part
#   guest.sh inside SHA256 NONCE RESIDENT		works in the region that `cloister run` passes on
set -u
failed=0

# check WHAT COMMAND...: one line; what the command says is shown only when it fails.
check() {
	what=$1
	shift
	if "$@" >/tmp/said 2>&1; then
		echo "ok - $what"
	else
		failed=1
		echo "not ok - $what"
		sed 's/^/# /' /tmp/said
	fi
}

# A program that prints TAP of its own.
program() {
	"$@" || failed=1
}

lock_down() {
	echo confidentiality >/sys/kernel/security/lockdown
	grep '\[confidentiality\]' /sys/kernel/security/lockdown
}

enforce_signatures() {
	echo 1 >/sys/module/module/parameters/sig_enforce
	grep Y /sys/module/module/parameters/sig_enforce
}

# ramfs is never swapped: pages of the file that are found in swap come from elsewhere.
fetch_file() {
	mkdir -p /ram && mount -t ramfs ramfs /ram || return
	head -c "$1" /dev/disk/file >/ram/file
	[ "$(sha256sum </ram/file | cut -d ' ' -f 1)" = "$2" ]
}

outside() {
	check "the device gets its keys (cloister provision)" \
		cloister provision --module /lib/modules/cloister/cloister.ko --root-out /out/root.pem
	check "lockdown is raised to confidentiality" lock_down
	check "unsigned modules are refused from now on" enforce_signatures
	check "the file is in the VM" fetch_file "$3" "$1"
	# Its stderr is no terminal, so that no progress is shown.
	if ! cloister run --protect /ram/file --writable --resident "$4" -- \
		"$0" inside "$1" "$2" "$4" 2>/tmp/errors; then
		failed=1
		sed 's/^/# /' /tmp/errors
	fi
}

limit_is() {
	cloister stats --json | tee /tmp/stats
	grep -q "\"resident-limit\": *$1[,}]" /tmp/stats
}

inside() {
	check "it is in a region, with at most $(($3 >> 10)) KiB of plaintext in memory (cloister run)" \
		limit_is "$3"
	echo "# READ"
	program reader --expect "$1"
	echo "# QUOTE"
	check "the device quotes the region with the nonce from outside (cloister quote)" \
		cloister quote --nonce "$2" -o /out/quote.cose
	echo "# ATTACK 1: root reads the process's memory from another process"
	program memory_read /proc/PID/mem
	echo "# ATTACK 2: root makes memory short and searches the swap device"
	program swap_search
	echo "# ATTACK 3: root replays an older page in the store that sealed pages go to"
	program replay
}

part=$1
shift
case $part in
outside) outside "$@" ;;
inside) inside "$@" ;;
esac
exit "$failed"
