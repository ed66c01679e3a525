// SPDX-License-Identifier: Apache-2.0
/* cloister verify: is this quote what it should be? No device needed. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "result.h"

enum {
	OPTION_ROOT = CLI_OPTION_FIRST,
	OPTION_CHAIN,
	OPTION_NONCE,
	OPTION_MEASUREMENT,
	OPTION_FILE,
	OPTION_WRITABLE,
	OPTION_DEBUG,
	OPTION_REPORT_DATA,
	OPTION_EXPECT,
	OPTION_ACCEPT,
	OPTION_AT,
};

static const struct option options[] = {
	CLI_COMMON_OPTIONS,
	{ "root", required_argument, NULL, OPTION_ROOT },
	{ "chain", required_argument, NULL, OPTION_CHAIN },
	{ "nonce", required_argument, NULL, OPTION_NONCE },
	{ "measurement", required_argument, NULL, OPTION_MEASUREMENT },
	{ "file", required_argument, NULL, OPTION_FILE },
	{ "writable", no_argument, NULL, OPTION_WRITABLE },
	{ "debug", no_argument, NULL, OPTION_DEBUG },
	{ "report-data", required_argument, NULL, OPTION_REPORT_DATA },
	{ "expect", required_argument, NULL, OPTION_EXPECT },
	{ "accept", required_argument, NULL, OPTION_ACCEPT },
	{ "at", required_argument, NULL, OPTION_AT },
	{ 0 }
};

struct verify {
	struct cli *cli;
	struct cloister_verifier *verifier;
	struct cloister_policy *policy;
	const char *file;
	unsigned int file_flags;
	bool root;
	bool nonce;
	bool measurement;
};

/* Each helper returns 0 or the exit code of a failure that it has told. */

static int told(struct verify *verify, int code, const struct cloister_verify_error *error)
{
	return code ? cli_fail_verify(verify->cli, error) : 0;
}

static int add_chain(struct verify *verify, const char *path)
{
	struct cloister_verify_error error;
	uint8_t *bytes;
	size_t length;
	int status;

	status = cli_read_file(verify->cli, path, &bytes, &length);
	if (status)
		return status;
	status = told(verify, cloister_verifier_set_chain(verify->verifier, bytes, length, &error),
		      &error);
	free(bytes);
	return status;
}

static int set_nonce(struct verify *verify, const char *text)
{
	struct cloister_verify_error error;
	uint8_t nonce[CLOISTER_NONCE_MAX];
	size_t length;
	int status;

	status = cli_parse_hex(verify->cli, "--nonce", text, CLOISTER_NONCE_MIN,
			       CLOISTER_NONCE_MAX, nonce, &length);
	if (status)
		return status;
	verify->nonce = true;
	return told(verify, cloister_policy_set_nonce(verify->policy, nonce, length, &error),
		    &error);
}

static int expect_measurement(struct verify *verify, const char *text)
{
	struct cloister_verify_error error;
	uint8_t digest[CLOISTER_DIGEST_LEN];
	size_t length;
	int status;

	status = cli_parse_hex(verify->cli, "--measurement", text, sizeof(digest), sizeof(digest),
			       digest, &length);
	if (status)
		return status;
	verify->measurement = true;
	return told(verify, cloister_policy_expect_bytes(verify->policy,
							 CLOISTER_CLAIM_MEASUREMENT, digest,
							 sizeof(digest), &error), &error);
}

static int expect_file(struct verify *verify)
{
	struct cloister_verify_error error;
	uint8_t digest[CLOISTER_MEASURE_DIGEST_LEN];
	struct cli_progress progress;
	uint64_t region_size = 0;
	int code;

	cli_progress_start(verify->cli, &progress, "measuring");
	code = cloister_measure_file(verify->file, verify->file_flags, cli_progress_measure,
				     &progress, digest, &region_size, &error);
	cli_progress_end(&progress);
	if (!code)
		code = cloister_policy_expect_bytes(verify->policy, CLOISTER_CLAIM_MEASUREMENT,
						    digest, sizeof(digest), &error);
	return told(verify, code, &error);
}

static int expect_report_data(struct verify *verify, const char *text)
{
	struct cloister_verify_error error;
	uint8_t data[CLOISTER_REPORT_DATA_LEN];
	int status = cli_parse_report_data(verify->cli, text, data);

	if (status)
		return status;
	return told(verify, cloister_policy_expect_bytes(verify->policy,
							 CLOISTER_CLAIM_REPORT_DATA, data,
							 sizeof(data), &error), &error);
}

