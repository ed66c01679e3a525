// SPDX-License-Identifier: Apache-2.0
/* The command line: options and the values they take. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

#define SHORT_OPTIONS_MAX	16

static void print_help(const struct cli *cli)
{
	printf("usage: cloister %s %s\n\n%s\n\n%s", cli->command->name, cli->command->usage,
	       cli->command->summary, cli->command->help);
	printf("  --json             print one JSON object\n"
	       "  --progress         show progress, even when stderr is no terminal\n"
	       "  -h, --help         this text\n\n"
	       "See cloister-%s(1), and cloister(1) for the exit codes.\n", cli->command->name);
}

int cli_usage_error(struct cli *cli, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	cli_fail(cli, CLI_EXIT_USAGE, "%s", text);
	if (cli->command)
		fprintf(stderr, "usage: cloister %s %s\n", cli->command->name,
			cli->command->usage);
	return CLI_EXIT_USAGE;
}

/* The option that getopt stumbled over, as it was typed. */
static const char *bad_option(char **argv, char *text)
{
	if (optopt && optopt < 256) {
		text[0] = '-';
		text[1] = (char)optopt;
		text[2] = '\0';
		return text;
	}
	return argv[optind - 1];
}

int cli_getopt(struct cli *cli, int argc, char **argv, const char *short_options,
	       const struct option *options)
{
	char all[SHORT_OPTIONS_MAX];
	char text[3];
	int option;

	/* "+" (stop at the first operand) must come before ":" (tell a missing value). */
	snprintf(all, sizeof(all), "%s:h%s", *short_options == '+' ? "+" : "",
		 *short_options == '+' ? short_options + 1 : short_options);
	opterr = 0;
	for (;;) {
		option = getopt_long(argc, argv, all, options, NULL);
		switch (option) {
		case -1:
			return CLI_GETOPT_END;
		case CLI_OPTION_JSON:
			cli->json = true;
			continue;
		case CLI_OPTION_PROGRESS:
			cli->progress = true;
			continue;
		case CLI_OPTION_DEVICE:
			cli->device_path = optarg;
			continue;
		case 'h':
			print_help(cli);
			cli->status = cli_finish(cli);
			return CLI_GETOPT_STOP;
		case ':':
			cli->status = cli_usage_error(cli, "option %s needs a value",
						      argv[optind - 1]);
			return CLI_GETOPT_STOP;
		case '?':
			cli->status = cli_usage_error(cli, "unknown or ambiguous option, or a "
						      "value where none belongs: %s",
						      bad_option(argv, text));
			return CLI_GETOPT_STOP;
		default:
			return option;
		}
	}
}

int cli_operands(struct cli *cli, int argc, char **argv, int least, int most)
{
	int given = argc - optind;

	if (given < least)
		return cli_usage_error(cli, "an operand is missing");
	if (given > most)
		return cli_usage_error(cli, "unexpected operand: %s", argv[optind + most]);
	return 0;
}

/* Digits only: strtoull() would take signs and blanks too. Returns what follows them. */
static const char *parse_number(const char *text, uint64_t *number)
{
	char *end;

	if (!isdigit((unsigned char)*text))
		return NULL;
	errno = 0;
	*number = strtoull(text, &end, 10);
	return errno ? NULL : end;
}

int cli_parse_size(struct cli *cli, const char *option, const char *text, uint64_t *size)
{
	static const char suffixes[] = "KMGT";
	const char *suffix = NULL;
	unsigned int shift = 0;
	uint64_t number = 0;
	const char *end;

	end = parse_number(text, &number);
	if (end && *end) {
		suffix = strchr(suffixes, toupper((unsigned char)*end));
		if (suffix)
			shift = 10 * (unsigned int)(suffix - suffixes + 1);
	}
	if (!end || (*end && (!suffix || end[1])))
		return cli_usage_error(cli, "%s: \"%s\" is no size; write bytes, or a number with "
				       "K, M, G or T", option, text);
	if (number > UINT64_MAX >> shift)
		return cli_usage_error(cli, "%s: %s is too large", option, text);
	*size = number << shift;
	return 0;
}

int cli_parse_fd(struct cli *cli, const char *option, const char *text, int *fd)
{
	uint64_t number = 0;
	const char *end = parse_number(text, &number);

	if (!end || *end || number > INT_MAX)
		return cli_usage_error(cli, "%s: \"%s\" is no descriptor; write its number",
				       option, text);
	*fd = (int)number;
	return 0;
}

int cli_parse_time(struct cli *cli, const char *option, const char *text, int64_t *when)
{
	uint64_t number = 0;
	const char *end;
	struct tm parts = { 0 };

	if (*text == '@') {
		end = parse_number(text + 1, &number);
		if (end && !*end && number <= INT64_MAX) {
			*when = (int64_t)number;
			return 0;
		}
	} else {
		end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &parts);
		if (end && !*end) {
			*when = timegm(&parts);
			return 0;
		}
	}
	return cli_usage_error(cli, "%s: \"%s\" is no time; write 2026-11-22T18:00:00Z (UTC) or "
			       "@SECONDS since 1970", option, text);
}

static int nibble(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	if (digit >= 'A' && digit <= 'F')
		return digit - 'A' + 10;
	return -1;
}

int cli_parse_hex(struct cli *cli, const char *option, const char *text, size_t least,
		  size_t most, uint8_t *bytes, size_t *length)
{
	size_t digits = strlen(text);
	size_t i;

	if (digits % 2 || digits / 2 < least || digits / 2 > most) {
		if (least == most)
			return cli_usage_error(cli, "%s: %zu hexadecimal digits are needed (%zu "
					       "bytes), not %zu", option, 2 * least, least,
					       digits);
		return cli_usage_error(cli, "%s: %zu to %zu bytes are needed, two hexadecimal "
				       "digits each, not %zu digits", option, least, most,
				       digits);
	}
	for (i = 0; i < digits / 2; i++) {
		int high = nibble(text[2 * i]);
		int low = nibble(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return cli_usage_error(cli, "%s: \"%.2s\" at position %zu are no "
					       "hexadecimal digits", option, text + 2 * i, 2 * i);
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	*length = digits / 2;
	return 0;
}

int cli_parse_report_data(struct cli *cli, const char *text,
			  uint8_t data[CLOISTER_REPORT_DATA_LEN])
{
	size_t length;

	memset(data, 0, CLOISTER_REPORT_DATA_LEN);
	if (*text == '@')
		return cli_hash_file(cli, text + 1, data);
	return cli_parse_hex(cli, "--report-data", text, 0, CLOISTER_REPORT_DATA_LEN, data,
			     &length);
}
