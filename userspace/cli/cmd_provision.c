// SPDX-License-Identifier: Apache-2.0
/*
 * cloister provision: give the device its secrets, once, and certify its attestation keys.
 * The root of trust is software: a secret in a file of root's.
 */
#include <limits.h>
#include <openssl/crypto.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "certificates.h"
#include "provisioned.h"

#define DAYS_DEFAULT	365
#define DAYS_MAX	3650

enum {
	OPTION_STATE = CLI_OPTION_FIRST,
	OPTION_MODULE,
	OPTION_DAYS,
	OPTION_RENEW,
	OPTION_ROOT_OUT,
};

static const struct option options[] = {
	CLI_COMMON_OPTIONS,
	CLI_DEVICE_OPTION,
	{ "state", required_argument, NULL, OPTION_STATE },
	{ "module", required_argument, NULL, OPTION_MODULE },
	{ "days", required_argument, NULL, OPTION_DAYS },
	{ "renew", no_argument, NULL, OPTION_RENEW },
	{ "root-out", required_argument, NULL, OPTION_ROOT_OUT },
	{ 0 }
};

struct provision {
	struct cli *cli;
	const char *state_path;
	const char *root_out;
	int days;
	bool renew;
	char module[PATH_MAX];
	struct cloister_device *device;
	struct cloister_get_info info;
	struct state state;
	struct identity identity;
	struct provisioned provisioned;
};

static const struct {
	uint32_t algorithm;
	const char *file;
	const char *json;
} attestation_keys[] = {
	{ CLOISTER_ALG_ES256, STATE_CERT_ES256, "ak-es256" },
	{ CLOISTER_ALG_ES384, STATE_CERT_ES384, "ak-es384" },
};

#define ATTESTATION_KEYS	(sizeof(attestation_keys) / sizeof(attestation_keys[0]))

static int device_failed(struct provision *provision, int code)
{
	return cli_fail_cloister(provision->cli, code, cloister_device_error(provision->device));
}

/* Hands the secrets over; the public keys come back and are kept before anything else. */
static int hand_over(struct provision *provision)
{
	struct identity *identity = &provision->identity;
	struct cloister_provision call = {
		.root = CLOISTER_ROOT_SOFTWARE,
		.digest_kind = CLOISTER_DIGEST_ASSERTED,
	};
	int code;

	memcpy(call.cdi_attest, identity->cdi_attest, CLOISTER_CDI_LEN);
	memcpy(call.cdi_seal, identity->cdi_seal, CLOISTER_CDI_LEN);
	memcpy(call.monitor_digest, identity->monitor_digest, CLOISTER_DIGEST_LEN);
	memcpy(call.ueid, identity->ueid, CLOISTER_UEID_LEN);
	code = cloister_device_provision(provision->device, &call);
	OPENSSL_cleanse(call.cdi_attest, sizeof(call.cdi_attest));
	OPENSSL_cleanse(call.cdi_seal, sizeof(call.cdi_seal));
	if (code)
		return device_failed(provision, code);
	memcpy(provision->provisioned.instance_id, provision->info.instance_id,
	       sizeof(provision->info.instance_id));
	memcpy(provision->provisioned.monitor_digest, identity->monitor_digest,
	       CLOISTER_DIGEST_LEN);
	memcpy(provision->provisioned.ueid, identity->ueid, CLOISTER_UEID_LEN);
	memcpy(provision->provisioned.public_es256, call.public_es256,
	       ak_point_length(CLOISTER_ALG_ES256));
	memcpy(provision->provisioned.public_es384, call.public_es384,
	       ak_point_length(CLOISTER_ALG_ES384));
	return provisioned_write(&provision->state, &provision->provisioned);
}

/* Finds the keys of the running instance, which an earlier run handed its secrets. */
static int recall(struct provision *provision)
{
	const struct provisioned *kept = &provision->provisioned;
	int status = provisioned_read(&provision->state, &provision->provisioned);

	if (status)
		return status;
	if (memcmp(kept->instance_id, provision->info.instance_id, sizeof(kept->instance_id)))
		return cli_fail(provision->cli, CLI_EXIT_IO,
				"%s is not where this device was provisioned from: its instance "
				"is another; give the right --state, or load the module anew",
				provision->state_path);
	memcpy(provision->identity.ueid, kept->ueid, CLOISTER_UEID_LEN);
	memcpy(provision->identity.monitor_digest, kept->monitor_digest, CLOISTER_DIGEST_LEN);
	return 0;
}

