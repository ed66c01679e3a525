/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The exit codes of `cloister`, in one table: the program, its --json output, cloister(1)
 * and the tests all follow it.
 */
#ifndef _CLOISTER_CLI_EXIT_H
#define _CLOISTER_CLI_EXIT_H

/*	name	code	name in --json	meaning */
#define CLI_EXIT_CODES(X) \
	X(OK, 0, "ok", "done; what was checked is right") \
	X(FAILED, 1, "check-failed", "a verification or a check failed") \
	X(USAGE, 2, "usage", "the command line is wrong; nothing was done") \
	X(NO_DEVICE, 3, "no-device", "the device is missing or can't be opened") \
	X(REFUSED, 4, "refused", "the device refused a call") \
	X(IO, 5, "io", "a file can't be read or written, or is not what it should be") \
	X(ALREADY, 6, "already-provisioned", "the device is provisioned; nothing was changed") \
	X(INTERNAL, 7, "internal", "no memory, or the crypto library failed") \
	X(RUN, 125, "run-failed", "`run` failed before the command was started") \
	X(CANNOT_EXEC, 126, "cannot-execute", "`run` found the command, but can't execute it") \
	X(NOT_FOUND, 127, "not-found", "`run` did not find the command")

/* `run` gives the command's own status, or this and the signal's number. */
#define CLI_EXIT_SIGNAL		128

enum cli_exit {
#define CLI_EXIT_ENUM(name, code, json, meaning) CLI_EXIT_##name = code,
	CLI_EXIT_CODES(CLI_EXIT_ENUM)
#undef CLI_EXIT_ENUM
};

#endif /* _CLOISTER_CLI_EXIT_H */
