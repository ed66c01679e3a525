#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# selftests/cloister, copied unchanged into a kernel's tools/testing/selftests, builds there by the
# kernel's own rules, and comes to the same programs as here. The kernel: Debian's linux-source-6.1.
#
# Timeout: 900
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/vm/tests/tap.sh
. "$here/../vm/tests/tap.sh"
cd "$here/../.."
# A make above has settings of its own.
unset MAKEFLAGS MFLAGS MAKELEVEL KERNEL DEBUG
mkdir -p build/install
output=$PWD/build/install/kernel-tree.log
tree=$PWD/build/install/linux
archive=$(scripts/fetch-source.sh)
version=$(cat "${archive%/*}/.version")

# What selftests and the kernel's headers need of a tree: once for each version of it.
if [ "$(cat build/install/linux.version 2>/dev/null)" != "$version" ]; then
	rm -rf "$tree"
	mkdir -p "$tree"
	tar -xJf "$archive" -C "$tree" --strip-components=1 --wildcards --no-wildcards-match-slash \
		'*/Makefile' '*/Kbuild' '*/Kconfig' '*/.config' '*/include' '*/scripts' '*/arch/x86' \
		'*/tools/testing/selftests' '*/tools/build' '*/tools/scripts' '*/tools/include' \
		2>/dev/null || true
	echo "$version" >build/install/linux.version
fi

run() { "$@" >"$output" 2>&1 </dev/null; }
selftests=$tree/tools/testing/selftests
ours=$PWD/build/install/kernel-tree
rm -rf "$selftests/cloister" "$ours"
cp -r selftests/cloister "$ours"
cp -r "$ours" "$selftests/cloister"
kselftest() {
	run make -C "$selftests" -j2 TARGETS=cloister FORCE_TARGETS=1 "$@"
}
programs() { (cd "$1" && find . -maxdepth 1 -type f -perm /111 ! -name '*.sh' -printf '%f\n') | sort; }
ours() { find "$ours" -maxdepth 1 -name '*.c' -printf '%f\n' | sed 's/\.c$//' | sort; }

check "the kernel's make headers" run make -C "$tree" headers
check "our headers beside them" run make headers_install INSTALL_HDR_PATH="$tree/usr"
check "make -C tools/testing/selftests TARGETS=cloister" kselftest
check "builds without a warning" lacks "warning:"
check "the programs that are built here, no more and no fewer" \
	[ "$(programs "$selftests/cloister")" = "$(ours)" ]
check "each for a machine without our libraries" \
	[ -z "$(cd "$selftests/cloister" && programs . | xargs readelf -l | grep INTERP)" ]
check "make install" kselftest install INSTALL_PATH="$tree/installed"
check "installs them all" [ "$(programs "$tree/installed/cloister")" = "$(ours)" ]
check "with their settings" cmp "$ours/settings" "$tree/installed/cloister/settings"
check "and the kernel's runner knows each" [ "$(sed -n 's/^cloister://p' \
	"$tree/installed/kselftest-list.txt" | sort)" = "$(ours)" ]
check "make clean" kselftest clean
check "leaves the folder as it came" run diff -r "$ours" "$selftests/cloister"
finish
