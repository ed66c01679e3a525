// SPDX-License-Identifier: Apache-2.0
/* cloister inspect: a quote in readable form; nothing is verified. */
#include <stdlib.h>

#include "cli.h"
#include "result.h"

static int run_inspect(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { CLI_COMMON_OPTIONS, { 0 } };
	struct cloister_result *result = NULL;
	uint8_t *quote;
	size_t length;
	int status;
	int code;

	if (cli_getopt(cli, argc, argv, "", options) == CLI_GETOPT_STOP)
		return cli->status;
	status = cli_operands(cli, argc, argv, 1, 1);
	if (status)
		return status;
	status = cli_read_file(cli, argv[optind], &quote, &length);
	if (status)
		return status;
	code = cloister_inspect(quote, length, &result);
	free(quote);
	status = cli_show_result(cli, code, result);
	cloister_result_free(result);
	return status;
}

const struct cli_command cmd_inspect = {
	.name = "inspect",
	.summary = "Show what a quote says; nothing is verified.",
	.usage = "[--json] QUOTE",
	.help = "QUOTE is a file, or - for stdin.\n\n",
	.run = run_inspect,
};
