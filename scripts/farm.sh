#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# farm.sh DESTINATION SOURCE...: mirrors each SOURCE (a file or directory, relative to the top of
# the tree) under DESTINATION: real directories, symlinked files, dangling links removed. Kbuild and
# kselftest's lib.mk write beside their sources; this keeps what they write out of the tree. What a
# kbuild that was run in the tree itself left there is not mirrored.
set -eu
top=$(cd "$(dirname "$0")/.." && pwd)
destination=$1
shift

mkdir -p "$destination"
find "$destination" -xtype l -delete
cd "$top"
for source in "$@"; do
	[ -e "$source" ] || continue
	find "$source" -type d -printf '%p\0' | (cd "$destination" && xargs -r0 mkdir -p)
	find "$source" -type f ! -name '.*' ! -name '*.o' ! -name '*.ko' ! -name '*.mod' \
		! -name '*.mod.c' -print0 | while IFS= read -r -d '' file; do
		link=$destination/$file
		[ "$(readlink "$link" 2>/dev/null)" = "$top/$file" ] && continue
		mkdir -p "${link%/*}"
		ln -sfn "$top/$file" "$link"
	done
done
