// SPDX-License-Identifier: Apache-2.0
/* cloister quote: ask the device for a quote of a region or of a file. */
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define RANDOM_NONCE_LEN	32

enum {
	OPTION_FD = CLI_OPTION_FIRST,
	OPTION_NONCE,
	OPTION_ALG,
	OPTION_REPORT_DATA,
	OPTION_WRITABLE,
	OPTION_DEBUG,
	OPTION_RESIDENT,
};

static const struct option options[] = {
	CLI_COMMON_OPTIONS,
	CLI_DEVICE_OPTION,
	{ "fd", required_argument, NULL, OPTION_FD },
	{ "nonce", required_argument, NULL, OPTION_NONCE },
	{ "alg", required_argument, NULL, OPTION_ALG },
	{ "report-data", required_argument, NULL, OPTION_REPORT_DATA },
	{ "writable", no_argument, NULL, OPTION_WRITABLE },
	{ "debug", no_argument, NULL, OPTION_DEBUG },
	{ "resident", required_argument, NULL, OPTION_RESIDENT },
	{ "output", required_argument, NULL, 'o' },
	{ 0 }
};

struct quote {
	struct cli *cli;
	const char *file;
	const char *output;
	int fd;
	bool random_nonce;
	uint32_t file_flags;
	uint64_t resident;
	uint32_t algorithm;
	uint8_t nonce[CLOISTER_NONCE_MAX];
	size_t nonce_len;
	uint8_t report_data[CLOISTER_REPORT_DATA_LEN];
};

static int take_nonce(struct quote *quote, const char *text)
{
	if (strcmp(text, "random"))
		return cli_parse_hex(quote->cli, "--nonce", text, CLOISTER_NONCE_MIN,
				     CLOISTER_NONCE_MAX, quote->nonce, &quote->nonce_len);
	if (RAND_bytes(quote->nonce, RANDOM_NONCE_LEN) != 1)
		return cli_fail(quote->cli, CLI_EXIT_INTERNAL, "no random numbers for a nonce");
	quote->nonce_len = RANDOM_NONCE_LEN;
	quote->random_nonce = true;
	return 0;
}

static int take_algorithm(struct quote *quote, const char *text)
{
	if (!strcmp(text, "es256"))
		quote->algorithm = CLOISTER_ALG_ES256;
	else if (!strcmp(text, "es384"))
		quote->algorithm = CLOISTER_ALG_ES384;
	else
		return cli_usage_error(quote->cli, "--alg: \"%s\" is not known; write es256 or "
				       "es384", text);
	return 0;
}

static int take_option(struct quote *quote, int option)
{
	switch (option) {
	case OPTION_FD:
		return cli_parse_fd(quote->cli, "--fd", optarg, &quote->fd);
	case OPTION_NONCE:
		return take_nonce(quote, optarg);
	case OPTION_ALG:
		return take_algorithm(quote, optarg);
	case OPTION_REPORT_DATA:
		return cli_parse_report_data(quote->cli, optarg, quote->report_data);
	case OPTION_WRITABLE:
		quote->file_flags |= CLOISTER_FILE_WRITABLE;
		return 0;
	case OPTION_DEBUG:
		quote->file_flags |= CLOISTER_FILE_DEBUG;
		return 0;
	case OPTION_RESIDENT:
		return cli_parse_size(quote->cli, "--resident", optarg, &quote->resident);
	default:
		quote->output = optarg;
		return 0;
	}
}

static int check_options(struct quote *quote)
{
	struct cli *cli = quote->cli;

	if (!quote->nonce_len)
		return cli_usage_error(cli, "--nonce is missing: the verifier's fresh value in "
				       "hexadecimal digits, or \"random\"");
	if (quote->file && quote->fd >= 0)
		return cli_usage_error(cli, "FILE and --fd exclude each other");
	if (!quote->file && (quote->file_flags || quote->resident))
		return cli_usage_error(cli, "--writable, --debug and --resident say how to protect "
				       "FILE, which is missing");
	if (!quote->output && !cli->json && isatty(STDOUT_FILENO))
		return cli_usage_error(cli, "a quote is binary and stdout is a terminal; give "
				       "-o FILE or --json");
	return 0;
}

/* The region to quote: made from FILE, or one that is passed in. */
static struct cloister_region *quote_region(struct quote *quote, struct cloister_device *device,
					    int *status)
{
	struct cloister_file_region made;
	struct cli_progress progress;
	int code;

	if (!quote->file)
		return cli_region(quote->cli, device, quote->fd, status);
	cli_progress_start(quote->cli, &progress, "protecting");
	code = cloister_region_from_file(device, quote->file, quote->file_flags, quote->resident,
					 cli_progress_step, &progress, &made);
	cli_progress_end(&progress);
	if (code) {
		*status = cli_fail_cloister(quote->cli, code, cloister_device_error(device));
		return NULL;
	}
	return made.region;
}

