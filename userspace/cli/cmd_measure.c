// SPDX-License-Identifier: Apache-2.0
/* cloister measure: what the measurement of a protected file will be; no device needed. */
#include "cli.h"

enum { OPTION_WRITABLE = CLI_OPTION_FIRST, OPTION_DEBUG };

static int run_measure(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		CLI_COMMON_OPTIONS,
		{ "writable", no_argument, NULL, OPTION_WRITABLE },
		{ "debug", no_argument, NULL, OPTION_DEBUG },
		{ 0 }
	};
	uint8_t digest[CLOISTER_MEASURE_DIGEST_LEN];
	char hex[2 * CLOISTER_MEASURE_DIGEST_LEN + 1];
	struct cloister_verify_error error;
	struct cli_progress progress;
	uint64_t region_size = 0;
	unsigned int flags = 0;
	const char *file;
	int option;
	int status;

	while ((option = cli_getopt(cli, argc, argv, "", options)) >= 0)
		flags |= option == OPTION_DEBUG ? CLOISTER_MEASURE_DEBUG :
						  CLOISTER_MEASURE_WRITABLE;
	if (option == CLI_GETOPT_STOP)
		return cli->status;
	status = cli_operands(cli, argc, argv, 1, 1);
	if (status)
		return status;
	file = argv[optind];
	cli_progress_start(cli, &progress, "measuring");
	status = cloister_measure_file(file, flags, cli_progress_measure, &progress, digest,
				       &region_size, &error);
	cli_progress_end(&progress);
	if (status)
		return cli_fail_verify(cli, &error);
	cli_hex(digest, sizeof(digest), hex);
	if (cli->json)
		return cli_print_json(cli,
				      json_pack("{s:b, s:s, s:s, s:b, s:b, s:I}",
						"ok", 1, "measurement", hex, "file", file,
						"writable", !!(flags & CLOISTER_MEASURE_WRITABLE),
						"debug", !!(flags & CLOISTER_MEASURE_DEBUG),
						"region-size", (json_int_t)region_size));
	puts(hex);
	return cli_finish(cli);
}

const struct cli_command cmd_measure = {
	.name = "measure",
	.summary = "Compute the measurement of a protected file, without a device.",
	.usage = "[--writable] [--debug] [--json] FILE",
	.help = "  --writable         as for `cloister run --writable`; it is measured\n"
		"  --debug            as for `cloister run --debug`; it is measured\n",
	.run = run_measure,
};
