// SPDX-License-Identifier: Apache-2.0
/* The record of the last provisioning, a JSON file in the state directory. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "provisioned.h"

#define RECORD_MAX	4096

struct field {
	const char *name;
	size_t offset;
	size_t length;
};

#define FIELD(text, member) \
	{ text, offsetof(struct provisioned, member), sizeof(((struct provisioned *)0)->member) }

static const struct field fields[] = {
	FIELD("instance-id", instance_id),
	FIELD("monitor-digest", monitor_digest),
	FIELD("ueid", ueid),
	FIELD("public-es256", public_es256),
	FIELD("public-es384", public_es384),
};

#define FIELDS	(sizeof(fields) / sizeof(fields[0]))

int provisioned_write(struct state *state, const struct provisioned *provisioned)
{
	json_t *object = json_object();
	char *text = NULL;
	bool good = object;
	int status;
	size_t i;

	for (i = 0; good && i < FIELDS; i++) {
		const uint8_t *bytes = (const uint8_t *)provisioned + fields[i].offset;

		good = !json_object_set_new(object, fields[i].name,
					    cli_json_hex(bytes, fields[i].length));
	}
	if (good)
		text = json_dumps(object, JSON_INDENT(2));
	json_decref(object);
	if (!text)
		return cli_fail(state->cli, CLI_EXIT_INTERNAL, "no memory for %s",
				STATE_PROVISIONED);
	status = state_write(state, STATE_PROVISIONED, 0644, text, strlen(text));
	free(text);
	return status;
}

static bool unhex(const char *text, uint8_t *bytes, size_t length)
{
	size_t i;

	if (!text || strlen(text) != 2 * length ||
	    strspn(text, "0123456789abcdef") != 2 * length)
		return false;
	for (i = 0; i < length; i++) {
		char digits[3] = { text[2 * i], text[2 * i + 1], '\0' };

		bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return true;
}

int provisioned_read(struct state *state, struct provisioned *provisioned)
{
	char text[RECORD_MAX];
	json_t *object = NULL;
	bool good = true;
	size_t length;
	int status;
	size_t i;

	status = state_read(state, STATE_PROVISIONED, false, (uint8_t *)text, sizeof(text),
			    &length);
	if (status)
		return status;
	if (!length)
		return cli_fail(state->cli, CLI_EXIT_IO, "there is no %s/%s: the device was "
				"provisioned from another directory; give its --state",
				state->path, STATE_PROVISIONED);
	object = json_loadb(text, length, 0, NULL);
	for (i = 0; i < FIELDS && good; i++)
		good = unhex(json_string_value(json_object_get(object, fields[i].name)),
			     (uint8_t *)provisioned + fields[i].offset, fields[i].length);
	json_decref(object);
	if (!good)
		return cli_fail(state->cli, CLI_EXIT_IO, "%s/%s is damaged; load the module anew "
				"and provision it", state->path, STATE_PROVISIONED);
	return 0;
}
