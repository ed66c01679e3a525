# SPDX-License-Identifier: Apache-2.0
# Lint: one TAP case a check, part of the unit tests. Documentation/testing.rst tells what each does.

TESTS += selftests/lint/lint

.PHONY: lint
lint: deps ## all static checks; ONLY="sparse spdx" for those alone
	@selftests/lint/lint $(ONLY)
