#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# build-debug-kernel.sh: builds the debug kernel (selftests/vm/debug.config over tinyconfig, from
# Debian's linux-source-6.1) in the cache, in the shape in which fetch-kernel.sh leaves the others:
# `KERNEL=debug` and `--kernel debug` find it. About 10 minutes with 2 jobs; a change of the
# configuration takes 2 to 4, since objects come from ccache. Environment: JOBS.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/common.sh
. "$here/common.sh"

fragment=$here/../selftests/vm/debug.config
archive=$("$here/fetch-source.sh")
work=$cache/debug
key="$(cat "$cache/source/.version") $(sha256sum <"$fragment")"

lock debug
if [ "$key" = "$(cat "$work/.key" 2>/dev/null)" ] && [ -d "$kernels/debug" ]; then
	say "the debug kernel $(readlink "$kernels/debug") is up to date"
	exit
fi

version=$(cat "$cache/source/.version")
if [ "$version" != "$(cat "$work/.source" 2>/dev/null)" ]; then
	say "unpacking linux-source-6.1 $version"
	rm -rf "$work"
	mkdir -p "$work/source"
	tar -xJf "$archive" -C "$work/source" --strip-components=1
	printf '%s\n' "$version" >"$work/.source"
fi

# A directory for each configuration: modules are built against the one that the kernel in use has.
build=$work/build-$(sha256sum <"$fragment" | cut -c 1-8)
log=$work/log
mkdir -p "$build"

# Who builds it goes into no object, so that ccache finds it.
export CCACHE_DIR=$cache/ccache CCACHE_MAXSIZE=2G
export KBUILD_BUILD_USER=cloister KBUILD_BUILD_HOST=cloister
compiler=gcc
! command -v ccache >/dev/null || compiler="ccache gcc"

# make TARGET...: quiet; the end of its log if it fails.
kmake() {
	make --no-print-directory -C "$work/source" O="$build" CC="$compiler" "$@" \
		>"$log" 2>&1 </dev/null || {
		tail -n 30 "$log" >&2
		die "the kernel's make failed ($*); all of its output is in $log"
	}
}

kmake tinyconfig
"$work/source/scripts/kconfig/merge_config.sh" -m -O "$build" "$build/.config" "$fragment" \
	>"$log" 2>&1
kmake olddefconfig
# Kconfig drops in silence what depends on something that is off.
while read -r line; do
	case $line in
	CONFIG_*) grep -qxF "$line" "$build/.config" || die "kconfig dropped $line of debug.config" ;;
	esac
done <"$fragment"

say "building (log: $log)"
kmake -j"${JOBS:-2}" bzImage modules

release=$(cat "$build/include/config/kernel.release")
tmp=$(mktemp -d "$kernels/.debug.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
mkdir -p "$tmp/boot" "$tmp/lib/modules/$release" "$tmp/usr/src"
cp "$build/arch/x86/boot/bzImage" "$tmp/boot/vmlinuz-$release"
# No vmlinux: instrumented by KASan, the entry by which QEMU would start it does not work.
cp "$build/.config" "$tmp/boot/config-$release"
cp "$build/modules.builtin" "$build/modules.order" "$tmp/lib/modules/$release/"
depmod -b "$tmp" "$release" 2>/dev/null || true
ln -s "$build" "$tmp/usr/src/linux-headers-$release"
rm -rf "${kernels:?}/$release"
mv "$tmp" "$kernels/$release"
trap - EXIT
chmod 755 "$kernels/$release"
ln -sfnT "$release" "$kernels/debug"
printf '%s\n' "$key" >"$work/.key"
for old in "$work"/build*; do
	[ "$old" = "$build" ] || rm -rf "$old"
done
say "built $release"
