# SPDX-License-Identifier: Apache-2.0
# Proofs with Frama-C, which only they need. Documentation/testing.rst says what they cover.

.PHONY: prove
prove: ## show with Frama-C that parsers and state machine have no run-time errors
	@scripts/deps.sh prove
	@selftests/prove/prove $(ONLY)
