// SPDX-License-Identifier: Apache-2.0
/* cloister info: what the device is and can do. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"

struct bit_name {
	uint64_t bit;
	const char *name;
};

static const struct bit_name posture_names[] = {
	{ CLOISTER_POSTURE_LOCKDOWN_INTEGRITY, "lockdown-integrity" },
	{ CLOISTER_POSTURE_LOCKDOWN_CONFIDENTIALITY, "lockdown-confidentiality" },
	{ CLOISTER_POSTURE_MODULE_SIGNATURES, "module-signatures" },
	{ CLOISTER_POSTURE_CRASH_KERNEL, "crash-kernel" },
	{ CLOISTER_POSTURE_PROVISIONED, "provisioned" },
	{ CLOISTER_POSTURE_IOMMU, "iommu" },
	{ CLOISTER_POSTURE_GUARDS, "guards" },
	{ 0, NULL },
};

static const struct bit_name algorithm_names[] = {
	{ 1ULL << CLOISTER_ALG_ES256, "es256" },
	{ 1ULL << CLOISTER_ALG_ES384, "es384" },
	{ 0, NULL },
};

static const struct bit_name create_names[] = {
	{ CLOISTER_CREATE_SHAREABLE, "shareable" },
	{ CLOISTER_CREATE_DEBUG, "debug" },
	{ 0, NULL },
};

static const struct bit_name add_names[] = {
	{ CLOISTER_ADD_MEASURED, "measured" },
	{ CLOISTER_ADD_ZERO, "zero" },
	{ CLOISTER_ADD_PINNED, "pinned" },
	{ 0, NULL },
};

static json_t *bits_json(uint64_t bits, const struct bit_name *names)
{
	json_t *array = json_array();

	for (; names->name; names++)
		if (bits & names->bit)
			json_array_append_new(array, json_string(names->name));
	return array;
}

static void bits_row(const char *label, uint64_t bits, const struct bit_name *names)
{
	char text[256] = "";
	size_t used = 0;

	for (; names->name; names++)
		if (bits & names->bit && used < sizeof(text))
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
						 used ? ", " : "", names->name);
	cli_row(label, "%s", used ? text : "none");
}

static json_t *info_json(const struct cloister_get_info *info, const char *path)
{
	return json_pack("{s:b, s:s, s:i, s:s, s:o, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:b,"
			 " s:o, s:o, s:i, s:i, s:I, s:I}",
			 "ok", 1, "device", path,
			 "abi-version", (int)info->abi_version,
			 "mode", cli_mode_name(info->mode),
			 "create-flags", bits_json(info->create_flags, create_names),
			 "add-flags", bits_json(info->add_flags, add_names),
			 "algorithms", bits_json(info->algorithms, algorithm_names),
			 "region-size-max", (json_int_t)info->region_size_max,
			 "resident-max", (json_int_t)info->resident_max,
			 "resident", (json_int_t)info->resident,
			 "metadata", (json_int_t)info->metadata,
			 "regions", (json_int_t)info->regions,
			 "posture", bits_json(info->posture, posture_names),
			 "provisioned", !!(info->posture & CLOISTER_POSTURE_PROVISIONED),
			 "instance-id", cli_json_hex(info->instance_id,
						     sizeof(info->instance_id)),
			 "monitor-digest", cli_json_hex(info->monitor_digest,
							sizeof(info->monitor_digest)),
			 "user-regions", (int)info->user_regions,
			 "user-regions-max", (int)info->user_regions_max,
			 "user-resident", (json_int_t)info->user_resident,
			 "user-resident-max", (json_int_t)info->user_resident_max);
}

/* What the machine could claim in a quote made now. */
static void print_posture(uint64_t posture)
{
	const char *lockdown = "none: root can read and change the kernel";

	if (posture & CLOISTER_POSTURE_LOCKDOWN_CONFIDENTIALITY)
		lockdown = "confidentiality";
	else if (posture & CLOISTER_POSTURE_LOCKDOWN_INTEGRITY)
		lockdown = "integrity: root can read the kernel's memory";
	cli_row("lockdown", "%s", lockdown);
	cli_row("module signatures", "%s", posture & CLOISTER_POSTURE_MODULE_SIGNATURES ?
		"enforced" : "not enforced: root can load any module");
	cli_row("guards", "%s", posture & CLOISTER_POSTURE_GUARDS ? "complete" :
		"off or incomplete: root can look into processes that hold a region");
	cli_row("crash kernel", "%s", posture & CLOISTER_POSTURE_CRASH_KERNEL ?
		"loaded: root can crash the machine and read its memory" : "none");
	cli_row("IOMMU", "%s", posture & CLOISTER_POSTURE_IOMMU ? "translates for all devices" :
		"none, or not for all: devices can read memory");
}

