// SPDX-License-Identifier: Apache-2.0
/* Test Anything Protocol; see tap.h. */
#include "tap.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned int checks;
static unsigned int failed;

bool tap_ok(bool good, const char *format, ...)
{
	va_list args;

	checks++;
	failed += !good;
	printf("%s %u - ", good ? "ok" : "not ok", checks);
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	return good;
}

void tap_note(const char *format, ...)
{
	va_list args;

	printf("# ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void tap_bail(const char *format, ...)
{
	va_list args;

	printf("Bail out! ");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	exit(1);
}

int tap_done(void)
{
	printf("1..%u\n", checks);
	return failed || !checks ? 1 : 0;
}
