// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The end of a monitor whose own state is wrong. Tests expect the abort. */
#include <stdio.h>
#include <stdlib.h>

#include "platform.h"

void plat_fatal(const char *what)
{
	fprintf(stderr, "monitor invariant broken: %s\n", what);
	abort();
}