static int take_option(struct verify *verify, int option)
{
	struct cloister_verify_error error;
	int64_t when;
	int status;

	switch (option) {
	case OPTION_ROOT:
		verify->root = true;
		return told(verify, cloister_verifier_add_root_file(verify->verifier, optarg,
								    &error), &error);
	case OPTION_CHAIN:
		return add_chain(verify, optarg);
	case OPTION_NONCE:
		return set_nonce(verify, optarg);
	case OPTION_MEASUREMENT:
		return expect_measurement(verify, optarg);
	case OPTION_FILE:
		verify->file = optarg;
		return 0;
	case OPTION_WRITABLE:
		verify->file_flags |= CLOISTER_MEASURE_WRITABLE;
		return 0;
	case OPTION_DEBUG:
		verify->file_flags |= CLOISTER_MEASURE_DEBUG;
		return 0;
	case OPTION_REPORT_DATA:
		return expect_report_data(verify, optarg);
	case OPTION_EXPECT:
		return told(verify, cloister_policy_expect(verify->policy, optarg, &error), &error);
	case OPTION_ACCEPT:
		return told(verify, cloister_policy_accept(verify->policy, optarg, &error), &error);
	default:
		status = cli_parse_time(verify->cli, "--at", optarg, &when);
		if (!status)
			cloister_verifier_set_time(verify->verifier, when);
		return status;
	}
}

static int take_options(struct verify *verify, int argc, char **argv)
{
	struct cli *cli = verify->cli;
	int option;
	int status;

	while ((option = cli_getopt(cli, argc, argv, "", options)) >= 0) {
		status = take_option(verify, option);
		if (status)
			return status;
	}
	if (option == CLI_GETOPT_STOP)
		return cli->status;
	status = cli_operands(cli, argc, argv, 1, 1);
	if (status)
		return status;
	if (!verify->root)
		return cli_usage_error(cli, "--root is missing: the certificate to trust, "
				       "device-ca.pem of `cloister provision`");
	if (!verify->nonce)
		return cli_usage_error(cli, "--nonce is missing: the one the quote was asked for "
				       "with; without it an old quote would pass for a new one");
	if (verify->file && verify->measurement)
		return cli_usage_error(cli, "--file and --measurement exclude each other");
	if (verify->file_flags && !verify->file)
		return cli_usage_error(cli, "--writable and --debug say how to measure --file, "
				       "which is missing");
	return verify->file ? expect_file(verify) : 0;
}

static int verify_quote(struct verify *verify, const char *path)
{
	struct cloister_result *result = NULL;
	uint8_t *quote;
	size_t length;
	int status;
	int code;

	status = cli_read_file(verify->cli, path, &quote, &length);
	if (status)
		return status;
	code = cloister_verify(verify->verifier, verify->policy, quote, length, &result);
	free(quote);
	status = cli_show_result(verify->cli, code, result);
	cloister_result_free(result);
	return status;
}

static int run_verify(struct cli *cli, int argc, char **argv)
{
	struct verify verify = { .cli = cli };
	struct cloister_verify_error error;
	int status;

	status = told(&verify, cloister_verifier_new(&verify.verifier, &error), &error);
	if (!status)
		status = told(&verify, cloister_policy_new(&verify.policy, &error), &error);
	/* CLI_GETOPT_STOP with status 0 is --help: nothing is left to do. */
	if (!status) {
		cli->status = -1;
		status = take_options(&verify, argc, argv);
		if (!status && cli->status < 0)
			status = verify_quote(&verify, argv[optind]);
	}
	cloister_policy_free(verify.policy);
	cloister_verifier_free(verify.verifier);
	return status;
}

const struct cli_command cmd_verify = {
	.name = "verify",
	.summary = "Verify a quote against a root certificate, a nonce and expected values.",
	.usage = "--root PEM --nonce HEX [--measurement HEX | --file FILE [--writable] [--debug]]\n"
		 "       [--report-data HEX|@FILE] [--expect NAME=VALUE] [--accept NAME=VALUE]\n"
		 "       [--chain PEM] [--at TIME] [--json] QUOTE",
	.help = "QUOTE is a file, or - for stdin. Without --measurement, --file or --expect it is\n"
		"verified that a device speaks, not what it protects.\n\n"
		"  --root PEM         certificate to trust; may be repeated\n"
		"  --nonce HEX        the nonce that the quote was asked for with\n"
		"  --measurement HEX  measurement that the region must have\n"
		"  --file FILE        file that the region must hold; it is measured\n"
		"  --writable         the file was protected with --writable\n"
		"  --debug            the file was protected with --debug\n"
		"  --report-data HEX|@FILE\n"
		"                     report data that the quote must carry: up to 64 bytes, or\n"
		"                     the SHA-384 of a file; filled up with zero\n"
		"  --expect NAME=VALUE\n"
		"                     value that a claim must have; may be repeated\n"
		"  --accept NAME=VALUE\n"
		"                     weaker value to accept, as root=software; may be repeated\n"
		"  --chain PEM        certificates for a quote that carries none\n"
		"  --at TIME          verify as of 2026-11-22T18:00:00Z or @SECONDS\n",
	.run = run_verify,
};