static int certify_key(struct provision *provision, const struct ca *ca, size_t index)
{
	uint32_t algorithm = attestation_keys[index].algorithm;
	const uint8_t *point = algorithm == CLOISTER_ALG_ES256 ?
		provision->provisioned.public_es256 : provision->provisioned.public_es384;
	struct cloister_certificate certificate;
	uint8_t *der = NULL;
	X509 *issued = NULL;
	int status;
	int code;

	status = ak_issue(&provision->state, ca, &provision->identity, algorithm, point,
			  provision->days, &issued);
	if (status)
		return status;
	certificate.length = certificate_der(issued, &der);
	certificate.der = der;
	code = cloister_device_set_chain(provision->device, algorithm, &certificate, 1);
	if (code)
		status = device_failed(provision, code);
	else
		status = certificate_write(&provision->state, attestation_keys[index].file, issued);
	OPENSSL_free(der);
	X509_free(issued);
	return status;
}

static int copy_root(struct provision *provision, const struct ca *ca)
{
	uint8_t *pem;
	size_t length;
	int status;

	if (!provision->root_out)
		return 0;
	length = certificate_pem(ca->certificate, &pem);
	if (!length)
		return cli_fail(provision->cli, CLI_EXIT_INTERNAL,
				"the crypto library can't write a certificate");
	status = cli_write_file(provision->cli, provision->root_out, pem, length);
	OPENSSL_free(pem);
	return status;
}

static int certify(struct provision *provision, const struct ca *ca)
{
	int status = 0;
	size_t i;

	for (i = 0; i < ATTESTATION_KEYS && !status; i++)
		status = certify_key(provision, ca, i);
	return status ? status : copy_root(provision, ca);
}

static json_t *result_json(const struct provision *provision)
{
	json_t *object = json_pack("{s:b, s:b, s:o, s:o, s:s, s:s, s:s, s:i}",
				   "ok", 1, "renewed", provision->renew,
				   "ueid", cli_json_hex(provision->identity.ueid,
							CLOISTER_UEID_LEN),
				   "monitor-digest",
				   cli_json_hex(provision->identity.monitor_digest,
						CLOISTER_DIGEST_LEN),
				   "digest-kind", "asserted", "root", "software",
				   "state", provision->state_path, "days", provision->days);
	size_t i;

	if (!object)
		return NULL;
	if (*provision->module)
		json_object_set_new(object, "module", json_string(provision->module));
	json_object_set_new(object, "device-ca",
			    json_sprintf("%s/%s", provision->state_path, STATE_CA_CERT));
	for (i = 0; i < ATTESTATION_KEYS; i++)
		json_object_set_new(object, attestation_keys[i].json,
				    json_sprintf("%s/%s", provision->state_path,
						 attestation_keys[i].file));
	return object;
}

static int print_result(const struct provision *provision)
{
	char hex[2 * CLOISTER_DIGEST_LEN + 1];

	if (provision->cli->json)
		return cli_print_json(provision->cli, result_json(provision));
	puts(provision->renew ? "Certificates renewed." : "Device provisioned.");
	cli_hex(provision->identity.ueid, CLOISTER_UEID_LEN, hex);
	cli_row("device (UEID)", "%s", hex);
	cli_hex(provision->identity.monitor_digest, CLOISTER_DIGEST_LEN, hex);
	cli_row("monitor digest", "%s (asserted)", hex);
	if (*provision->module)
		cli_row("module", "%s", provision->module);
	cli_row("root of trust", "software");
	cli_row("for verifiers", "%s/%s", provision->state_path, STATE_CA_CERT);
	cli_row("valid for", "%d days", provision->days);
	return cli_finish(provision->cli);
}

/* With the state directory open. What can fail without the device is done before it. */
static int provision_device(struct provision *provision, const uint8_t *digest)
{
	struct ca ca;
	int status;

	if (provision->renew)
		status = recall(provision);
	else
		status = identity_derive(&provision->state, digest, &provision->identity);
	if (status)
		return status;
	status = ca_open(&provision->state, &provision->identity, &ca);
	if (!status && !provision->renew)
		status = hand_over(provision);
	identity_clear(&provision->identity);
	if (!status)
		status = certify(provision, &ca);
	ca_close(&ca);
	return status ? status : print_result(provision);
}

