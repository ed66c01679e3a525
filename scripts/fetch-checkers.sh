#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fetch-checkers.sh: takes checkpatch.pl and kernel-doc, and the lists that they read, out of Debian's
# linux-source-6.1 into the cache and prints the directory that holds them.
set -eu
here=$(dirname "$0")
# shellcheck source=scripts/common.sh
. "$here/common.sh"

dir=$cache/checkers
# They hardly ever change: once they are here, they are good.
if [ -e "$dir/checkpatch.pl" ]; then
	echo "$dir"
	exit
fi
archive=$("$here/fetch-source.sh")
lock checkers
tmp=$(mktemp -d "$cache/.checkers.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
say "taking checkpatch.pl and kernel-doc out of ${archive##*/}"
tar -xJf "$archive" -C "$tmp" --strip-components=2 \
	linux-source-6.1/scripts/checkpatch.pl \
	linux-source-6.1/scripts/const_structs.checkpatch \
	linux-source-6.1/scripts/kernel-doc \
	linux-source-6.1/scripts/spelling.txt
rm -rf "$dir"
mv "$tmp" "$dir"
chmod 755 "$dir"
trap - EXIT
echo "$dir"
