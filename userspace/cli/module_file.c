// SPDX-License-Identifier: Apache-2.0
/* Where the module file of the running kernel is. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "identity.h"

#define MODULE_NAME	"cloister.ko"

/* Whether the last part of @path is cloister.ko, plain or compressed. */
static bool is_module(const char *path)
{
	static const char *const suffixes[] = { "", ".xz", ".zst", ".gz" };
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	size_t i;

	if (strncmp(name, MODULE_NAME, strlen(MODULE_NAME)))
		return false;
	for (i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (!strcmp(name + strlen(MODULE_NAME), suffixes[i]))
			return true;
	return false;
}

/* Looks the module up in the index that depmod writes: lines "path: needs...". */
static bool search_index(FILE *index, const char *directory, char *path, size_t room)
{
	char *line = NULL;
	size_t size = 0;
	bool found = false;

	while (!found && getline(&line, &size, index) > 0) {
		char *colon = strchr(line, ':');

		if (!colon)
			continue;
		*colon = '\0';
		if (!is_module(line))
			continue;
		if (*line == '/')
			found = (size_t)snprintf(path, room, "%s", line) < room;
		else
			found = (size_t)snprintf(path, room, "%s/%s", directory, line) < room;
	}
	free(line);
	return found;
}

int module_find(struct cli *cli, char *path, size_t room)
{
	struct utsname machine;
	char directory[256];
	char index_path[512];
	bool found;
	FILE *index;

	uname(&machine);
	snprintf(directory, sizeof(directory), "/lib/modules/%s", machine.release);
	snprintf(index_path, sizeof(index_path), "%s/modules.dep", directory);
	index = fopen(index_path, "re");
	if (!index)
		return cli_fail(cli, CLI_EXIT_IO, "can't read %s: %s; give the module file with "
				"--module FILE", index_path, strerror(errno));
	found = search_index(index, directory, path, room);
	fclose(index);
	if (!found)
		return cli_fail(cli, CLI_EXIT_IO, "%s lists no " MODULE_NAME "; give the module "
				"file with --module FILE", index_path);
	return 0;
}
