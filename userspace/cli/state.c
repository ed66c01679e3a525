// SPDX-License-Identifier: Apache-2.0
/* The state directory: locked while in use, its files replaced atomically. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "state.h"

#define TEMPORARY_SUFFIX	".new"

static int fail(struct state *state, const char *what, const char *name, const char *why)
{
	return cli_fail(state->cli, CLI_EXIT_IO, "can't %s %s%s%s: %s", what, state->path,
			*name ? "/" : "", name, why);
}

static int fail_errno(struct state *state, const char *what, const char *name)
{
	int error = errno;

	if (error == EACCES || error == EPERM)
		return fail(state, what, name, "permission denied; run it as root, or give "
			    "--state DIRECTORY");
	return fail(state, what, name, strerror(error));
}

/* The directory must be the caller's and closed to others: secrets lie in it. */
static int check_directory(struct state *state)
{
	struct stat status;

	if (fstat(state->fd, &status))
		return fail_errno(state, "look at", "");
	if (status.st_uid != geteuid())
		return fail(state, "use", "", "it belongs to another user; chown it");
	if (status.st_mode & 077)
		return fail(state, "use", "", "others may enter it; chmod 0700 it");
	return 0;
}

/* Makes the directories on the way to @path, which a small system may lack. */
static int make_parents(const char *path)
{
	char part[PATH_MAX];
	char *slash;

	if ((size_t)snprintf(part, sizeof(part), "%s", path) >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	for (slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		/* What follows is the directory itself, even where a slash ends it. */
		if (!slash[strspn(slash, "/")])
			break;
		*slash = '\0';
		if (mkdir(part, 0755) && errno != EEXIST)
			return -1;
		*slash = '/';
	}
	return 0;
}

int state_open(struct cli *cli, const char *path, struct state *state)
{
	int status;

	state->cli = cli;
	state->path = path;
	state->fd = -1;
	if (make_parents(path) || (mkdir(path, 0700) && errno != EEXIST))
		return fail_errno(state, "make", "");
	state->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (state->fd < 0)
		return fail_errno(state, "open", "");
	status = check_directory(state);
	if (!status && flock(state->fd, LOCK_EX))
		status = fail_errno(state, "lock", "");
	if (status)
		state_close(state);
	return status;
}

void state_close(struct state *state)
{
	if (state->fd >= 0)
		close(state->fd);
	state->fd = -1;
}

static int read_file(struct state *state, int fd, const char *name, bool secret, uint8_t *bytes,
		     size_t room, size_t *length)
{
	struct stat status;
	size_t done = 0;

	if (fstat(fd, &status))
		return fail_errno(state, "look at", name);
	if (!S_ISREG(status.st_mode))
		return fail(state, "use", name, "it is not a regular file");
	if (secret && (status.st_mode & 077 || status.st_uid != geteuid()))
		return fail(state, "use", name, "others may read it, so it is no secret any more; "
			    "remove the directory and provision anew");
	if (status.st_size <= 0 || (size_t)status.st_size > room)
		return fail(state, "use", name, "its length is wrong; it is damaged");
	while (done < (size_t)status.st_size) {
		ssize_t got = read(fd, bytes + done, (size_t)status.st_size - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return fail_errno(state, "read", name);
		if (!got)
			return fail(state, "read", name, "it ends too early");
		done += (size_t)got;
	}
	*length = done;
	return 0;
}

int state_read(struct state *state, const char *name, bool secret, uint8_t *bytes, size_t room,
	       size_t *length)
{
	int fd = openat(state->fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int status;

	*length = 0;
	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return fail_errno(state, "read", name);
	status = read_file(state, fd, name, secret, bytes, room, length);
	close(fd);
	return status;
}

/* Writes and syncs; -1 with errno on failure. Closes @fd in any case. */
static int fill_file(int fd, mode_t mode, const uint8_t *bytes, size_t length)
{
	int failed = fchmod(fd, mode);
	int error;

	while (length && !failed) {
		ssize_t put = write(fd, bytes, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			failed = -1;
			break;
		}
		bytes += put;
		length -= (size_t)put;
	}
	if (!failed)
		failed = fsync(fd);
	error = errno;
	if (close(fd) && !failed)
		return -1;
	errno = error;
	return failed;
}

int state_write(struct state *state, const char *name, mode_t mode, const void *bytes,
		size_t length)
{
	char temporary[64];
	int fd;

	snprintf(temporary, sizeof(temporary), "%s" TEMPORARY_SUFFIX, name);
	/* One left over by a crash is nobody's: the directory is locked. */
	if (unlinkat(state->fd, temporary, 0) && errno != ENOENT)
		return fail_errno(state, "remove", temporary);
	fd = openat(state->fd, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return fail_errno(state, "make", temporary);
	if (fill_file(fd, mode, bytes, length) ||
	    renameat(state->fd, temporary, state->fd, name) || fsync(state->fd)) {
		int status = fail_errno(state, "write", name);

		unlinkat(state->fd, temporary, 0);
		return status;
	}
	return 0;
}
