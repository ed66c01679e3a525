#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# module.sh install|uninstall KERNEL...: puts what `make modules KERNEL=...` has built below
# /lib/modules, or removes it. KERNEL: 6.1, 6.12, debug or a release. Environment: INSTALL_MOD_PATH,
# INSTALL_MOD_DIR, as the kernel's modules_install has them.
set -eu -o pipefail
cd "$(dirname "$0")/../.."
# shellcheck source=scripts/common.sh
. scripts/common.sh

what=$1
shift
root=${INSTALL_MOD_PATH-}
for kernel; do
	release=$(basename "$(readlink "build/$kernel" || echo "$kernel")")
	modules=$root/lib/modules/$release
	target=$modules/${INSTALL_MOD_DIR:-updates}/cloister.ko
	case $what in
	install)
		[ -e "build/$release/cloister.ko" ] ||
			die "no module for $kernel is built; run 'make modules KERNEL=$kernel'"
		echo "  INSTALL $target"
		install -D -m 644 "build/$release/cloister.ko" "$target"
		;;
	uninstall)
		[ -e "$target" ] || die "there is no $target"
		echo "  REMOVE  $target"
		rm -f "$target"
		rmdir --ignore-fail-on-non-empty "${target%/*}"
		;;
	esac
	# An image that gets modules alone has no index to renew.
	if [ -e "$modules/modules.builtin" ]; then
		depmod ${root:+-b "$root"} "$release"
	else
		say "$modules has none of the kernel's modules: depmod was not run"
	fi
done
