# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# The clean Debian image in a VM: for test_debian_*.sh. Sourced, from the top of the tree; $work is a
# directory of the caller's.
: "${work:?}"

image=$(selftests/vm/image.sh)
number=0
failures=0

# pack FILE KERNEL: this source tree as a user has it who has built for KERNEL, without what tests built.
pack() {
	tar -c -f "$1" --exclude=./build --exclude='./.*' .
	tar -r -f "$1" ./build/.flags ./build/host/userspace ./build/host/examples \
		./build/host/cloister ./build/host/lib* "./build/$2" \
		"./build/$(readlink "build/$2")/cloister.ko"
}

# Each line of the guest's TAP gets its number here, across all boots.
show() {
	local line
	while IFS= read -r line; do
		case $line in
		'ok - '* | 'not ok - '*)
			number=$((number + 1))
			case $line in not*) failures=$((failures + 1)) ;; esac
			echo "${line%% - *} $number - ${line#* - }"
			;;
		*) echo "$line" ;;
		esac
	done
}

# machine OPTION... -- GUEST-PART ARGUMENT...: one boot.
machine() {
	local status=0
	selftests/vm/run --image "$image" --no-module --boot-timeout "${BOOT_TIMEOUT:-600}" \
		--timeout "${VM_TIMEOUT:-900}" "$@" >"$work/said" 2>&1 || status=$?
	show <"$work/said"
	if [ "$status" -ne 0 ] && ! grep -q '^not ok' "$work/said"; then
		show <<<"not ok - the VM ended with status $status"
	fi
}

finish() {
	echo "1..$number"
	[ "$failures" -eq 0 ]
}
