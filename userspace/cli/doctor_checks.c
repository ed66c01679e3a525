// SPDX-License-Identifier: Apache-2.0
/*
 * The preconditions: what must hold for the device to work, and what a verifier's default
 * policy demands of the machine.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "cli.h"
#include "doctor.h"

#define LINE_MAX_LEN	4096
#define SECURE_BOOT	"/sys/firmware/efi/efivars/" \
			"SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
/* The variable's attributes come first. */
#define EFI_VALUE	4

static bool has_word(const char *line, const char *word)
{
	size_t length = strlen(word);
	const char *at = line;

	while ((at = strstr(at, word))) {
		if ((at == line || at[-1] == ' ') && (!at[length] || at[length] == ' '))
			return true;
		at += length;
	}
	return false;
}

static bool cpu_flags(const struct doctor *doctor, char *line, size_t room)
{
	FILE *file = doctor_open(doctor, "/proc/cpuinfo");
	bool found = false;

	if (!file)
		return false;
	while (!found && fgets(line, (int)room, file))
		found = !strncmp(line, "flags", 5);
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	return found;
}

static void look_processor(const struct doctor *doctor, struct doctor_finding *finding)
{
	char line[LINE_MAX_LEN];

	if (!cpu_flags(doctor, line, sizeof(line))) {
		doctor_found(finding, DOCTOR_UNKNOWN, "/proc/cpuinfo tells no flags");
		return;
	}
	if (has_word(line, "aes") && has_word(line, "pclmulqdq")) {
		doctor_found(finding, DOCTOR_OK, "AES and carry-less multiplication");
		return;
	}
	doctor_found(finding, DOCTOR_FAILED, "no AES-NI or no PCLMULQDQ");
	finding->means = "pages are encrypted many times slower";
	finding->fix = "in a VM, choose a CPU model that has them (QEMU: -cpu host)";
}

static void look_kernel(const struct doctor *doctor, struct doctor_finding *finding)
{
	unsigned int major, minor;
	char line[128];

	if (!doctor_line(doctor, "/proc/sys/kernel/osrelease", line, sizeof(line)) ||
	    sscanf(line, "%u.%u", &major, &minor) != 2) {
		doctor_found(finding, DOCTOR_UNKNOWN, "/proc/sys/kernel/osrelease can't be read");
		return;
	}
	if (major == 6 && (minor == 1 || minor == 12)) {
		doctor_found(finding, DOCTOR_OK, "Linux %s", line);
		return;
	}
	doctor_found(finding, DOCTOR_FAILED, "Linux %s", line);
	finding->means = "the module is made for 6.1 and 6.12, and tested on no other kernel";
	finding->fix = "boot Debian's 6.1 or 6.12 (linux-image-amd64, also from backports)";
}

static void look_module(const struct doctor *doctor, struct doctor_finding *finding)
{
	if (doctor_exists(doctor, "/sys/module/cloister")) {
		doctor_found(finding, DOCTOR_OK, "loaded");
		return;
	}
	doctor_found(finding, DOCTOR_FAILED, "not loaded");
	finding->means = "there is no device";
	finding->fix = "modprobe cloister; where that finds none, install it "
		       "(make modules_install, or dkms)";
}

static void look_device(const struct doctor *doctor, struct doctor_finding *finding)
{
	switch (doctor->device_errno) {
	case 0:
		doctor_found(finding, DOCTOR_OK, "opens; ABI version %u",
			     doctor->info.abi_version);
		return;
	case EACCES:
	case EPERM:
		doctor_found(finding, DOCTOR_FAILED, "it is closed to this user");
		finding->fix = "usermod -aG tee USER, then log in again; where there is no group "
			       "tee, install the udev rule (make install)";
		break;
	case ENOENT:
	case ENXIO:
	case ENODEV:
		doctor_found(finding, DOCTOR_FAILED, "there is none");
		finding->fix = "load the module";
		break;
	default:
		doctor_found(finding, DOCTOR_FAILED, "%s", strerror(doctor->device_errno));
		finding->fix = "see the kernel's log (dmesg)";
		break;
	}
	finding->means = "no region can be made";
}

static void look_provisioned(const struct doctor *doctor, struct doctor_finding *finding)
{
	if (doctor->device_errno) {
		doctor_found(finding, DOCTOR_UNKNOWN, "the device can't be asked");
		return;
	}
	if (doctor->info.posture & CLOISTER_POSTURE_PROVISIONED) {
		doctor_found(finding, DOCTOR_OK, "the device has its attestation keys");
		return;
	}
	doctor_found(finding, DOCTOR_FAILED, "the device has no attestation keys");
	finding->means = "it can't make quotes";
	finding->fix = "cloister provision, as root";
}

