// SPDX-License-Identifier: Apache-2.0
/* Reading the files in which a kernel tells of itself. */
#include <dirent.h>
#include <limits.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"

static bool place(const struct doctor *doctor, const char *path, char full[PATH_MAX])
{
	return snprintf(full, PATH_MAX, "%s%s", doctor->root, path) < PATH_MAX;
}

FILE *doctor_open(const struct doctor *doctor, const char *path)
{
	char full[PATH_MAX];

	return place(doctor, path, full) ? fopen(full, "re") : NULL;
}

bool doctor_line(const struct doctor *doctor, const char *path, char *line, size_t room)
{
	FILE *file = doctor_open(doctor, path);
	bool read;

	if (!file)
		return false;
	read = fgets(line, (int)room, file);
	fclose(file);
	if (read)
		line[strcspn(line, "\n")] = '\0';
	return read;
}

bool doctor_exists(const struct doctor *doctor, const char *path)
{
	char full[PATH_MAX];

	return place(doctor, path, full) && !access(full, F_OK);
}

int doctor_names(const struct doctor *doctor, const char *path,
		 void (*each)(const struct doctor *doctor, const char *name, void *context),
		 void *context)
{
	char full[PATH_MAX];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	dir = place(doctor, path, full) ? opendir(full) : NULL;
	if (!dir)
		return -1;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		each(doctor, entry->d_name, context);
		count++;
	}
	closedir(dir);
	return count;
}

void doctor_found(struct doctor_finding *finding, enum doctor_verdict verdict,
		  const char *format, ...)
{
	va_list arguments;

	finding->verdict = verdict;
	va_start(arguments, format);
	vsnprintf(finding->found, sizeof(finding->found), format, arguments);
	va_end(arguments);
}
