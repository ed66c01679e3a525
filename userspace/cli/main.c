// SPDX-License-Identifier: Apache-2.0
/* cloister: the command table and the choice of a command. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static const struct cli_command *const commands[] = {
	&cmd_info, &cmd_doctor, &cmd_provision, &cmd_run, &cmd_measure,
	&cmd_quote, &cmd_verify, &cmd_inspect, &cmd_stats,
};

#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static void print_overview(void)
{
	size_t i;

	puts("usage: cloister COMMAND [OPTION...]\n\n"
	     "Encrypted, measured memory regions and their attestation quotes.\n");
	for (i = 0; i < COMMANDS; i++)
		printf("  %-10s %s\n", commands[i]->name, commands[i]->summary);
	puts("\nExit codes:");
#define PRINT_EXIT(name, code, json, meaning) printf("  %3d  %s\n", code, meaning);
	CLI_EXIT_CODES(PRINT_EXIT)
#undef PRINT_EXIT
	printf("  %d+N `run`: the command died of signal N\n", CLI_EXIT_SIGNAL);
	puts("\n`cloister COMMAND --help` and cloister-COMMAND(1) say more.");
}

static const struct cli_command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (!strcmp(commands[i]->name, name))
			return commands[i];
	return NULL;
}

/* --json is looked for ahead, so that a wrong option before it is told as JSON too. */
static bool wants_json(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc && strcmp(argv[i], "--"); i++)
		if (!strcmp(argv[i], "--json"))
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct cli cli = { .json_out = stdout };

	cli.json = wants_json(argc, argv);
	if (argc < 2)
		return cli_usage_error(&cli, "no command given; `cloister --help` lists them");
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		print_overview();
		return cli_finish(&cli);
	}
	if (!strcmp(argv[1], "--version")) {
		puts("cloister " CLI_VERSION);
		return cli_finish(&cli);
	}
	cli.command = find_command(argv[1]);
	if (!cli.command)
		return cli_usage_error(&cli, "no such command: %s; `cloister --help` lists them",
				       argv[1]);
	return cli.command->run(&cli, argc - 1, argv + 1);
}