static int print_json(struct quote *quote, const uint8_t *bytes, size_t length)
{
	json_t *object = json_pack("{s:b, s:s, s:o, s:I}", "ok", 1, "algorithm",
				   quote->algorithm == CLOISTER_ALG_ES256 ? "es256" : "es384",
				   "nonce", cli_json_hex(quote->nonce, quote->nonce_len),
				   "length", (json_int_t)length);

	if (object && quote->output)
		json_object_set_new(object, "output", json_string(quote->output));
	else if (object)
		json_object_set_new(object, "quote", cli_json_hex(bytes, length));
	return cli_print_json(quote->cli, object);
}

static int hand_out(struct quote *quote, const uint8_t *bytes, size_t length)
{
	char nonce[2 * CLOISTER_NONCE_MAX + 1];
	int status = 0;

	if (quote->output)
		status = cli_write_file(quote->cli, quote->output, bytes, length);
	if (status)
		return status;
	if (quote->cli->json)
		return print_json(quote, bytes, length);
	if (!quote->output)
		fwrite(bytes, 1, length, stdout);
	if (quote->random_nonce) {
		cli_hex(quote->nonce, quote->nonce_len, nonce);
		fprintf(stderr, "nonce: %s\n", nonce);
	}
	return cli_finish(quote->cli);
}

static int make_quote(struct quote *quote, struct cloister_device *device)
{
	struct cloister_quote_request request = {
		.algorithm = quote->algorithm,
		.nonce = quote->nonce,
		.nonce_len = quote->nonce_len,
		.report_data = quote->report_data,
	};
	struct cloister_region *region;
	uint8_t *bytes = NULL;
	size_t length = 0;
	int status = 0;
	int code;

	region = quote_region(quote, device, &status);
	if (!region)
		return status;
	code = cloister_region_quote(region, &request, &bytes, &length);
	if (code)
		status = cli_fail_cloister(quote->cli, code, cloister_region_error(region));
	else
		status = hand_out(quote, bytes, length);
	free(bytes);
	cloister_region_close(region);
	return status;
}

static int run_quote(struct cli *cli, int argc, char **argv)
{
	struct quote quote = { .cli = cli, .fd = -1, .algorithm = CLOISTER_ALG_ES256 };
	struct cloister_device *device;
	int option;
	int status;

	while ((option = cli_getopt(cli, argc, argv, "o:", options)) >= 0) {
		status = take_option(&quote, option);
		if (status)
			return status;
	}
	if (option == CLI_GETOPT_STOP)
		return cli->status;
	status = cli_operands(cli, argc, argv, 0, 1);
	if (!status) {
		quote.file = optind < argc ? argv[optind] : NULL;
		status = check_options(&quote);
	}
	if (status)
		return status;
	device = cli_device(cli, quote.file, &status);
	if (!device)
		return status;
	status = make_quote(&quote, device);
	cloister_device_free(device);
	return status;
}

const struct cli_command cmd_quote = {
	.name = "quote",
	.summary = "Ask the device for a quote of a region or of a file.",
	.usage = "--nonce HEX|random [--alg es256|es384] [--report-data HEX|@FILE]\n"
		 "       [-o OUTPUT] [--json] [--fd N | [--writable] [--debug]\n"
		 "       [--resident SIZE] FILE]",
	.help = "Without FILE and --fd the region is that of CLOISTER_REGION_FD of the\n"
		"environment.\n\n"
		"  --nonce HEX|random the verifier's fresh value, 8 to 64 bytes; a random one is\n"
		"                     told on stderr\n"
		"  --alg es256|es384  algorithm of the signature; es256 by default\n"
		"  --report-data HEX|@FILE\n"
		"                     up to 64 bytes to be signed along, or the SHA-384 of a file;\n"
		"                     filled up with zero\n"
		"  -o, --output FILE  where the quote goes; stdout by default\n"
		"  --fd N             descriptor of the region\n"
		"  --writable         protect FILE with pages that may be written\n"
		"  --debug            in a debug region, as `cloister run --debug`\n"
		"  --resident SIZE    most plaintext of FILE in memory at a time\n"
		"  --device PATH      the device; " CLOISTER_DEVICE " by default\n",
	.run = run_quote,
};
