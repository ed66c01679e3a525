# SPDX-License-Identifier: Apache-2.0
# Faults seeded in the monitor and the driver, each of which some test must notice.

.PHONY: mutants
export MUTANTS
mutants: deps ## seed faults, one at a time; a test must notice each (MUTANTS=word for some)
	@selftests/mutants/run.py --kernel $(firstword $(KERNEL)) --only "$${MUTANTS:-}"
