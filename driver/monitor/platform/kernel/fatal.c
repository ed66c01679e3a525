// SPDX-License-Identifier: GPL-2.0-only OR MIT
/* The end of a monitor whose own state is wrong: going on could leak plaintext. */
#include <linux/panic.h>

#include "platform.h"

void plat_fatal(const char *what)
{
	panic("cloister: monitor invariant broken: %s", what);
}
