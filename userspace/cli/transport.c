// SPDX-License-Identifier: Apache-2.0
/* The one place that says how the program reaches the device. */
#include "cli.h"

const struct cloister_transport *cli_transport(void **context)
{
	*context = NULL;
	return cloister_kernel_transport();
}
