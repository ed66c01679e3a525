# SPDX-License-Identifier: GPL-2.0-only OR Apache-2.0
# The version of everything that is built here: module, libraries, command line, dkms.
CLOISTER_VERSION := 0.1.0
