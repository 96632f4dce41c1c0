/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "host/credentials.h"
#include "model/smbios.h"

/* systemd.exec(5) */
#define DIRECTORY_VARIABLE "CREDENTIALS_DIRECTORY"

/* O_NONBLOCK: a FIFO without a writer is refused, not waited for. Returns the fd or -errno. */
static int open_regular(const char *path, mode_t *ret_mode)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	int error = errno;
	struct stat st;

	if (fd < 0) {
		*ret_mode = stat(path, &st) == 0 ? st.st_mode : 0;
		return -error;
	}
	if (fstat(fd, &st) < 0)
		return -errno;
	*ret_mode = st.st_mode;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	if (!S_ISREG(st.st_mode))
		return -EOPNOTSUPP;
	return TAKE_FD(fd);
}

/* Reads to the end, at most size - 1 bytes. */
static ssize_t read_all(int fd, char *buffer, size_t size)
{
	size_t length = 0;

	for (;;) {
		ssize_t n = read(fd, buffer + length, size - length);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return (ssize_t) length;
		length += (size_t) n;
		if (length == size)
			return -EFBIG;
	}
}

static char *credential_path(const SpecCredential *credential)
{
	const char *directory = getenv(DIRECTORY_VARIABLE);

	if (credential->file)
		return strdup(credential->file);
	return str_printf("%s/%s", directory ?: "/nonexistent", credential->credential);
}

int credential_read(const SpecCredential *credential, char **ret, mode_t *ret_mode)
{
	static const size_t size = SMBIOS_STRINGS_MAX_BYTES + 1;
	_cleanup_free_ char *path = credential_path(credential);
	_cleanup_free_ char *buffer = NULL;
	_cleanup_close_ int fd = -EBADF;
	ssize_t n;
	int r;

	*ret_mode = 0;
	if (!path)
		return -ENOMEM;
	fd = open_regular(path, ret_mode);
	if (fd < 0)
		return fd;
	buffer = malloc(size);
	if (!buffer)
		return -ENOMEM;
	n = read_all(fd, buffer, size);
	r = n < 0 ? (int) n : smbios_credential(credential->name, buffer, (size_t) n, ret);
	explicit_bzero(buffer, size);
	return r;
}

static int probe_one(const SpecCredential *credential, CredentialFact *fact)
{
	char *string = NULL;

	fact->error = credential_read(credential, &string, &fact->mode);
	if (fact->error < 0)
		return fact->error == -ENOMEM ? -ENOMEM : 0;
	fact->smbios_bytes = smbios_string_bytes(string);
	fact->json_bytes = smbios_string_json_bytes(string);
	secret_free(string);
	return 0;
}

int credentials_probe(const Spec *spec, bool is_start, Facts *facts)
{
	bool has_directory = getenv(DIRECTORY_VARIABLE) != NULL;
	int r = 0;

	facts->credentials = calloc(spec->n_credentials ?: 1, sizeof(*facts->credentials));
	if (!facts->credentials)
		return -ENOMEM;
	facts->n_credentials = spec->n_credentials;
	for (size_t i = 0; r == 0 && i < spec->n_credentials; i++)
		if (spec->credentials[i].file || has_directory || is_start)
			r = probe_one(&spec->credentials[i], &facts->credentials[i]);
	return r;
}
