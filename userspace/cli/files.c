// SPDX-License-Identifier: Apache-2.0
/* Files that commands read whole, write or hash. */
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define HASH_STEP	((size_t)64 * 1024)

static int read_all(int fd, uint8_t *bytes, size_t room, size_t *length)
{
	size_t done = 0;

	while (done < room) {
		ssize_t got = read(fd, bytes + done, room - done);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (!got)
			break;
		done += (size_t)got;
	}
	*length = done;
	return 0;
}

int cli_read_file(struct cli *cli, const char *path, uint8_t **bytes, size_t *length)
{
	bool standard = !strcmp(path, "-");
	int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	uint8_t *buffer;
	int error;

	if (fd < 0)
		return cli_fail(cli, CLI_EXIT_IO, "can't read %s: %s", path, strerror(errno));
	buffer = malloc(CLI_SMALL_FILE_MAX + 1);
	error = buffer ? read_all(fd, buffer, CLI_SMALL_FILE_MAX + 1, length) : -ENOMEM;
	if (!standard)
		close(fd);
	if (!error && *length > CLI_SMALL_FILE_MAX)
		error = -EFBIG;
	if (error) {
		free(buffer);
		return cli_fail(cli, CLI_EXIT_IO, "can't read %s: %s", path, strerror(-error));
	}
	*bytes = buffer;
	return 0;
}

static int write_all(int fd, const uint8_t *bytes, size_t length)
{
	while (length) {
		ssize_t put = write(fd, bytes, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		bytes += put;
		length -= (size_t)put;
	}
	return 0;
}

int cli_write_file(struct cli *cli, const char *path, const uint8_t *bytes, size_t length)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int error;

	if (fd < 0)
		return cli_fail(cli, CLI_EXIT_IO, "can't write %s: %s", path, strerror(errno));
	error = write_all(fd, bytes, length);
	if (close(fd) && !error)
		error = -errno;
	if (error)
		return cli_fail(cli, CLI_EXIT_IO, "can't write %s: %s", path, strerror(-error));
	return 0;
}

/* 0, a negative errno of reading, or 1 when OpenSSL failed. */
static int hash_fd(int fd, EVP_MD_CTX *context, uint8_t *buffer,
		   uint8_t digest[CLOISTER_DIGEST_LEN])
{
	size_t got;

	if (EVP_DigestInit_ex(context, EVP_sha384(), NULL) != 1)
		return 1;
	do {
		int error = read_all(fd, buffer, HASH_STEP, &got);

		if (error)
			return error;
		if (EVP_DigestUpdate(context, buffer, got) != 1)
			return 1;
	} while (got);
	return EVP_DigestFinal_ex(context, digest, NULL) != 1;
}

int cli_hash_file(struct cli *cli, const char *path, uint8_t digest[CLOISTER_DIGEST_LEN])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	EVP_MD_CTX *context;
	uint8_t *buffer;
	int result = 1;

	if (fd < 0)
		return cli_fail(cli, CLI_EXIT_IO, "can't read %s: %s", path, strerror(errno));
	context = EVP_MD_CTX_new();
	buffer = malloc(HASH_STEP);
	if (context && buffer)
		result = hash_fd(fd, context, buffer, digest);
	free(buffer);
	EVP_MD_CTX_free(context);
	close(fd);
	if (result < 0)
		return cli_fail(cli, CLI_EXIT_IO, "can't read %s: %s", path, strerror(-result));
	if (result)
		return cli_fail(cli, CLI_EXIT_INTERNAL, "the crypto library can't hash %s", path);
	return 0;
}
