#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fetch-kselftest.sh: takes the kselftest headers out of Debian's linux-source-6.1 into the cache
# and prints the directory that holds kselftest.h and kselftest_harness.h.
set -eu
here=$(dirname "$0")
# shellcheck source=scripts/common.sh
. "$here/common.sh"

dir=$cache/kselftest
# The harness hardly ever changes: once it is here, it is good.
if [ -e "$dir/kselftest_harness.h" ]; then
	echo "$dir"
	exit
fi
archive=$("$here/fetch-source.sh")
lock kselftest
tmp=$(mktemp -d "$cache/.kselftest.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
say "taking the kselftest headers out of ${archive##*/}"
# Member names are exact, so that tar could stop early; xz has to run to them anyway.
tar -xJf "$archive" -C "$tmp" --strip-components=4 \
	linux-source-6.1/tools/testing/selftests/kselftest.h \
	linux-source-6.1/tools/testing/selftests/kselftest_harness.h \
	linux-source-6.1/tools/testing/selftests/lib.mk
rm -rf "$dir"
mv "$tmp" "$dir"
chmod 755 "$dir"
trap - EXIT
echo "$dir"
