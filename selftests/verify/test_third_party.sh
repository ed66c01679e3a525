#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The verifier of third_party.py takes right quotes, and refuses wrong ones.
set -eu

here=$(dirname "$0")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0
failed=0
now=1800000000
nonce=61206672657368206e6f6e63652c2031

# check WANTED NAME ARGUMENTS...: WANTED is part of the reason of a refusal, or "accepted"
check() {
	wanted=$1
	name=$2
	shift 2
	count=$((count + 1))
	status=0
	# Run as it is: its first line names the Python that has Debian's packages.
	"$here/third_party.py" "$@" > "$work/out" 2>&1 || status=$?
	if [ "$wanted" = accepted ] && [ "$status" -eq 0 ]; then
		echo "ok $count - $name"
	elif [ "$status" -eq 1 ] && grep -q "refused: .*$wanted" "$work/out"; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		sed 's/^/# /' "$work/out"
		failed=1
	fi
}

"${BUILD:-build}/host/selftests/verify/make-quote" "$work"
mkdir "$work/other"
"${BUILD:-build}/host/selftests/verify/make-quote" "$work/other"
for quote in es256 es384 middle weak; do
	check accepted "cbor2 and openssl take $quote.quote" --at $now --nonce $nonce \
		"$work/$quote.quote" "$work/root.pem"
done
check "openssl verify" "another root is refused" --at $now "$work/es256.quote" "$work/other/root.pem"
check "the nonce is 6120" "another nonce is refused" --at $now --nonce 00 "$work/es256.quote" "$work/root.pem"
check "openssl verify" "an expired chain is refused" --at 1900000000 "$work/es256.quote" "$work/root.pem"
check "no certificates" "a quote without a chain is refused" --at $now "$work/no-chain.quote" "$work/root.pem"
head -c -1 "$work/es256.quote" > "$work/bad.quote"
printf 'x' >> "$work/bad.quote"
cmp -s "$work/bad.quote" "$work/es256.quote" && printf 'y' >> "$work/bad.quote"
check "openssl dgst" "a changed signature is refused" --at $now "$work/bad.quote" "$work/root.pem"
echo "1..$count"
exit "$failed"
