#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Quotes of the device itself, made in a VM, before judges that share no code with it: python3-cbor2 and
# the openssl command for the quote, a program written from the specification for the measurement.
set -eu

here=$(dirname "$0")
build=${BUILD:-build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
nonce=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
count=0
failed=0

# check NAME COMMAND...: COMMAND must succeed.
check() {
	name=$1
	shift
	count=$((count + 1))
	if "$@" >"$work/output" 2>&1; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		sed 's/^/# /' "$work/output"
		failed=1
	fi
}

# shellcheck disable=SC2317  # called by check
same() { [ -n "$1" ] && [ "$1" = "$2" ]; }

# The claim LABEL of the quote FILE, as cbor2 reads it.
claim() {
	/usr/bin/python3 -c 'import cbor2, sys
message = cbor2.loads(open(sys.argv[1], "rb").read())
print(cbor2.loads(message.value[2])[int(sys.argv[2])].hex())' "$1" "$2"
}

head -c 300001 /dev/urandom >"$work/file"
for kernel in 6.1 6.12; do
	out=$work/$kernel
	# shellcheck disable=SC2016  # expanded in the VM
	check "Linux $kernel: the device quotes a file" "$here/../vm/run" --kernel "$kernel" \
		--file "$build/host/cloister:/data/cloister" --file "$work/file:/data/file" \
		--out "$out" -- sh -ec '
			module=/lib/modules/cloister/cloister.ko
			mkdir -p /var/lib
			/data/cloister provision --module $module --root-out /out/root.pem
			for alg in es256 es384; do
				/data/cloister quote /data/file --nonce '"$nonce"' --alg $alg -o /out/$alg
			done'
	for alg in es256 es384; do
		check "Linux $kernel: cbor2 and openssl accept it ($alg)" \
			"$here/third_party.py" --nonce "$nonce" "$out/$alg" "$out/root.pem"
		check "Linux $kernel: it has the measurement of the specification ($alg)" \
			same "$("$here/measure.py" file "$work/file")" "$(claim "$out/$alg" -70002)"
	done
	check "Linux $kernel: of another nonce it is refused" sh -c '! "$@"' sh \
		"$here/third_party.py" --nonce 00112233 "$out/es256" "$out/root.pem"
done
check "cloister measure agrees" same "$("$here/measure.py" file "$work/file")" \
	"$("$build/host/cloister" measure "$work/file" --json | sed 's/.*"measurement":"\([0-9a-f]*\)".*/\1/')"
echo "1..$count"
exit "$failed"
