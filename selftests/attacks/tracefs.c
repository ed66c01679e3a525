// SPDX-License-Identifier: Apache-2.0
/* tracefs, see tracefs.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tracefs.h"

int trace_begin(void)
{
	return mkdir(TRACE_INSTANCE, 0700) && errno != EEXIST ? -errno : 0;
}

void trace_end(void)
{
	rmdir(TRACE_INSTANCE);
}

int trace_write(const char *file, const char *text)
{
	const bool appends = file[0] == '/';
	char path[256];
	int fd, result = 0;

	snprintf(path, sizeof(path), "%s%s%s", appends ? TRACEFS : TRACE_INSTANCE,
		 appends ? "" : "/", file);
	fd = open(path, O_WRONLY | O_CLOEXEC | (appends ? O_APPEND : O_TRUNC));
	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
		result = errno ? -errno : -EIO;
	close(fd);
	return result;
}

int trace_enable(const char *event, bool on)
{
	char file[160];

	snprintf(file, sizeof(file), "events/%s/enable", event);
	return trace_write(file, on ? "1" : "0");
}

/* Opening the file to be truncated empties the buffer. */
int trace_clear(void)
{
	int result = trace_write("trace", "");

	return result ? result : trace_write("tracing_on", "1");
}

int trace_event_id(const char *event)
{
	char path[256];
	FILE *file;
	int id = -ENOENT;

	snprintf(path, sizeof(path), TRACEFS "/events/%s/id", event);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	if (fscanf(file, "%d", &id) != 1)
		id = -EIO;
	fclose(file);
	return id;
}

int trace_probe_begin(const struct trace_probe *probe)
{
	int result = trace_begin();

	if (!result)
		result = trace_write(probe->file, probe->line);
	return result ? result : trace_enable(probe->event, true);
}

void trace_probe_end(const char *file, const char *event)
{
	char line[96];

	trace_enable(event, false);
	snprintf(line, sizeof(line), "-:%s", event);
	trace_write(file, line);
	trace_end();
}

/* A line's number in hexadecimal digits: no digit stands beside it, zeros in front do. */
static bool has_number(const char *line, uint64_t number)
{
	const char *const digits = "0123456789abcdef";
	char text[20];
	const char *at = line;
	size_t length = (size_t)snprintf(text, sizeof(text), "%lx", number);

	while ((at = strstr(at, text))) {
		const char *before = at;

		while (before > line && before[-1] == '0')
			before--;
		if ((before == line || !strchr(digits, before[-1])) &&
		    (!at[length] || !strchr(digits, at[length])))
			return true;
		at += length;
	}
	return false;
}

static bool has_address(const char *line, uint64_t from, uint64_t to)
{
	const char *at = line;
	uint64_t number;

	while ((at = strchr(at, '<'))) {
		number = strtoull(++at, NULL, 16);
		if (number >= from && number < to)
			return true;
	}
	return false;
}

/* A number, or an address (up to @to), or bytes. */
struct wish {
	pid_t pid;
	uint64_t from;
	uint64_t to;
	const void *bytes;
	size_t length;
};

static bool fulfils(const char *line, const struct wish *wish)
{
	if (wish->bytes)
		return memmem(line, strlen(line), wish->bytes, wish->length);
	if (wish->to)
		return has_address(line, wish->from, wish->to);
	return has_number(line, wish->from);
}

/* What reads the trace must not add to it, or it is never at the end. */
static bool search(const struct wish *wish)
{
	bool its = false, found = false;
	char line[1024], process[32];
	FILE *file;

	if (trace_write("tracing_on", "0"))
		return false;
	file = fopen(TRACE_INSTANCE "/trace", "re");
	snprintf(process, sizeof(process), "-%d ", wish->pid);
	while (file && !found && fgets(line, sizeof(line), file)) {
		if (strncmp(line, " =>", 3))
			its = strstr(line, process);
		if (its)
			found = fulfils(line, wish);
	}
	if (file)
		fclose(file);
	return found;
}

bool trace_shows(pid_t pid, uint64_t number)
{
	const struct wish wish = { .pid = pid, .from = number };

	return search(&wish);
}

bool trace_shows_address(pid_t pid, uint64_t from, uint64_t to)
{
	const struct wish wish = { .pid = pid, .from = from, .to = to };

	return search(&wish);
}

bool trace_shows_bytes(pid_t pid, const void *bytes, size_t length)
{
	const struct wish wish = { .pid = pid, .bytes = bytes, .length = length };

	return search(&wish);
}
