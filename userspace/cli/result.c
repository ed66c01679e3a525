// SPDX-License-Identifier: Apache-2.0
/* Showing a result of libcloister-verify. */
#include <stdlib.h>

#include "result.h"

static int show_json(struct cli *cli, int status, const struct cloister_result *result)
{
	char *text = cloister_result_to_json(result);
	json_t *object = text ? json_loads(text, 0, NULL) : NULL;
	int shown;

	free(text);
	if (object)
		json_object_set_new(object, "ok", json_boolean(status == CLI_EXIT_OK));
	shown = cli_print_json(cli, object);
	return shown ? shown : status;
}

int cli_show_result(struct cli *cli, int code, const struct cloister_result *result)
{
	int status = (int)cli_verify_exit(code);
	char *text;
	int shown;

	if (!result)
		return cli_fail(cli, CLI_EXIT_INTERNAL, "no memory for the result");
	/* What is not about the quote is a failure like any other. */
	if (status != CLI_EXIT_OK && status != CLI_EXIT_FAILED)
		return cli_fail(cli, (enum cli_exit)status, "%s",
				cloister_result_sentence(result));
	if (cli->json)
		return show_json(cli, status, result);
	text = cloister_result_to_text(result);
	if (!text)
		return cli_fail(cli, CLI_EXIT_INTERNAL, "no memory for the result");
	fputs(text, stdout);
	free(text);
	shown = cli_finish(cli);
	return shown ? shown : status;
}
