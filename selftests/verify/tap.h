/* SPDX-License-Identifier: Apache-2.0 */
/* Test Anything Protocol: one line a check, a plan at the end. */
#ifndef VERIFY_TAP_H
#define VERIFY_TAP_H

#include <stdbool.h>

/* Prints "ok" or "not ok" with the text; returns @good. */
bool tap_ok(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Prints a comment, such as the reason of the failure before it. */
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Ends the test at once: it can't go on. */
void tap_bail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* Prints the plan; returns the exit status of the program. */
int tap_done(void);

#endif /* VERIFY_TAP_H */
