#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# build-module.sh 6.1|6.12|debug|RELEASE [test]: builds cloister.ko for that kernel in
# build/<release>/, and with `test` the test-only modules of selftests/cloister/*/Kbuild as well.
# RELEASE, as `uname -r` prints it: against the headers that are installed for it.
# Environment: KFLAGS (arguments for kbuild's make), V=1 (verbose).
set -eu -o pipefail
here=$(dirname "$0")
# shellcheck source=scripts/common.sh
. "$here/common.sh"
cd "$here/.."

series=${1:?usage: build-module.sh 6.1|6.12|debug|RELEASE [test]}
case $series in
6.1 | 6.12 | debug)
	release=$("$here/fetch-kernel.sh" "$series")
	headers=$kernels/$release/usr/src/linux-headers-$release
	;;
*)
	release=$series
	headers=/lib/modules/$release/build
	[ -e "$headers/Makefile" ] || die "there are no headers for Linux $release in $headers;" \
		"install them: apt-get install linux-headers-$release"
	;;
esac
build=$PWD/build/$release

case $build in
*[:\ ]*) die "kbuild cannot build under a path with a space or a colon: $build" ;;
esac

mkdir -p "$build"
[ "$series" = "$release" ] || ln -sfnT "$release" "build/$series"
exec 8>"$build/.lock"
flock 8

# kbuild DIRECTORY [ARGUMENT]...: quiet unless something is built; the two notes that kbuild prints
# about every out-of-tree module on a distribution's headers say nothing about ours.
kbuild() {
	local directory=$1
	shift
	# shellcheck disable=SC2086  # KFLAGS is a list of words
	make --no-print-directory -C "$headers" M="$directory" V="${V:-0}" "$@" ${KFLAGS-} modules \
		2>&1 | sed -u -e '/^warning: the compiler differs from the one used to build/d' \
			-e '/^  \(The kernel was built by\|You are using\):/d' \
			-e '/^Skipping BTF generation for/d' \
			-e "s|^  \([A-Z][A-Z ]*[A-Z]\) *\(\[M\]\)\? *$directory/\(.*\)|  \1 \2 $release/\3|"
}

farm="Kbuild version.mk driver uapi"
[ "${2-}" = test ] && farm+=" selftests/cloister"
# shellcheck disable=SC2086  # a list of words
"$here/farm.sh" "$build" $farm
kbuild "$build"
if [ "${2-}" = test ]; then
	for kbuild in selftests/cloister/*/Kbuild; do
		[ -e "$kbuild" ] || continue
		kbuild "$build/${kbuild%/Kbuild}" KBUILD_EXTRA_SYMBOLS="$build/Module.symvers"
	done
fi
