/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs in a Linux guest, linked statically: finds in the SMBIOS tables whom to tell that it is ready, as systemd does
 * with the credential vmm.notify_socket, and tells it, a connection for each message. After each it waits until the
 * host has closed, as systemd does.
 */
#include <err.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TABLES	     "/sys/firmware/dmi/tables/DMI"
#define TABLES_BYTES (64 * 1024)
#define CREDENTIAL   "io.systemd.credential:vmm.notify_socket=vsock-stream:"
#define LIMIT_SEC    300

static struct sockaddr_vm find_address(void)
{
	static char tables[TABLES_BYTES];
	struct sockaddr_vm address = { .svm_family = AF_VSOCK };
	int fd = open(TABLES, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, tables, sizeof(tables) - 1);
	const char *found;
	char *end;

	if (n < 0)
		err(1, TABLES);
	found = memmem(tables, (size_t) n, CREDENTIAL, strlen(CREDENTIAL));
	if (!found)
		errx(1, "no %s in the tables", CREDENTIAL);
	address.svm_cid = (unsigned) strtoul(found + strlen(CREDENTIAL), &end, 10);
	address.svm_port = (unsigned) strtoul(*end == ':' ? end + 1 : "0", NULL, 10);
	return address;
}

static void tell(const struct sockaddr_vm *address, const char *message)
{
	int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char byte;

	if (fd < 0 || connect(fd, (const struct sockaddr *) address, sizeof(*address)) < 0)
		err(1, "connect to %u:%u", address->svm_cid, address->svm_port);
	if (send(fd, message, strlen(message), MSG_NOSIGNAL) < 0)
		err(1, "send");
	(void) shutdown(fd, SHUT_WR);
	while (read(fd, &byte, 1) > 0)
		;
	(void) close(fd);
	(void) printf("guest: told, and closed: %s\n", message);
}

int main(void)
{
	const struct sockaddr_vm address = find_address();

	(void) alarm(LIMIT_SEC);
	tell(&address, "X_SYSTEMD_UNIT_ACTIVE=basic.target");
	tell(&address, "READY=1");
	return 0;
}
