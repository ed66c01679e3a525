// SPDX-License-Identifier: Apache-2.0
/* cloister doctor: which preconditions this machine fails, and how to mend each. */
#include "cli.h"
#include "doctor.h"

enum {
	OPTION_SYSROOT = CLI_OPTION_FIRST,
};

static const char *verdict_name(enum doctor_verdict verdict)
{
	static const char *const names[] = {
		[DOCTOR_OK] = "ok",
		[DOCTOR_NOTE] = "note",
		[DOCTOR_UNKNOWN] = "unknown",
		[DOCTOR_FAILED] = "failed",
	};

	return names[verdict];
}

/* A device that can't be opened is a finding, not a failure of the command. */
static int ask_device(struct cli *cli, struct doctor *doctor)
{
	struct cloister_device *device;
	int status;
	int code;

	device = cli_device(cli, false, &status);
	if (!device)
		return status;
	code = cloister_device_open(device, cli->device_path);
	if (!code)
		code = cloister_device_info(device, &doctor->info);
	doctor->device_errno = cloister_code_errno(code);
	cloister_device_free(device);
	return 0;
}

static json_t *finding_json(const char *name, const struct doctor_finding *finding)
{
	return json_pack("{s:s, s:s, s:s, s:s?, s:s?, s:s?}", "name", name,
			 "verdict", verdict_name(finding->verdict), "found", finding->found,
			 "means", finding->means, "fix", finding->fix,
			 "accept", finding->accept);
}

static void print_finding(const char *name, const struct doctor_finding *finding)
{
	printf("%-8s %-18s %s\n", verdict_name(finding->verdict), name, finding->found);
	if (finding->verdict == DOCTOR_OK)
		return;
	if (finding->means)
		printf("%27s so: %s\n", "", finding->means);
	if (finding->fix)
		printf("%27s fix: %s\n", "", finding->fix);
	if (finding->accept)
		printf("%27s until then a verifier must --accept %s\n", "", finding->accept);
}

/* The exit status: a precondition that fails is a check that fails. */
static int examine(struct cli *cli, const struct doctor *doctor)
{
	unsigned int count[DOCTOR_FAILED + 1] = { 0 };
	const struct doctor_check *check;
	json_t *list = json_array();
	int status;

	for (check = doctor_checks; check->name; check++) {
		struct doctor_finding finding = { 0 };

		check->look(doctor, &finding);
		count[finding.verdict]++;
		json_array_append_new(list, finding_json(check->name, &finding));
		if (!cli->json)
			print_finding(check->name, &finding);
	}
	list = json_pack("{s:b, s:o}", "ok", !count[DOCTOR_FAILED], "checks", list);
	if (cli->json) {
		status = cli_print_json(cli, list);
	} else {
		json_decref(list);
		printf("\n%u ok, %u failed, %u to know, %u unknown\n", count[DOCTOR_OK],
		       count[DOCTOR_FAILED], count[DOCTOR_NOTE], count[DOCTOR_UNKNOWN]);
		status = cli_finish(cli);
	}
	return status ? status : count[DOCTOR_FAILED] ? CLI_EXIT_FAILED : CLI_EXIT_OK;
}

static int run_doctor(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = {
		CLI_COMMON_OPTIONS, CLI_DEVICE_OPTION,
		{ "sysroot", required_argument, NULL, OPTION_SYSROOT }, { 0 }
	};
	struct doctor doctor = { .root = "" };
	int status;
	int option;

	while ((option = cli_getopt(cli, argc, argv, "", options)) != CLI_GETOPT_END) {
		if (option == CLI_GETOPT_STOP)
			return cli->status;
		doctor.root = optarg;
		doctor.foreign = true;
	}
	status = cli_operands(cli, argc, argv, 0, 0);
	if (status)
		return status;
	if (!doctor_exists(&doctor, "/proc"))
		return cli_fail(cli, CLI_EXIT_IO, "there is no %s/proc; --sysroot takes the "
				"directory that holds a machine's /proc and /sys", doctor.root);
	status = ask_device(cli, &doctor);
	return status ? status : examine(cli, &doctor);
}

const struct cli_command cmd_doctor = {
	.name = "doctor",
	.summary = "Tell what is missing on this machine, and how to mend it.",
	.usage = "[--device PATH] [--sysroot DIR] [--json]",
	.help = "  --device PATH      the device; " CLOISTER_DEVICE " by default\n"
		"  --sysroot DIR      the directory that holds the machine's /proc and /sys,\n"
		"                     in a container for instance\n",
	.run = run_doctor,
};
