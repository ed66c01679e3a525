// SPDX-License-Identifier: Apache-2.0
/* What the user gets to see: rows, JSON, failures and progress. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static const char *exit_name(enum cli_exit code)
{
	switch (code) {
#define CLI_EXIT_CASE(name, code, json, meaning) \
	case CLI_EXIT_##name: \
		return json;
	CLI_EXIT_CODES(CLI_EXIT_CASE)
#undef CLI_EXIT_CASE
	}
	return "unknown";
}

static void print_failure_json(struct cli *cli, enum cli_exit code, const char *text)
{
	json_t *object = json_pack("{s:b, s:{s:i, s:s, s:s%}}", "ok", 0, "error",
				   "exit", (int)code, "name", exit_name(code),
				   "message", text, strlen(text));

	/* A path that is not UTF-8 can't stand in JSON; the sentence went to stderr. */
	if (!object)
		object = json_pack("{s:b, s:{s:i, s:s, s:s}}", "ok", 0, "error",
				   "exit", (int)code, "name", exit_name(code),
				   "message", "see stderr");
	json_dumpf(object, cli->json_out, JSON_COMPACT);
	fputc('\n', cli->json_out);
	json_decref(object);
}

int cli_fail(struct cli *cli, enum cli_exit code, const char *format, ...)
{
	enum cli_exit shown = code;
	char text[2048];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (cli->command && cli->command->failure_exit && code != CLI_EXIT_USAGE &&
	    code < CLI_EXIT_RUN)
		shown = (enum cli_exit)cli->command->failure_exit;
	fflush(stdout);
	if (!cli->json || cli->json_out != stderr)
		fprintf(stderr, "cloister%s%s: %s\n", cli->command ? " " : "",
			cli->command ? cli->command->name : "", text);
	if (cli->json)
		print_failure_json(cli, shown, text);
	return shown;
}

int cli_fail_cloister(struct cli *cli, int code, const char *sentence)
{
	switch (cloister_code_layer(code)) {
	case CLOISTER_LAYER_ARGUMENT:
		return cli_fail(cli, CLI_EXIT_USAGE, "%s", sentence);
	case CLOISTER_LAYER_DEVICE:
		return cli_fail(cli, CLI_EXIT_NO_DEVICE, "%s", sentence);
	case CLOISTER_LAYER_DRIVER:
		if (cloister_code_errno(code) == EALREADY)
			return cli_fail(cli, CLI_EXIT_ALREADY, "%s", sentence);
		return cli_fail(cli, CLI_EXIT_REFUSED, "%s", sentence);
	case CLOISTER_LAYER_IO:
		return cli_fail(cli, CLI_EXIT_IO, "%s", sentence);
	default:
		return cli_fail(cli, CLI_EXIT_INTERNAL, "%s", sentence);
	}
}

enum cli_exit cli_verify_exit(int code)
{
	switch (code) {
	case CLOISTER_VERIFY_OK:
		return CLI_EXIT_OK;
	case CLOISTER_VERIFY_EARGUMENT:
		return CLI_EXIT_USAGE;
	case CLOISTER_VERIFY_EFILE:
		return CLI_EXIT_IO;
	case CLOISTER_VERIFY_EMEMORY:
	case CLOISTER_VERIFY_ECRYPTO:
		return CLI_EXIT_INTERNAL;
	default:
		return CLI_EXIT_FAILED;
	}
}

int cli_fail_verify(struct cli *cli, const struct cloister_verify_error *error)
{
	return cli_fail(cli, cli_verify_exit(error->code), "%s", error->sentence);
}

int cli_finish(struct cli *cli)
{
	if (fflush(stdout) || ferror(stdout)) {
		/* stdout is of no use any more. */
		cli->json = false;
		return cli_fail(cli, CLI_EXIT_IO, "can't write to stdout: %s", strerror(errno));
	}
	return CLI_EXIT_OK;
}

int cli_print_json(struct cli *cli, json_t *object)
{
	int failed;

	if (!object)
		return cli_fail(cli, CLI_EXIT_INTERNAL,
				"no memory for the output, or a text in it is not UTF-8");
	failed = json_dumpf(object, cli->json_out, JSON_COMPACT);
	fputc('\n', cli->json_out);
	json_decref(object);
	if (failed)
		return cli_fail(cli, CLI_EXIT_INTERNAL, "the output can't be written as JSON");
	return cli_finish(cli);
}

void cli_row(const char *label, const char *format, ...)
{
	va_list arguments;

	printf("%-20s ", label);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

void cli_hex(const uint8_t *bytes, size_t length, char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < length; i++) {
		text[2 * i] = digits[bytes[i] >> 4];
		text[2 * i + 1] = digits[bytes[i] & 15];
	}
	text[2 * length] = '\0';
}

json_t *cli_json_hex(const uint8_t *bytes, size_t length)
{
	char *text = malloc(2 * length + 1);
	json_t *string;

	if (!text)
		return NULL;
	cli_hex(bytes, length, text);
	string = json_stringn(text, 2 * length);
	free(text);
	return string;
}

const char *cli_size_text(uint64_t bytes, char *text)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
	double value = (double)bytes / 1024;
	size_t unit = 0;

	if (bytes < 1024) {
		snprintf(text, CLI_SIZE_TEXT, "%llu bytes", (unsigned long long)bytes);
		return text;
	}
	while (value >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		value /= 1024;
		unit++;
	}
	snprintf(text, CLI_SIZE_TEXT, value == (double)(uint64_t)value ? "%.0f %s" : "%.1f %s",
		 value, units[unit]);
	return text;
}

const char *cli_state_name(uint32_t state)
{
	switch (state) {
	case CLOISTER_STATE_BUILDING:
		return "building";
	case CLOISTER_STATE_LIVE:
		return "live";
	case CLOISTER_STATE_PARKED:
		return "parked";
	case CLOISTER_STATE_DEAD:
		return "dead";
	default:
		return "unknown";
	}
}

const char *cli_mode_name(uint32_t mode)
{
	switch (mode) {
	case CLOISTER_MODE_KERNEL:
		return "kernel";
	case CLOISTER_MODE_HYPERVISOR:
		return "hypervisor";
	default:
		return "unknown";
	}
}

void cli_progress_start(struct cli *cli, struct cli_progress *progress, const char *what)
{
	progress->what = what;
	progress->terminal = isatty(STDERR_FILENO);
	progress->shown = cli->progress || progress->terminal;
	progress->last = -1;
}

int cli_progress_step(void *context, uint64_t done, uint64_t total)
{
	struct cli_progress *progress = context;
	int percent = total ? (int)((double)done * 100 / (double)total) : 100;
	char done_text[CLI_SIZE_TEXT];
	char total_text[CLI_SIZE_TEXT];

	/* A log gets a line for each tenth, a terminal a fresh line for each hundredth. */
	if (!progress->terminal && done != total)
		percent -= percent % 10;
	if (!progress->shown || percent == progress->last)
		return 0;
	progress->last = percent;
	fprintf(stderr, "%s%s: %3d%% (%s of %s)%s", progress->terminal ? "\r\033[K" : "",
		progress->what, percent, cli_size_text(done, done_text),
		cli_size_text(total, total_text), progress->terminal ? "" : "\n");
	return 0;
}

int cli_progress_measure(uint64_t done, uint64_t total, void *progress)
{
	return cli_progress_step(progress, done, total);
}

void cli_progress_end(struct cli_progress *progress)
{
	if (progress->shown && progress->terminal && progress->last >= 0)
		fputs("\r\033[K", stderr);
}
