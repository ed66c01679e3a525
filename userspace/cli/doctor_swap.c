// SPDX-License-Identifier: Apache-2.0
/*
 * Swap areas that are not encrypted. Sealed pages of regions are ciphertext there already; the
 * ordinary memory of the same programs is not.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

#define NAMES_MAX	160
/* Of device mapper's devices, one upon another. */
#define LAYERS_MAX	8

/**
 * struct layer - block devices on which another one lies
 * @path: of that other one, in /sys
 * @depth: how many are above
 * @any: there is one below
 * @clear: one below is not encrypted
 */
struct layer {
	const char *path;
	unsigned int depth;
	bool any;
	bool clear;
};

static bool is_encrypted(const struct doctor *doctor, const char *path, unsigned int depth);

static void look_below(const struct doctor *doctor, const char *name, void *context)
{
	struct layer *layer = context;
	char path[PATH_MAX];

	layer->any = true;
	if (snprintf(path, sizeof(path), "%s/slaves/%s", layer->path, name) >= (int)sizeof(path) ||
	    !is_encrypted(doctor, path, layer->depth + 1))
		layer->clear = true;
}

/* A device of dm-crypt's, or one that lies on such devices only (LVM, for instance). */
static bool is_encrypted(const struct doctor *doctor, const char *path, unsigned int depth)
{
	struct layer layer = { .path = path, .depth = depth };
	char file[PATH_MAX], line[256];

	if (depth > LAYERS_MAX || snprintf(file, sizeof(file), "%s/dm/uuid", path) >=
	    (int)sizeof(file))
		return false;
	if (doctor_line(doctor, file, line, sizeof(line)) && !strncmp(line, "CRYPT-", 6))
		return true;
	snprintf(file, sizeof(file), "%s/slaves", path);
	doctor_names(doctor, file, look_below, &layer);
	return layer.any && !layer.clear;
}

/* Compressed memory that is written to no disk. */
static bool is_memory(const struct doctor *doctor, const char *path)
{
	char file[PATH_MAX], line[256];

	return snprintf(file, sizeof(file), "%s/backing_dev", path) < (int)sizeof(file) &&
		doctor_line(doctor, file, line, sizeof(line)) && !strcmp(line, "none");
}

static bool is_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return !strcmp(directory, "/") ||
		(!strncmp(path, directory, length) && path[length] == '/');
}

/* The device of a file's file system, as /sys/dev/block has it. */
static bool device_of_file(const struct doctor *doctor, const char *path, char *device, size_t room)
{
	FILE *file = doctor_open(doctor, "/proc/1/mountinfo");
	char line[4096], number[32], directory[1024];
	size_t best = 0;

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%*s %*s %31s %*s %1023s", number, directory) != 2 ||
		    !is_below(path, directory) || strlen(directory) < best)
			continue;
		best = strlen(directory);
		snprintf(device, room, "/sys/dev/block/%s", number);
	}
	if (file)
		fclose(file);
	return best;
}

static bool is_clear(const struct doctor *doctor, const char *path, const char *type)
{
	const char *name = strrchr(path, '/');
	char device[PATH_MAX];

	if (!strcmp(type, "partition"))
		snprintf(device, sizeof(device), "/sys/class/block/%s", name ? name + 1 : path);
	else if (!device_of_file(doctor, path, device, sizeof(device)))
		return true;
	return !is_encrypted(doctor, device, 0) && !is_memory(doctor, device);
}

/* "Filename Type Size Used Priority", below a line that says so. */
void doctor_look_swap(const struct doctor *doctor, struct doctor_finding *finding)
{
	FILE *file = doctor_open(doctor, "/proc/swaps");
	char line[4096], path[1024], type[32], names[NAMES_MAX] = "";
	unsigned int all = 0, clear = 0;
	size_t used = 0;

	if (!file) {
		doctor_found(finding, DOCTOR_UNKNOWN, "/proc/swaps can't be read");
		return;
	}
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%1023s %31s", path, type) != 2 || path[0] != '/')
			continue;
		all++;
		if (!is_clear(doctor, path, type))
			continue;
		clear++;
		if (used < sizeof(names))
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s%s",
						 used ? ", " : "", path);
	}
	fclose(file);
	if (!clear) {
		doctor_found(finding, DOCTOR_OK, "%s", all ? "encrypted" : "none");
		return;
	}
	doctor_found(finding, DOCTOR_NOTE, "not on dm-crypt: %s", names);
	finding->means = "who has the disk reads ordinary memory that is swapped out, and changes "
			 "it; regions' pages are ciphertext there";
	finding->fix = "swapoff it, then have it encrypted by a new key at each boot: a line \"swap "
		       "/dev/disk/by-partuuid/... /dev/urandom swap,cipher=aes-xts-plain64,size=512\" "
		       "in /etc/crypttab, and /dev/mapper/swap in /etc/fstab. Root adds areas of its "
		       "own: against that a program locks its memory with mlockall()";
}