/* Whether the device is in the state that the command is for. */
static int check_device(struct provision *provision)
{
	bool provisioned;
	int code = cloister_device_info(provision->device, &provision->info);

	if (code)
		return device_failed(provision, code);
	provisioned = provision->info.posture & CLOISTER_POSTURE_PROVISIONED;
	if (provisioned && !provision->renew)
		return cli_fail(provision->cli, CLI_EXIT_ALREADY,
				"the device has been provisioned since the module was loaded; "
				"nothing was changed; --renew issues new certificates");
	if (!provisioned && provision->renew)
		return cli_fail(provision->cli, CLI_EXIT_REFUSED,
				"the device has not been provisioned, so there is nothing to "
				"renew; run it without --renew");
	return 0;
}

static int provision_checked(struct provision *provision)
{
	uint8_t digest[CLOISTER_DIGEST_LEN] = { 0 };
	int status = check_device(provision);

	if (!status && !provision->renew) {
		if (!*provision->module)
			status = module_find(provision->cli, provision->module,
					     sizeof(provision->module));
		if (!status)
			status = cli_hash_file(provision->cli, provision->module, digest);
	}
	if (!status)
		status = state_open(provision->cli, provision->state_path, &provision->state);
	if (status)
		return status;
	status = provision_device(provision, digest);
	state_close(&provision->state);
	return status;
}

static int take_option(struct provision *provision, int option)
{
	uint64_t days;
	int status;

	switch (option) {
	case OPTION_STATE:
		provision->state_path = optarg;
		return 0;
	case OPTION_MODULE:
		if ((size_t)snprintf(provision->module, sizeof(provision->module), "%s", optarg) >=
		    sizeof(provision->module))
			return cli_usage_error(provision->cli, "--module: the path is too long");
		return 0;
	case OPTION_DAYS:
		status = cli_parse_size(provision->cli, "--days", optarg, &days);
		if (status)
			return status;
		if (!days || days > DAYS_MAX)
			return cli_usage_error(provision->cli, "--days: 1 to %d, not %s",
					       DAYS_MAX, optarg);
		provision->days = (int)days;
		return 0;
	case OPTION_RENEW:
		provision->renew = true;
		return 0;
	default:
		provision->root_out = optarg;
		return 0;
	}
}

/* No core file and no debugger shall show the secrets. */
static void close_up(void)
{
	static const struct rlimit none;

	prctl(PR_SET_DUMPABLE, 0);
	setrlimit(RLIMIT_CORE, &none);
}

static int run_provision(struct cli *cli, int argc, char **argv)
{
	struct provision provision = {
		.cli = cli,
		.state_path = CLI_STATE_DIR,
		.days = DAYS_DEFAULT,
	};
	int option;
	int status;

	while ((option = cli_getopt(cli, argc, argv, "", options)) >= 0) {
		status = take_option(&provision, option);
		if (status)
			return status;
	}
	if (option == CLI_GETOPT_STOP)
		return cli->status;
	status = cli_operands(cli, argc, argv, 0, 0);
	if (!status && provision.renew && *provision.module)
		status = cli_usage_error(cli, "--module and --renew exclude each other: renewed "
					 "certificates are for the monitor that runs");
	if (status)
		return status;
	close_up();
	provision.device = cli_device(cli, true, &status);
	if (!provision.device)
		return status;
	status = provision_checked(&provision);
	cloister_device_free(provision.device);
	return status;
}

const struct cli_command cmd_provision = {
	.name = "provision",
	.summary = "Give the device its secrets, once, and certify its attestation keys.",
	.usage = "[--module FILE] [--state DIRECTORY] [--days N] [--root-out FILE]\n"
		 "       [--renew] [--json]",
	.help = "For root. The root of trust is a secret in the state directory.\n\n"
		"  --module FILE      the module file that was loaded; that of the running kernel by\n"
		"                     default. Its SHA-384 is asserted to be the monitor's\n"
		"  --state DIRECTORY  where secret, keys and certificates are kept;\n"
		"                     " CLI_STATE_DIR " by default\n"
		"  --days N           how long the attestation certificates are valid; 365 by default\n"
		"  --root-out FILE    copy the device CA's certificate there, for verifiers\n"
		"  --renew            the device is provisioned: issue new certificates\n"
		"  --device PATH      the device; " CLOISTER_DEVICE " by default\n",
	.run = run_provision,
};