/* The chosen word of "none [integrity] confidentiality", or what the device says. */
static const char *lockdown_level(const struct doctor *doctor)
{
	char line[128];

	if (doctor_line(doctor, "/sys/kernel/security/lockdown", line, sizeof(line))) {
		if (strstr(line, "[confidentiality]"))
			return "confidentiality";
		if (strstr(line, "[integrity]"))
			return "integrity";
		if (strstr(line, "[none]"))
			return "none";
	}
	if (doctor->device_errno)
		return NULL;
	if (doctor->info.posture & CLOISTER_POSTURE_LOCKDOWN_CONFIDENTIALITY)
		return "confidentiality";
	return doctor->info.posture & CLOISTER_POSTURE_LOCKDOWN_INTEGRITY ? "integrity" : "none";
}

static void look_lockdown(const struct doctor *doctor, struct doctor_finding *finding)
{
	const char *level = lockdown_level(doctor);

	if (!level) {
		doctor_found(finding, DOCTOR_UNKNOWN, "/sys/kernel/security/lockdown can't be read");
		finding->fix = "mount -t securityfs none /sys/kernel/security";
		return;
	}
	doctor_found(finding, DOCTOR_OK, "%s", level);
	if (!strcmp(level, "confidentiality"))
		return;
	finding->verdict = DOCTOR_FAILED;
	finding->means = "root can read the kernel's memory, keys included";
	finding->fix = "boot with lockdown=confidentiality on the kernel's command line "
		       "(GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub)";
	finding->accept = !strcmp(level, "integrity") ? "lockdown=integrity" : "lockdown=none";
}

static void look_signatures(const struct doctor *doctor, struct doctor_finding *finding)
{
	char line[16] = "";

	if (!doctor_line(doctor, "/sys/module/module/parameters/sig_enforce", line,
			 sizeof(line)) && doctor->device_errno) {
		doctor_found(finding, DOCTOR_UNKNOWN,
			     "/sys/module/module/parameters/sig_enforce can't be read");
		return;
	}
	if (line[0] == 'Y' || (!line[0] && (doctor->info.posture &
					    CLOISTER_POSTURE_MODULE_SIGNATURES))) {
		doctor_found(finding, DOCTOR_OK, "enforced");
		return;
	}
	doctor_found(finding, DOCTOR_FAILED, "not enforced");
	finding->means = "root can load any code into the kernel";
	finding->fix = "sign the module, then boot with module.sig_enforce=1 on the kernel's "
		       "command line (see the installation page on Secure Boot and signing)";
	finding->accept = "module-signatures=false";
}

/* Counts hooks by their state: "NAME STATE REFUSALS" a line. */
struct hooks {
	unsigned int all;
	unsigned int missing;
	char names[160];
};

static bool read_hooks(const struct doctor *doctor, struct hooks *hooks)
{
	FILE *file = doctor_open(doctor, "/sys/class/misc/tee/guards");
	char line[256], name[64], state[32];
	size_t used = 0;

	memset(hooks, 0, sizeof(*hooks));
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %31s", name, state) != 2)
			continue;
		hooks->all++;
		if (strcmp(state, "missing"))
			continue;
		hooks->missing++;
		if (used < sizeof(hooks->names))
			used += (size_t)snprintf(hooks->names + used, sizeof(hooks->names) - used,
						 "%s%s", used ? ", " : "", name);
	}
	fclose(file);
	return hooks->all;
}

static void look_guards(const struct doctor *doctor, struct doctor_finding *finding)
{
	struct hooks hooks;
	char line[16];

	if (!doctor_exists(doctor, "/sys/module/cloister")) {
		doctor_found(finding, DOCTOR_UNKNOWN, "the module is not loaded");
		return;
	}
	finding->means = "root can look into processes that hold a region, or take them over";
	if (doctor_line(doctor, "/sys/module/cloister/parameters/guards", line, sizeof(line)) &&
	    line[0] == 'N') {
		doctor_found(finding, DOCTOR_FAILED, "off: the module was loaded with guards=off");
		finding->fix = "load it without guards=off (look in /etc/modprobe.d)";
		finding->accept = "guards=off";
	} else if (!read_hooks(doctor, &hooks)) {
		doctor_found(finding, DOCTOR_UNKNOWN, "/sys/class/misc/tee/guards can't be read");
		finding->means = NULL;
	} else if (hooks.missing) {
		doctor_found(finding, DOCTOR_FAILED, "%u of %u hooks are missing: %s",
			     hooks.missing, hooks.all, hooks.names);
		finding->fix = "see the kernel's log for each; sysctl kernel.ftrace_enabled must be "
			       "1, and no live patch may hold the function";
		finding->accept = "guards=partial";
	} else {
		doctor_found(finding, DOCTOR_OK, "all %u hooks are in place", hooks.all);
		finding->means = NULL;
	}
}

