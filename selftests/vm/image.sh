#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# image.sh: builds the root file system of a clean Debian 12 with systemd and dkms, once, in the
# cache, and prints the path of its ext4 image; `run --image` boots it. Packages come from where
# this machine's apt gets its own; modules and headers of both kernels from fetch-kernel.sh's. Needs
# root. `image.sh --tree` prints the path of the same as a directory instead, to chroot into.
set -eu -o pipefail
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=scripts/common.sh
. "$here/../../scripts/common.sh"

# What a server has, and what the documentation tells users to install.
packages=(systemd-sysv dbus udev kmod procps
	dkms gcc make patch openssl mokutil pahole libelf1 # modules
	libcbor0.8 libjansson4 libssl3      # user space
	strace linux-perf)                  # tests of tools beside regions

# Drivers of hardware that no VM has are two thirds of a kernel.
without=(sound drivers/gpu drivers/media drivers/net drivers/staging drivers/infiniband drivers/iio
	drivers/hwmon drivers/usb drivers/scsi drivers/mmc drivers/mtd drivers/power drivers/video
	drivers/comedi drivers/isdn drivers/hid drivers/platform)

releases=()
for series in 6.1 6.12; do
	releases+=("$("$here/../../scripts/fetch-kernel.sh" "$series")")
done

work=$cache/image
key=$(cat "${BASH_SOURCE[0]}" <(printf '%s\n' "${releases[@]}") | sha256sum | cut -c 1-12)
image=$work/debian-12-$key.ext4
tree=$work/debian-12-$key

finish() {
	if [ "$wanted" = --tree ]; then echo "$tree"; else echo "$image"; fi
	exit
}

wanted=${1-}
case $wanted in
'' | --tree) ;;
*) die "usage: ${0##*/} [--tree]" ;;
esac
[ -e "$image" ] && finish
[ "$(id -u)" -eq 0 ] || die "run as root: files of the image belong to root"
mkdir -p "$work"
lock image
[ -e "$image" ] && finish

tmp=$(mktemp -d "$work/.build.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
chmod 755 "$tmp"
root=$tmp/root

debian_sources bookworm >"$tmp/sources"
[ -s "$tmp/sources" ] || apt_update "apt has no package lists of Debian 12"
debian_sources bookworm >"$tmp/sources"
[ -s "$tmp/sources" ] || die "apt knows no Debian 12: add bookworm's main to its sources"

say "building a Debian 12 image with systemd and dkms (a few minutes; log: $work/log)"
options=()
for scheme in http https; do
	proxy=
	eval "$(apt-config shell proxy "Acquire::$scheme::Proxy")"
	[ -z "$proxy" ] || options+=(--aptopt="Acquire::$scheme::Proxy \"$proxy\";")
done
mmdebstrap --mode=root --variant=minbase --format=directory \
	--include="$(IFS=,; echo "${packages[*]}")" "${options[@]}" \
	--aptopt='APT::Install-Recommends "false";' \
	--dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
	bookworm "$root" "$tmp/sources" >"$work/log" 2>&1 </dev/null || {
	tail -n 20 "$work/log" >&2
	die "mmdebstrap failed: see $work/log"
}

for release in "${releases[@]}"; do
	mkdir -p "$root/usr/lib/modules"
	tar -C "$kernels/$release" "${without[@]/#/--exclude=lib/modules/$release/kernel/}" -c \
		lib/modules usr/src usr/lib | tar -C "$root" --keep-directory-symlink -x
	cp "$kernels/$release/boot/config-$release" "$root/boot"
	depmod -b "$root" "$release"
done

# What a first boot would settle, and the key that dkms would make at its first build.
systemd-machine-id-setup --root="$root" >/dev/null 2>&1 ||
	tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
echo cloister-test >"$root/etc/hostname"
: >"$root/etc/fstab"
rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
mkdir -p "$root/var/lib/dkms"
openssl req -new -x509 -nodes -newkey rsa:2048 -days 3650 -subj "/CN=DKMS module signing key/" \
	-keyout "$root/var/lib/dkms/mok.key" -outform DER -out "$root/var/lib/dkms/mok.pub" \
	2>>"$work/log"

# Room for what tests write; holes cost nothing.
mke2fs -q -t ext4 -L cloister-root -d "$root" -E root_owner=0:0 "$tmp/image" 4G >>"$work/log" 2>&1 || {
	tail -n 20 "$work/log" >&2
	die "cannot make the file system: see $work/log"
}
rm -rf "$work"/debian-12-*
mv "$root" "$tree"
mv "$tmp/image" "$image"
say "built $image ($(du -h "$image" | cut -f 1))"
finish
