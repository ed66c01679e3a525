#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# demo.sh [FILE]: protects a file in a VM, verifies the quote of it here, outside, and attacks it. Every line
# that begins with `ok` or `FAIL` is a check; the exit status is 0 when none failed.
#
#   FILE      the file to protect (default: the biggest library of this machine up to 8 MiB)
#   KERNEL=   6.1 (default) or 6.12
set -eu -o pipefail
cd "$(dirname "$0")/../.."

kernel=${KERNEL:-6.1}
kernel=${kernel%% *}
file=${1-}
out=build/demo
programs=build/host
cloister=$programs/cloister
# Checks that the VM makes; fewer mean that something did not run.
guest_checks=23
# What this machine can't state of itself yet; the verifier wants each named.
accepted="root=software digest-kind=asserted iommu=none"

begin=$SECONDS
count=0
failures=0

ok() { count=$((count + 1)); printf '  ok    %s\n' "$*"; }
fail() { count=$((count + 1)); failures=$((failures + 1)); printf '  FAIL  %s\n' "$*"; }
title() { printf '\n%s\n' "$*"; }
die() { printf 'demo: %s\n' "$*" >&2; exit 2; }

# check WHAT COMMAND...: what the command says goes to the log.
check() {
	local what=$1
	shift
	if "$@" >"$out/said" 2>&1; then ok "$what"; else fail "$what"; sed 's/^/        /' "$out/said"; fi
	cat "$out/said" >>"$out/log"
}

# Not one of the libraries that programs in the VM load: they lie in its file system, which is swapped.
default_file() {
	local used
	used=$(ldd "$cloister" "$programs/examples/reader" | sed -n 's/.*=> \([^ ]*\) .*/\1/p' |
		xargs -r readlink -f | sort -u)
	find /usr/lib/x86_64-linux-gnu /usr/lib/aarch64-linux-gnu -maxdepth 1 -type f -name '*.so*' \
		-size -8192k -printf '%s %p\n' 2>/dev/null | sort -rn | cut -d ' ' -f 2- |
		grep -vxF "$used" | head -n 1 || true
}

mib() { echo "$((($1 + 1048575) / 1048576))"; }

# Lines of the VM: TAP becomes lines of the demo, remarks in capitals become titles.
show_guest() {
	local line
	while IFS= read -r line; do
		printf '%s\n' "$line" >>"$out/log"
		case $line in
		*'# SKIP'*) fail "${line#*# SKIP }" ;;
		'ok '*) guest=$((guest + 1)); ok "${line#*- }" ;;
		'not ok '*) guest=$((guest + 1)); fail "${line#*- }" ;;
		'# READ') title "The file is read through the region: most of its pages are sealed at any time" ;;
		'# QUOTE') title "A quote of the region" ;;
		'# ATTACK '*) title "${line#\# }" ;;
		'# holding'* | '1..'*) ;;
		'#'*) printf '        %s\n' "${line#\# }" ;;
		esac
	done
}

run_guest() {
	selftests/vm/run --kernel "$kernel" --mem "${memory}M" --swap "$((256 + 2 * $(mib "$size")))M" \
		--timeout "$((240 + 10 * $(mib "$size")))" \
		--module "build/$kernel/selftests/cloister/tamper/cloister_tamper.ko" \
		--file "$cloister:/cloister/bin/cloister" \
		--file "$programs/examples/reader:/cloister/bin/reader" \
		--file "$programs/selftests/attacks/memory_read:/cloister/bin/memory_read" \
		--file "$programs/selftests/attacks/swap_search:/cloister/bin/swap_search" \
		--file "$programs/selftests/attacks/replay:/cloister/bin/replay" \
		--disk "file=$out/file.img" --out "$out" --log "$out/kernel.log" \
		-- selftests/demo/guest.sh outside "$sha256" "$nonce" "$size" "$resident"
}

verify() {
	local weak arguments=()
	for weak in $accepted; do
		arguments+=(--accept "$weak")
	done
	"$cloister" verify --root "$out/root.pem" --nonce "$nonce" --measurement "$measurement" \
		"${arguments[@]}" "$@"
}

# refused STATUS TEXT COMMAND...: it must fail with that exit status and say why in these words.
refused() {
	local status=0 expected=$1 text=$2
	shift 2
	"$@" >"$out/refusal" 2>&1 || status=$?
	cat "$out/refusal"
	[ "$status" -eq "$expected" ] && grep -qi -- "$text" "$out/refusal"
}