static void look_crash_kernel(const struct doctor *doctor, struct doctor_finding *finding)
{
	char line[16] = "";

	if (!doctor_line(doctor, "/sys/kernel/kexec_crash_loaded", line, sizeof(line)) &&
	    doctor->device_errno) {
		doctor_found(finding, DOCTOR_UNKNOWN,
			     "/sys/kernel/kexec_crash_loaded can't be read");
		return;
	}
	if (line[0] == '0' || (!line[0] && !(doctor->info.posture &
					     CLOISTER_POSTURE_CRASH_KERNEL))) {
		doctor_found(finding, DOCTOR_OK, "none loaded");
		return;
	}
	doctor_found(finding, DOCTOR_FAILED, "loaded");
	finding->means = "root can crash the machine and read its memory from there";
	finding->fix = "kexec -p -u; systemctl disable --now kdump-tools";
	finding->accept = "crash-kernel=true";
}

struct pci_count {
	unsigned int all;
	unsigned int translated;
};

/* The IOMMU itself, a PCI device on AMD's machines, is not translated. */
static void count_pci(const struct doctor *doctor, const char *name, void *context)
{
	struct pci_count *count = context;
	char path[512], line[32];

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/class", name);
	if (doctor_line(doctor, path, line, sizeof(line)) && !strncmp(line, "0x0806", 6))
		return;
	count->all++;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group/type", name);
	if (doctor_line(doctor, path, line, sizeof(line)) && strcmp(line, "identity"))
		count->translated++;
}

static void look_iommu(const struct doctor *doctor, struct doctor_finding *finding)
{
	struct pci_count count = { 0 };

	doctor_names(doctor, "/sys/bus/pci/devices", count_pci, &count);
	if (count.all && count.translated == count.all) {
		doctor_found(finding, DOCTOR_OK, "translates for all %u PCI devices", count.all);
		return;
	}
	doctor_found(finding, DOCTOR_FAILED, "translates for %u of %u PCI devices",
		     count.translated, count.all);
	finding->means = "a device can read and write all memory";
	finding->fix = "enable the IOMMU in the firmware (VT-d, AMD-Vi), and boot with "
		       "intel_iommu=on or amd_iommu=on, and iommu.passthrough=0";
	finding->accept = count.translated ? "iommu=partial" : "iommu=none";
}

static void look_root(const struct doctor *doctor, struct doctor_finding *finding)
{
	doctor_found(finding, DOCTOR_NOTE, "software%s",
		     doctor_exists(doctor, "/sys/class/tpm/tpm0") ?
		     "; the machine has a TPM, which this version does not use" : "");
	finding->means = "who was ever root here can forge this machine's quotes";
	finding->accept = "root=software --accept digest-kind=asserted";
}

static void look_secure_boot(const struct doctor *doctor, struct doctor_finding *finding)
{
	FILE *file = doctor_open(doctor, SECURE_BOOT);
	char value[EFI_VALUE + 1] = "";
	size_t got = 0;

	if (file) {
		got = fread(value, 1, sizeof(value), file);
		fclose(file);
	}
	if (got == sizeof(value) && value[EFI_VALUE] == 1) {
		doctor_found(finding, DOCTOR_OK, "on");
		return;
	}
	doctor_found(finding, DOCTOR_NOTE, "%s",
		     file ? "off" : "the machine did not boot by EFI");
	finding->means = "who can write to the boot disk chooses the kernel and its lockdown";
	finding->fix = "turn it on in the firmware; the module must then be signed";
}

static void look_memlock(const struct doctor *doctor, struct doctor_finding *finding)
{
	struct rlimit limit;
	char text[CLI_SIZE_TEXT];

	if (doctor->foreign || getrlimit(RLIMIT_MEMLOCK, &limit)) {
		doctor_found(finding, DOCTOR_UNKNOWN, "a limit of processes, not of files");
		return;
	}
	if (limit.rlim_cur == RLIM_INFINITY)
		doctor_found(finding, DOCTOR_OK, "no limit");
	else
		doctor_found(finding, DOCTOR_OK, "%s of pinned pages for a process of this user",
			     cli_size_text(limit.rlim_cur, text));
}

const struct doctor_check doctor_checks[] = {
	{ "processor", look_processor },
	{ "kernel", look_kernel },
	{ "module", look_module },
	{ "device", look_device },
	{ "provisioned", look_provisioned },
	{ "lockdown", look_lockdown },
	{ "module-signatures", look_signatures },
	{ "guards", look_guards },
	{ "tracers", doctor_look_tracers },
	{ "crash-kernel", look_crash_kernel },
	{ "swap", doctor_look_swap },
	{ "iommu", look_iommu },
	{ "secure-boot", look_secure_boot },
	{ "root-of-trust", look_root },
	{ "memlock", look_memlock },
	{ NULL, NULL },
};