static void print_info(const struct cloister_get_info *info, const char *path)
{
	char hex[2 * CLOISTER_DIGEST_LEN + 1];
	char size[CLI_SIZE_TEXT], limit[CLI_SIZE_TEXT];
	bool provisioned = info->posture & CLOISTER_POSTURE_PROVISIONED;

	cli_row("device", "%s", path);
	cli_row("ABI version", "%u", info->abi_version);
	cli_row("mode", "%s", cli_mode_name(info->mode));
	cli_row("provisioned", "%s", provisioned ? "yes" :
		"no: run `cloister provision` as root before asking for quotes");
	print_posture(info->posture);
	bits_row("algorithms", info->algorithms, algorithm_names);
	bits_row("region flags", info->create_flags, create_names);
	bits_row("page flags", info->add_flags, add_names);
	cli_row("largest region", "%s", cli_size_text(info->region_size_max, size));
	cli_row("plaintext limit", "%s", cli_size_text(info->resident_max, size));
	cli_row("plaintext in use", "%s", cli_size_text(info->resident, size));
	cli_row("monitor memory", "%s", cli_size_text(info->metadata, size));
	cli_row("regions", "%llu", (unsigned long long)info->regions);
	cli_row("this user's regions", "%u of at most %u", info->user_regions,
		info->user_regions_max);
	cli_row("  plaintext of them", "%s of at most %s",
		cli_size_text(info->user_resident, size),
		cli_size_text(info->user_resident_max, limit));
	cli_hex(info->instance_id, sizeof(info->instance_id), hex);
	cli_row("instance", "%s", hex);
	if (provisioned) {
		cli_hex(info->monitor_digest, sizeof(info->monitor_digest), hex);
		cli_row("monitor digest", "%s (asserted)", hex);
	}
}

static int run_info(struct cli *cli, int argc, char **argv)
{
	static const struct option options[] = { CLI_COMMON_OPTIONS, CLI_DEVICE_OPTION, { 0 } };
	struct cloister_get_info info;
	struct cloister_device *device;
	const char *path;
	int status;
	int code;

	if (cli_getopt(cli, argc, argv, "", options) == CLI_GETOPT_STOP)
		return cli->status;
	status = cli_operands(cli, argc, argv, 0, 0);
	if (status)
		return status;
	device = cli_device(cli, true, &status);
	if (!device)
		return status;
	code = cloister_device_info(device, &info);
	if (code)
		status = cli_fail_cloister(cli, code, cloister_device_error(device));
	cloister_device_free(device);
	if (code)
		return status;
	path = cli->device_path ?: CLOISTER_DEVICE;
	if (cli->json)
		return cli_print_json(cli, info_json(&info, path));
	print_info(&info, path);
	return cli_finish(cli);
}

const struct cli_command cmd_info = {
	.name = "info",
	.summary = "Show what the device is and can do.",
	.usage = "[--device PATH] [--json]",
	.help = "  --device PATH      the device; " CLOISTER_DEVICE " by default\n",
	.run = run_info,
};
