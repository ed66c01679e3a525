/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of `cloister` share. */
#ifndef _CLOISTER_CLI_H
#define _CLOISTER_CLI_H

#include <getopt.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../libcloister-verify/cloister-verify.h"
#include "../libcloister/cloister.h"
#include "exit.h"

#define CLI_VERSION		CLOISTER_VERSION
#define CLI_STATE_DIR		"/var/lib/cloister"
/* Longer files are neither quotes nor certificates. */
#define CLI_SMALL_FILE_MAX	((size_t)1 << 20)

struct cli;

/**
 * struct cli_command - one command
 * @name: as typed
 * @summary: one line for the list of commands
 * @usage: the synopsis after "cloister NAME"
 * @help: what follows the synopsis in --help
 * @run: does it; @argv[0] is the command's name
 * @failure_exit: 0, or the code that stands for every failure but a usage error
 */
struct cli_command {
	const char *name;
	const char *summary;
	const char *usage;
	const char *help;
	int (*run)(struct cli *cli, int argc, char **argv);
	int failure_exit;
};

/**
 * struct cli - one run of the program
 * @command: the command, NULL before it is known
 * @json: --json was given
 * @json_out: where JSON goes: stdout, save for `run`, whose stdout is the command's
 * @progress: --progress was given
 * @device_path: --device, or NULL
 * @status: exit code when cli_getopt() says to stop
 */
struct cli {
	const struct cli_command *command;
	bool json;
	FILE *json_out;
	bool progress;
	const char *device_path;
	int status;
};

extern const struct cli_command cmd_doctor;
extern const struct cli_command cmd_info;
extern const struct cli_command cmd_inspect;
extern const struct cli_command cmd_measure;
extern const struct cli_command cmd_provision;
extern const struct cli_command cmd_quote;
extern const struct cli_command cmd_run;
extern const struct cli_command cmd_stats;
extern const struct cli_command cmd_verify;

/*
 * options.c
 */

/* Every command's options. CLI_OPTION_FIRST and up are the command's own. */
enum {
	CLI_OPTION_JSON = 256,
	CLI_OPTION_PROGRESS,
	CLI_OPTION_DEVICE,
	CLI_OPTION_FIRST,
};

#define CLI_COMMON_OPTIONS \
	{ "json", no_argument, NULL, CLI_OPTION_JSON }, \
	{ "progress", no_argument, NULL, CLI_OPTION_PROGRESS }, \
	{ "help", no_argument, NULL, 'h' }

#define CLI_DEVICE_OPTION	{ "device", required_argument, NULL, CLI_OPTION_DEVICE }

#define CLI_GETOPT_END		(-1)
#define CLI_GETOPT_STOP		(-2)

/*
 * The next of the command's own options, CLI_GETOPT_END, or CLI_GETOPT_STOP: return
 * cli->status. @short_options as getopt has it, without the common -h.
 */
int cli_getopt(struct cli *cli, int argc, char **argv, const char *short_options,
	       const struct option *options);

/* Says what is wrong with the command line; returns CLI_EXIT_USAGE. */
int cli_usage_error(struct cli *cli, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* 0, or a usage error unless between @least and @most operands remain. */
int cli_operands(struct cli *cli, int argc, char **argv, int least, int most);

/* These say what is wrong and return CLI_EXIT_USAGE; 0 when @text is good. */
int cli_parse_size(struct cli *cli, const char *option, const char *text, uint64_t *size);
int cli_parse_fd(struct cli *cli, const char *option, const char *text, int *fd);
int cli_parse_time(struct cli *cli, const char *option, const char *text, int64_t *when);
int cli_parse_hex(struct cli *cli, const char *option, const char *text, size_t least,
		  size_t most, uint8_t *bytes, size_t *length);

/* HEX, filled up with zero, or @FILE: SHA-384 of the file, filled up with zero. */
int cli_parse_report_data(struct cli *cli, const char *text,
			  uint8_t data[CLOISTER_REPORT_DATA_LEN]);

/*
 * output.c
 */

/* Reports a failure: to stderr, and as JSON if asked for; returns the exit code. */
int cli_fail(struct cli *cli, enum cli_exit code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same for what a library returned, with the library's own sentence. */
int cli_fail_cloister(struct cli *cli, int code, const char *sentence);
int cli_fail_verify(struct cli *cli, const struct cloister_verify_error *error);

/* CLI_EXIT_* of a code of libcloister-verify. */
enum cli_exit cli_verify_exit(int code);

/* Prints @object (takes the reference); CLI_EXIT_OK or a failure. */
int cli_print_json(struct cli *cli, json_t *object);

/* Flushes stdout; CLI_EXIT_OK, or a failure when what was printed is lost. */
int cli_finish(struct cli *cli);

/* Prints "label   value". */
void cli_row(const char *label, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* @text must have room for 2 * length + 1. */
void cli_hex(const uint8_t *bytes, size_t length, char *text);
json_t *cli_json_hex(const uint8_t *bytes, size_t length);

/* "12.5 MiB"; @text must have room for CLI_SIZE_TEXT. */
#define CLI_SIZE_TEXT	32
const char *cli_size_text(uint64_t bytes, char *text);

/* Names of region states and modes. */
const char *cli_state_name(uint32_t state);
const char *cli_mode_name(uint32_t mode);

/**
 * struct cli_progress - progress of one long piece of work
 * @what: what is done, as in "measuring"
 * @shown: whether anything is shown
 * @terminal: whether stderr is a terminal, where one line is rewritten
 * @last: last percentage shown
 */
struct cli_progress {
	const char *what;
	bool shown;
	bool terminal;
	int last;
};

void cli_progress_start(struct cli *cli, struct cli_progress *progress, const char *what);
int cli_progress_step(void *progress, uint64_t done, uint64_t total);
int cli_progress_measure(uint64_t done, uint64_t total, void *progress);
void cli_progress_end(struct cli_progress *progress);

/*
 * files.c
 */

/* Reads a whole small file, "-" for stdin, into memory to be freed. */
int cli_read_file(struct cli *cli, const char *path, uint8_t **bytes, size_t *length);

/* Writes a file that anyone may read; an older one is replaced. */
int cli_write_file(struct cli *cli, const char *path, const uint8_t *bytes, size_t length);

/* SHA-384 of a file. */
int cli_hash_file(struct cli *cli, const char *path, uint8_t digest[CLOISTER_DIGEST_LEN]);

/*
 * device.c
 */

/* How the program reaches the device; the tests bring another one. */
const struct cloister_transport *cli_transport(void **context);

/* A handle, opened or not; NULL when that failed and *@status says how. */
struct cloister_device *cli_device(struct cli *cli, bool open, int *status);

/* The region of --fd (@fd >= 0) or of the environment; NULL as above. */
struct cloister_region *cli_region(struct cli *cli, struct cloister_device *device, int fd,
				   int *status);

#endif /* _CLOISTER_CLI_H */