# A quote in which one bit of the measurement is another.
forge() {
	python3 -c 'import sys
quote, want, path = open(sys.argv[1], "rb").read(), bytes.fromhex(sys.argv[2]), sys.argv[3]
at = quote.index(want)
open(path, "wb").write(quote[:at] + bytes([quote[at] ^ 1]) + quote[at + 1:])' "$@"
}

believes_forgery() {
	"$cloister" inspect "$out/forged.cose" | tee "$out/believed"
	! grep -q "$measurement" "$out/believed" && grep -q "$forged" "$out/believed"
}

verify_outside() {
	title "Outside the VM"
	check "the quote is signed by a key of the device, fresh, and names this file (cloister verify)" \
		verify "$out/quote.cose"
	printf '        accepted though weak: %s\n' "$accepted"
	check "without accepting these it is refused, and the reason is said" \
		refused 1 "accept" "$cloister" verify --root "$out/root.pem" --nonce "$nonce" \
		--measurement "$measurement" "$out/quote.cose"
}

attack_quote() {
	title "ATTACK 4: the quote is changed on its way"
	# The first byte of the measurement, its lowest bit flipped.
	forged=$(printf '%02x' $((0x${measurement:0:2} ^ 1)))${measurement:2}
	check "the measurement in the quote is forged" \
		forge "$out/quote.cose" "$measurement" "$out/forged.cose"
	check "a reader that checks no signature believes it (cloister inspect)" believes_forgery
	check "the verifier refuses it, though it is asked for the forged measurement" \
		refused 1 "signature" verify --expect "measurement=$forged" "$out/forged.cose"
	check "a quote for another nonce is refused" \
		refused 1 "nonce" "$cloister" verify --root "$out/root.pem" \
		--nonce "$(printf '%s' "$nonce" | tr '0-9a-f' '1-9a-f0')" "$out/quote.cose"
}

[ -x "$cloister" ] || die "$cloister is missing; run 'make demo', which builds it"
[ -n "$file" ] || file=$(default_file)
[ -n "$file" ] || die "found no library to protect; name a file: make demo FILE=..."
if [ ! -f "$file" ] || [ ! -r "$file" ]; then die "$file is no file that can be read"; fi
size=$(stat -L -c %s "$file")
[ "$size" -ge 524288 ] ||
	die "$file is too small: an eighth of it must be at least 64 KiB, the least that a region may hold"
# The file itself, an unprotected copy, the region's ciphertext and its plaintext.
memory=$((768 + 4 * $(mib "$size")))
free=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
[ "$memory" -lt "$free" ] ||
	die "$file needs a VM of $memory MiB, and this machine has $free MiB free; choose a smaller FILE"
rm -rf "$out"
mkdir -p "$out"
# Its flags are of the make that called, with a job server that is not handed on.
MAKEFLAGS='' make -s attacks
# A snapshot, so that the file may change meanwhile; whole sectors, as a disk has.
cp -- "$file" "$out/snapshot"
size=$(stat -c %s "$out/snapshot")
cp "$out/snapshot" "$out/file.img"
truncate -s %512 "$out/file.img"
resident=$(((size / 8 + 4095) / 4096 * 4096))
sha256=$(sha256sum <"$out/snapshot" | cut -d ' ' -f 1)
measurement=$("$cloister" measure --writable "$out/snapshot" | grep -oE '[0-9a-f]{96}')
nonce=$(od -An -N32 -tx1 /dev/urandom | tr -d ' \n')

printf 'Cloister: %s (%s MiB) in a VM with Linux %s\n' "$file" "$(mib "$size")" "$(readlink "build/$kernel")"
printf 'Nonce chosen here: %s\n' "$nonce"
title "In the VM"
guest=0
status=0
exec 3< <(run_guest 2>>"$out/log")
show_guest <&3
wait "$!" || status=$?
[ "$guest" -eq "$guest_checks" ] || fail "the VM made $guest of $guest_checks checks"
[ "$status" -eq 0 ] || fail "the VM ended with status $status; see $out/log"
if [ -s "$out/quote.cose" ] && [ -s "$out/root.pem" ]; then
	verify_outside
	attack_quote
else
	fail "no quote came out of the VM"
fi
title "$count checks, $failures failed, $((SECONDS - begin)) s. What Cloister does not protect against yet: README.md"
[ "$failures" -eq 0 ]
