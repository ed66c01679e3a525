/* SPDX-License-Identifier: Apache-2.0 */
/* What verify and inspect share: showing a result of libcloister-verify. */
#ifndef _CLOISTER_CLI_RESULT_H
#define _CLOISTER_CLI_RESULT_H

#include "cli.h"

/*
 * Shows @result, which cloister_verify() or cloister_inspect() gave along with @code, as
 * text or JSON; returns the exit code.
 */
int cli_show_result(struct cli *cli, int code, const struct cloister_result *result);

#endif /* _CLOISTER_CLI_RESULT_H */
