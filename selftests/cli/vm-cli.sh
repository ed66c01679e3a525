#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The command line against the real device, as root in a VM: TAP. Give the directory that holds
# cloister, reader and protect, and the module file, where they are not in the usual places.

set -eu

files=${1:-/data}
module=${2:-/lib/modules/cloister/cloister.ko}
work=$(mktemp -d)
number=0
failed=0
status=0

cleanup() { rm -rf "$work"; }
trap cleanup EXIT

# Runs a command; its output goes to $work/out and $work/err, its exit status to $status.
run() {
	status=0
	"$@" >"$work/out" 2>"$work/err" || status=$?
}

result() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number - $2"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $number - $2"
	echo "# exit status $status"
	sed 's/^/# out: /' "$work/out"
	sed 's/^/# err: /' "$work/err"
}

# check NAME COMMAND...: COMMAND must succeed.
check() {
	name=$1
	shift
	if "$@"; then result 0 "$name"; else result 1 "$name"; fi
}

exited() { [ "$status" = "$1" ]; }
# says WHERE TEXT: the output or the errors contain TEXT.
says() { grep -qF -e "$2" "$work/$1"; }
exited_and_says() { exited "$1" && says "$2" "$3"; }

cloister=$files/cloister
nonce=00112233445566778899aabbccddeeff
accept="--accept root=software --accept digest-kind=asserted --accept guards=off"
accept="$accept --accept lockdown=none --accept module-signatures=false"
accept="$accept --accept crash-kernel=true --accept iommu=none"

# Other tests may have provisioned this instance with keys of their own: load the module anew, and
# with it the test modules that need it.
needing=$(ls /sys/module/cloister/holders)
for name in $needing; do rmmod "$name"; done
rmmod cloister
insmod "$module"
for name in $needing; do insmod "${module%/*}/$name.ko"; done

dd if=/dev/urandom of="$work/file" bs=1000 count=333 2>/dev/null
sha=$(sha256sum "$work/file" | cut -d' ' -f1)

echo "TAP version 13"

run "$cloister" info --device "$work/none"
check "info without a device exits with 3" exited_and_says 3 err "load the module"

run "$cloister" info
check "info describes the device" exited_and_says 0 out "provisioned          no"

run "$cloister" quote "$work/file" --nonce $nonce -o "$work/quote"
check "quote before provision is refused" exited_and_says 4 err "cloister provision"

run "$cloister" provision --module "$module" --state "$work/state" --root-out "$work/root.pem"
check "provision" exited_and_says 0 out "Device provisioned."

run "$cloister" provision --module "$module" --state "$work/state"
check "a second provision exits with 6" exited_and_says 6 err "nothing was changed"

run "$cloister" provision --renew --state "$work/state" --json
check "provision --renew" exited_and_says 0 out '"renewed":true'

run "$cloister" info --json
check "info --json tells the device is provisioned" exited_and_says 0 out '"provisioned":true'

run "$cloister" run --protect "$work/file" --resident 64K -- "$files/reader" --expect "$sha"
check "run: the reader finds the file whole, within the limit" exited 0

run "$cloister" run --protect "$work/file" --resident 64K -- "$files/reader" --expect 00
check "run: a wrong digest is found out" exited 1

run "$cloister" run --json --protect "$work/file" --resident 64K -- "$files/reader"
check "run --json" exited 0
check "run --json tells of evictions: the limit was kept by sealing" sh -c \
	"grep -o '\"evictions\":[1-9]' $work/err >/dev/null"

# shellcheck disable=SC2016 # the inner shell expands it
run "$cloister" run --protect "$work/file" -- sh -c 'kill -TERM $$'
check "run: a command that a signal ended gives 128+15" exited 143

run "$cloister" run --protect "$work/file" -- "$cloister" stats --json
check "stats inside run" exited_and_says 0 out '"state":"live"'

run "$cloister" measure "$work/file"
measured=$(cat "$work/out")

for algorithm in es256 es384; do
	run "$cloister" quote "$work/file" --nonce $nonce --alg $algorithm --report-data 0102 \
		-o "$work/quote"
	check "quote of a file, $algorithm" exited 0

	# shellcheck disable=SC2086 # $accept is several words
	run "$cloister" verify "$work/quote" --root "$work/root.pem" --nonce $nonce $accept \
		--file "$work/file" --report-data 0102
	check "verify with the file, $algorithm" exited 0
	# shellcheck disable=SC2086
	run "$cloister" verify "$work/quote" --root "$work/root.pem" --nonce $nonce $accept \
		--measurement "$measured"
	check "verify with the measurement, $algorithm" exited 0
	# shellcheck disable=SC2086
	run "$cloister" verify "$work/quote" --root "$work/root.pem" --nonce ff112233445566778899 \
		$accept
	check "verify with another nonce fails, $algorithm" exited 1
	run "$cloister" verify "$work/quote" --root "$work/root.pem" --nonce $nonce
	check "verify by the default policy refuses a software root, $algorithm" exited 1
done

run "$cloister" run --protect "$work/file" --writable -- "$cloister" quote --nonce $nonce \
	-o "$work/quote"
check "quote inside run" exited 0
# shellcheck disable=SC2086
run "$cloister" verify "$work/quote" --root "$work/root.pem" --nonce $nonce $accept \
	--file "$work/file" --writable
check "verify a writable file" exited 0
# shellcheck disable=SC2086
run "$cloister" verify "$work/quote" --root "$work/root.pem" --nonce $nonce $accept \
	--file "$work/file"
check "verify it as read-only fails" exited 1

run "$cloister" inspect "$work/quote"
check "inspect" exited_and_says 0 out "$(uname -r)"

run "$files/protect"
check "the example of ioctls alone" exited_and_says 0 out "read back: a secret"

run "$cloister" stats --fd 0
check "stats of a descriptor that is no region" exited_and_says 2 err "not a Cloister region"

echo "1..$number"
[ "$failed" = 0 ]
