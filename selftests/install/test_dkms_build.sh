#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# dkms of the clean Debian image builds the module for both kernels, by nothing but what the image has.
# In a chroot of the image: under emulation a build takes many minutes. What comes out is kept for
# test_debian_dkms.sh. Needs root.
#
# Timeout: 900
set -eu
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=selftests/vm/tests/tap.sh
. "$here/../vm/tests/tap.sh"
cd "$here/../.."
# A make above has settings of its own.
unset MAKEFLAGS MFLAGS MAKELEVEL KERNEL DEBUG
output=$PWD/build/install/dkms.log
modules=$PWD/build/install/dkms-modules
version=$(sed -n 's/^CLOISTER_VERSION := //p' version.mk)
tree=$(selftests/vm/image.sh --tree)
mkdir -p build/install
rm -rf "$modules"
mkdir "$modules"

# The image stays as it is: what is written goes to memory, and goes away with the namespace.
if [ "${1-}" != inside ]; then
	exec unshare --mount "$0" inside
fi
mount -t tmpfs tmpfs /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o "lowerdir=$tree,upperdir=/mnt/upper,workdir=/mnt/work" overlay /mnt/root
mount -t proc proc /mnt/root/proc
mount --rbind /dev /mnt/root/dev

in_image() { chroot /mnt/root env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" >"$output" 2>&1; }
run() { "$@" >"$output" 2>&1; }
source_installed() { run make dkms_source DESTDIR=/mnt/root; }
dkms() { in_image dkms "$@"; }
refused() { ! "$@"; }
signed() { modinfo -F signer "$1" | grep -q 'DKMS module signing key'; }

check "make dkms_source DESTDIR=" source_installed
check "dkms add" dkms add -m cloister -v "$version"
for release in /mnt/root/lib/modules/*; do
	release=${release##*/}
	check "dkms build for $release" dkms build -m cloister -v "$version" -k "$release"
	built=$(find "/mnt/root/var/lib/dkms/cloister/$version/$release" -name 'cloister.ko*')
	check "made a module for it" grep -q "^$release " <(modinfo -F vermagic "$built")
	check "of this version" [ "$(modinfo -F version "$built")" = "$version" ]
	check "signed with dkms's key" signed "$built"
	check "packed for the VM" dkms mktarball -m cloister -v "$version" -k "$release" \
		--binaries-only --archive "$release.tar.gz"
	run cp "/mnt/root/var/lib/dkms/cloister/$version/tarball/$release.tar.gz" "$modules"
done

# A kernel that the module is not made for, of whose headers nothing is asked.
mkdir -p /mnt/root/lib/modules/5.10.0-cloister
ln -s "$(readlink "/mnt/root/lib/modules/$release/build")" /mnt/root/lib/modules/5.10.0-cloister/build
check "dkms refuses Linux 5.10" refused dkms build -m cloister -v "$version" -k 5.10.0-cloister
check "because of what dkms.conf says" has "BUILD_EXCLUSIVE"

check "dkms remove" dkms remove -m cloister -v "$version" --all
check "leaves nothing of the module" [ ! -e /mnt/root/var/lib/dkms/cloister ]
finish
