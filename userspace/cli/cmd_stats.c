// SPDX-License-Identifier: Apache-2.0
/* cloister stats: the counters of a region. */
#include <stdlib.h>

#include "cli.h"
#include "stats.h"

enum { OPTION_FD = CLI_OPTION_FIRST };

json_t *cli_stats_json(const struct cloister_stats *stats)
{
	return json_pack("{s:I, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I,"
			 " s:I, s:b, s:I}",
			 "region-id", (json_int_t)stats->region_id,
			 "state", cli_state_name(stats->state),
			 "shareable", !!(stats->create_flags & CLOISTER_CREATE_SHAREABLE),
			 "region-size", (json_int_t)stats->region_size,
			 "resident-limit", (json_int_t)stats->resident_limit,
			 "pages", (json_int_t)stats->pages,
			 "resident", (json_int_t)stats->resident,
			 "sealed", (json_int_t)stats->sealed,
			 "zero", (json_int_t)stats->zero,
			 "metadata", (json_int_t)stats->metadata,
			 "loads", (json_int_t)stats->loads,
			 "evictions", (json_int_t)stats->evictions,
			 "faults", (json_int_t)stats->faults,
			 "integrity-failures", (json_int_t)stats->integrity_failures,
			 "quotes", (json_int_t)stats->quotes,
			 "debug", !!(stats->create_flags & CLOISTER_CREATE_DEBUG),
			 "pinned", (json_int_t)stats->pinned);
}

static void count_row(const char *label, uint64_t count)
{
	cli_row(label, "%llu", (unsigned long long)count);
}

static void print_stats(const struct cloister_stats *stats)
{
	char size[CLI_SIZE_TEXT];

	count_row("region", stats->region_id);
	cli_row("state", "%s", cli_state_name(stats->state));
	cli_row("shareable", "%s",
		stats->create_flags & CLOISTER_CREATE_SHAREABLE ? "yes" : "no");
	cli_row("debug", "%s", stats->create_flags & CLOISTER_CREATE_DEBUG ?
		"yes: its processes can be traced" : "no");
	cli_row("size", "%s", cli_size_text(stats->region_size, size));
	cli_row("plaintext limit", "%s", cli_size_text(stats->resident_limit, size));
	count_row("pages", stats->pages);
	count_row("  in plaintext", stats->resident);
	count_row("    pinned", stats->pinned);
	count_row("  sealed", stats->sealed);
	count_row("  zero, untouched", stats->zero);
	count_row("loads", stats->loads);
	count_row("evictions", stats->evictions);
	count_row("faults", stats->faults);
	count_row("integrity failures", stats->integrity_failures);
	count_row("quotes", stats->quotes);
	cli_row("monitor memory", "%s", cli_size_text(stats->metadata, size));
}

static int show_stats(struct cli *cli, struct cloister_device *device, int fd)
{
	struct cloister_region *region;
	struct cloister_stats stats;
	json_t *object;
	int status;
	int code;

	region = cli_region(cli, device, fd, &status);
	if (!region)
		return status;
	code = cloister_region_stats(region, &stats);
	if (code)
		status = cli_fail_cloister(cli, code, cloister_region_error(region));
	cloister_region_close(region);
	if (code)
		return status;
	if (!cli->json) {
		print_stats(&stats);
		return cli_finish(cli);
	}
	object = cli_stats_json(&stats);
	if (object)
		json_object_set_new(object, "ok", json_true());
	return cli_print_json(cli, object);
}

static int run_stats(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		CLI_COMMON_OPTIONS,
		{ "fd", required_argument, NULL, OPTION_FD },
		{ 0 }
	};
	struct cloister_device *device;
	int fd = -1;
	int option;
	int status;

	while ((option = cli_getopt(cli, argc, argv, "", options)) >= 0) {
		status = cli_parse_fd(cli, "--fd", optarg, &fd);
		if (status)
			return status;
	}
	if (option == CLI_GETOPT_STOP)
		return cli->status;
	status = cli_operands(cli, argc, argv, 0, 0);
	if (status)
		return status;
	device = cli_device(cli, false, &status);
	if (!device)
		return status;
	status = show_stats(cli, device, fd);
	cloister_device_free(device);
	return status;
}

const struct cli_command cmd_stats = {
	.name = "stats",
	.summary = "Show the counters of a region.",
	.usage = "[--fd N] [--json]",
	.help = "  --fd N             descriptor of the region; CLOISTER_REGION_FD of the\n"
		"                     environment by default\n",
	.run = run_stats,
};
