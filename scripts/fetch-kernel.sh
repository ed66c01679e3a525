#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fetch-kernel.sh 6.1|6.12: unpacks Debian's current kernel of that series, image and headers of
# one release, into the cache and prints its release. Nothing is installed on this machine: a
# kernel image would become its default boot entry, and Debian's 6.12 headers depend on the image.
#
#   $XDG_CACHE_HOME/cloister/kernels/<release>/boot/vmlinuz-<release>
#                                              boot/vmlinux-<release>
#                                              lib/modules/<release>/
#                                              usr/src/linux-headers-<release>/
#                                    /6.1   ->  <release>
set -eu
# shellcheck source=scripts/common.sh
. "$(dirname "$0")/common.sh"

case ${1-} in
6.1)	image=linux-image-amd64 ;;
6.12)	image=linux-image-6.12-amd64 ;;
debug)
	release=$(readlink "$kernels/debug") ||
		die "there is no debug kernel yet; run 'make debug-kernel' (about 10 minutes)"
	echo "$release"
	exit ;;
*)	die "usage: ${0##*/} 6.1|6.12|debug" ;;
esac
series=$1

# depends PACKAGE PATTERN: names of its dependencies that match.
depends() {
	apt-cache depends --no-recommends --no-suggests "$1" 2>/dev/null |
		sed -n "s/^ *|\{0,1\}Depends: \($2\)\$/\1/p" | sort -u
}

current_release() {
	depends "$image" 'linux-image-[0-9].*' | sed 's/^linux-image-//'
}

# decompress FROM TO: the ELF image inside a bzImage. Emulated, the bzImage's own decompressor takes
# longer than all the rest of the boot. The format's magic number may also occur by chance.
decompress() {
	local magic offset
	magic='\xfd7zXZ\x00|\x28\xb5\x2f\xfd'
	# shellcheck disable=SC2013  # numbers
	for offset in $(LC_ALL=C grep -aboP "$magic" "$1" | cut -d : -f 1); do
		# Both complain of what follows the compressed data, after writing all of it.
		if [ "$(tail -c "+$((offset + 1))" "$1" | head -c 1)" = "$(printf '\xfd')" ]; then
			tail -c "+$((offset + 1))" "$1" | xz -dcq --single-stream
		else
			tail -c "+$((offset + 1))" "$1" | zstd -dcq
		fi >"$2.part" 2>/dev/null || true
		if readelf -n "$2.part" 2>/dev/null | grep -q '^  Xen '; then
			mv "$2.part" "$2"
			return
		fi
	done
	rm -f "$2.part"
	say "$1 holds no image that QEMU could start directly; VMs will boot it slowly"
}

unpack() {
	local release=$1 tmp deb packages
	tmp=$(mktemp -d "$kernels/.unpack.XXXXXX")
	# shellcheck disable=SC2064  # expand now: the variable is local
	trap "rm -rf '$tmp'" EXIT
	packages="linux-image-$release linux-headers-$release"
	packages+=" $(depends "linux-headers-$release" 'linux-headers-.*-common' | tr '\n' ' ')"
	packages+=" $(depends "linux-headers-$release" 'linux-kbuild-.*' | tr '\n' ' ')"
	say "fetching Linux $release (about 90 MB): $packages"
	mkdir "$tmp/deb" "$tmp/root"
	# shellcheck disable=SC2086  # a list of words
	download "$tmp/deb" $packages
	for deb in "$tmp"/deb/*.deb; do
		dpkg-deb -x "$deb" "$tmp/root"
	done
	# The headers name their common part by its installed path.
	# shellcheck disable=SC2016  # for make to expand
	sed -i 's|^include /usr/src/|include $(dir $(lastword $(MAKEFILE_LIST)))../|' \
		"$tmp/root/usr/src/linux-headers-$release/Makefile"
	[ -e "$tmp/root/boot/vmlinuz-$release" ] || die "linux-image-$release has no vmlinuz"
	decompress "$tmp/root/boot/vmlinuz-$release" "$tmp/root/boot/vmlinux-$release"
	depmod -b "$tmp/root" "$release"
	rm -rf "${kernels:?}/$release"
	mv "$tmp/root" "$kernels/$release"
	rm -rf "$tmp"
	trap - EXIT
}

finish() {
	ln -sfnT "$1" "$kernels/$series"
	touch "$kernels/.$series.checked"
	echo "$1"
	exit
}

# Quick way, without apt and without the lock: nothing changed since the last look.
known=$(readlink "$kernels/$series" || true)
if [ -n "$known" ] && [ -d "$kernels/$known" ] && apt_stamp_fresh "$kernels/.$series.checked"; then
	echo "$known"
	exit
fi

lock "kernel-$series"
mkdir -p "$kernels"
release=$(current_release)
if [ -z "$release" ] && [ "$(id -u)" -eq 0 ]; then
	apt_update "apt knows no package $image"
	release=$(current_release)
fi
if [ -z "$release" ]; then
	[ -z "$known" ] || finish "$known"
	die "apt knows no package $image: add Debian 12's main and bookworm-security to its sources"
fi
[ -d "$kernels/$release" ] || unpack "$release"
finish "$release"
