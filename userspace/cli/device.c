// SPDX-License-Identifier: Apache-2.0
/* The device and the region that a command works on. */
#include <stdlib.h>

#include "cli.h"

struct cloister_device *cli_device(struct cli *cli, bool open, int *status)
{
	const struct cloister_transport *transport;
	struct cloister_device *device;
	void *context;
	int code;

	transport = cli_transport(&context);
	device = cloister_device_new(transport, context);
	if (!device) {
		*status = cli_fail(cli, CLI_EXIT_INTERNAL, "no memory for a device handle");
		return NULL;
	}
	code = open ? cloister_device_open(device, cli->device_path) : 0;
	if (code) {
		*status = cli_fail_cloister(cli, code, cloister_device_error(device));
		cloister_device_free(device);
		return NULL;
	}
	return device;
}

struct cloister_region *cli_region(struct cli *cli, struct cloister_device *device, int fd,
				   int *status)
{
	struct cloister_region *region;
	int code;

	if (fd < 0) {
		const char *text = getenv("CLOISTER_REGION_FD");

		if (!text) {
			*status = cli_usage_error(cli,
						  "no region: give --fd N, or run this under "
						  "`cloister run`, which sets CLOISTER_REGION_FD");
			return NULL;
		}
		*status = cli_parse_fd(cli, "CLOISTER_REGION_FD", text, &fd);
		if (*status)
			return NULL;
	}
	code = cloister_region_adopt(device, fd, &region);
	if (code) {
		*status = cli_fail_cloister(cli, code, cloister_device_error(device));
		return NULL;
	}
	return region;
}
