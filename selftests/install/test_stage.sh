#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the targets of scripts/install.mk put below DESTDIR, that it is enough to build a program with,
# that it is removed again, and that the source tree is as clean afterwards as before.
#
# Timeout: 900
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/vm/tests/tap.sh
. "$here/../vm/tests/tap.sh"
cd "$here/../.."
# A make above has settings of its own.
unset MAKEFLAGS MFLAGS MAKELEVEL KERNEL DEBUG
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
output=$work/output
stage=$work/stage
scripts/build-module.sh 6.1 >&2
release=$(readlink build/6.1)
version=$(sed -n 's/^CLOISTER_VERSION := //p' version.mk)

# run COMMAND...: what it says is in $output.
run() { "$@" >"$output" 2>&1; }
refused() { ! run "$@"; }
make_() { run make PREFIX=/usr DESTDIR="$stage" "$@"; }
installed() { [ "$(stat -c %a "$stage/$1")" = "$2" ]; }
nothing_in() { [ -z "$(find "$1" ! -type d)" ]; }
status_of_tree() { git status --short --ignored=no 2>/dev/null || true; }

status_of_tree >"$work/status"

check "make install" make_ install
check "the program" installed usr/bin/cloister 755
check "its manual" installed usr/share/man/man1/cloister.1 644
check "the manual of each command" [ "$(find "$stage/usr/share/man" -name 'cloister-*.1' | wc -l)" \
	-eq "$(find userspace/cli/man -name 'cloister-*.1' | wc -l)" ]
check "the udev rule" grep -q 'KERNEL=="tee".*GROUP="tee", MODE="0660"' \
	"$stage/usr/lib/udev/rules.d/60-cloister.rules"
check "the group" grep -qx 'g tee - -' "$stage/usr/lib/sysusers.d/cloister.conf"
check "the library's real name is a file, its short name a link" \
	[ "$(readlink "$stage/usr/lib/libcloister.so")" = libcloister.so.0 ]

cat >"$work/program.c" <<'END'
#include <cloister.h>
#include <cloister-verify.h>
#include <linux/cloister.h>
#include <stdio.h>

int main(void)
{
	puts(cloister_verify_version());
	return CLOISTER_DIGEST_LEN != 48;
}
END
flags() {
	PKG_CONFIG_SYSROOT_DIR=$stage PKG_CONFIG_PATH=$stage/usr/lib/pkgconfig \
		PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1 PKG_CONFIG_ALLOW_SYSTEM_LIBS=1 \
		pkg-config "$@" libcloister libcloister-verify
}
# shellcheck disable=SC2046  # lists of words
check "a program is built with what pkg-config says" run gcc $(flags --cflags) -o "$work/program" \
	"$work/program.c" -L"$stage/usr/lib" $(flags --libs)
check "and it runs" run env LD_LIBRARY_PATH="$stage/usr/lib" "$work/program"
check "one version: the library's" has "$version"
check "the .pc files'" [ "$(flags --modversion | sort -u)" = "$version" ]
check "the program's" [ "$("$stage/usr/bin/cloister" --version)" = "cloister $version" ]
check "the module's" [ "$(modinfo -F version "build/$release/cloister.ko")" = "$version" ]

check "make uninstall" make_ uninstall
check "leaves no file" nothing_in "$stage"
check "and of the directories those that every machine has" \
	[ "$(cd "$stage" && find usr -mindepth 1 -type d | LC_ALL=C sort | tr '\n' ' ')" = \
	"usr/bin usr/include usr/lib usr/share usr/share/man " ]
rm -rf "$stage"

check "make headers_install INSTALL_HDR_PATH=" run make headers_install INSTALL_HDR_PATH="$stage/usr"
check "installs the interface and nothing else" \
	[ "$(cd "$stage" && find . -type f | LC_ALL=C sort | tr '\n' ' ')" = \
	"./usr/include/linux/cloister.h ./usr/include/linux/cloister_quote.h " ]
rm -rf "$stage"

mkdir -p "$stage/lib/modules"
cp -r "${XDG_CACHE_HOME:-$HOME/.cache}/cloister/kernels/$release/lib/modules/$release" \
	"$stage/lib/modules/" 2>/dev/null || true
modules() { run make "$1" KERNEL=6.1 INSTALL_MOD_PATH="$stage"; }
check "make modules_install INSTALL_MOD_PATH=" modules modules_install
check "the module" installed "lib/modules/$release/updates/cloister.ko" 644
check "the kernel's index names it" \
	grep -q '^updates/cloister.ko:' "$stage/lib/modules/$release/modules.dep"
check "make modules_uninstall" modules modules_uninstall
check "removes it" [ ! -e "$stage/lib/modules/$release/updates" ]
check "and its entry in the index" refused grep -q cloister "$stage/lib/modules/$release/modules.dep"
check "a second time it says that there is nothing" refused make modules_uninstall KERNEL=6.1 \
	INSTALL_MOD_PATH="$stage"
check "and where" has "there is no $stage/lib/modules/$release/updates/cloister.ko"
check "a kernel that no module was built for is refused" refused make modules_install \
	KERNEL=1.2.3 INSTALL_MOD_PATH="$stage"
check "with what to do" has "run 'make modules KERNEL=1.2.3'"
rm -rf "$stage"

# As a kernel's own developers would build it: in place.
headers=${XDG_CACHE_HOME:-$HOME/.cache}/cloister/kernels/$release/usr/src/linux-headers-$release
check "make dkms_source" run make dkms_source DESTDIR="$stage"
source=$stage/usr/src/cloister-$version
check "kbuild by hand, in the source that dkms gets" run make -C "$headers" M="$source" modules
check "makes the module" [ -e "$source/cloister.ko" ]
check "kbuild's clean" run make -C "$headers" M="$source" clean
make dkms_source DESTDIR="$work/again" >/dev/null
check "leaves it as it was" run diff -r "$source" "$work/again/usr/src/cloister-$version"

status_of_tree >"$work/status-after"
check "the source tree is as it was" run diff "$work/status" "$work/status-after"
finish
