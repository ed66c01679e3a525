#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fetch-source.sh: puts Debian's current source of Linux 6.1 (linux-source-6.1) in the cache, as
# the compressed archive that the package holds, and prints the archive's path. Not installed.
set -eu
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

package=linux-source-6.1
archive=$cache/source/$package.tar.xz
stamp=$cache/source/.version

if apt_stamp_fresh "$stamp" && [ -e "$archive" ]; then
	echo "$archive"
	exit
fi
lock source
mkdir -p "$cache/source"
version=$(apt-cache show --no-all-versions "$package" 2>/dev/null | sed -n 's/^Version: //p')
if [ -z "$version" ] && ! [ -e "$archive" ]; then
	apt_update "apt knows no package $package"
	version=$(apt-cache show --no-all-versions "$package" | sed -n 's/^Version: //p')
	[ -n "$version" ] || die "apt knows no package $package: add bookworm main to its sources"
fi
if [ -n "$version" ] && [ "$version" != "$(cat "$stamp" 2>/dev/null)" ]; then
	tmp=$(mktemp -d "$cache/source/.unpack.XXXXXX")
	trap 'rm -rf "$tmp"' EXIT
	say "fetching $package $version (about 140 MB)"
	download "$tmp" "$package"
	dpkg-deb --fsys-tarfile "$tmp"/*.deb | tar -xO -f - "./usr/src/$package.tar.xz" >"$tmp/archive"
	mv "$tmp/archive" "$archive"
	printf '%s\n' "$version" >"$stamp"
fi
touch "$stamp"
echo "$archive"
