#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# coverage.sh MINIMUM TEST... -- DRIVE_MONITOR: runs them with the counters at zero, then reports.
set -eu

minimum=$1
shift
find build/coverage -name '*.gcda' -delete
while [ "$1" != -- ]; do
	printf '  RUN     %s\n' "$1"
	"$1" >"$1.log" 2>&1 || {
		tail -n 40 "$1.log" >&2
		echo "coverage: $1 failed, so its coverage says nothing" >&2
		exit 1
	}
	shift
done
printf '  RUN     %s\n' "$2"
"$2" --sequences 1500 >"$2.log" 2>&1 || {
	tail -n 40 "$2.log" >&2
	echo "coverage: $2 failed, so its coverage says nothing" >&2
	exit 1
}
exec "$(dirname "$0")/report.py" --minimum "$minimum" build/coverage/driver/monitor
