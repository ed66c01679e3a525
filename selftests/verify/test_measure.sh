#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The library's measurement against a program written from the specification alone.
set -eu

here=$(dirname "$0")
tool=${BUILD:-build}/host/selftests/verify/measure-pages
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
count=0
failed=0

# compare NAME ARGUMENTS...: both programs, with the same arguments and list
compare() {
	name=$1
	shift
	count=$((count + 1))
	ours=$("$tool" "$@" < "$work/list") || ours="a failure"
	theirs=$(python3 "$here/measure.py" "$@" < "$work/list") || theirs="its failure"
	if [ "$ours" = "$theirs" ] && [ ${#ours} -eq 96 ]; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		echo "# libcloister-verify: $ours"
		echo "# measure.py:         $theirs"
		failed=1
	fi
}

: > "$work/list"
for size in 1 4095 4096 4097 1048576 1048577 3000000; do
	head -c "$size" /dev/urandom > "$work/file"
	compare "a file of $size bytes" file "$work/file"
	compare "a writable file of $size bytes" file --writable "$work/file"
done
compare "a region without pages" region 4096 0
compare "the largest region, shareable" region 1099511627776 1
cat > "$work/list" <<'LIST'
data 0 1 7
attr 4096 3
zero 8192 5
data 1099511623680 1 255
zero 12288 1
attr 4294967296 1
data 16384 5 0
data-pinned 20480 3 9
attr-pinned 24576 1
zero-pinned 1099511619584 3
LIST
compare "pages of every kind" region 1099511627776 0
compare "pages of every kind, shareable" region 1099511627776 1
sort -r "$work/list" > "$work/sorted"
mv "$work/sorted" "$work/list"
compare "pages in another order" region 1099511627776 1
echo "1..$count"
exit "$failed"
